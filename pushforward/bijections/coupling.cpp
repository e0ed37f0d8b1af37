#include "pushforward/bijections/coupling.hpp"

#include "pushforward/nn/conditioner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace pushforward {
namespace {

class Coupling : public Bijection {
public:
    Coupling(torch::nn::Module& parent, const std::string& name, const LayerShape& s, bool odd,
             std::unique_ptr<Transformer> transformer)
        : transformer_(std::move(transformer)) {
        // with one number there is nothing that could stay
        const std::int64_t first = s.dimensions == 1 ? 1 : odd ? 1 : 0;
        const Tensor all = at::arange(s.dimensions);
        stay_ = all.slice(0, first, s.dimensions, 2);
        move_ = all.slice(0, 1 - first, s.dimensions, 2);
        back_ = at::cat({stay_, move_}).argsort();
        conditioner_ = Conditioner(parent, name,
                                   {stay_.size(0), move_.size(0), transformer_->parameters(),
                                    s.context, s.width, s.layers},
                                   Sight::all);
    }

    Mapped forward(const Tensor& x, const Given& given) const override {
        return map(x, given, &Transformer::forward);
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        return map(y, given, &Transformer::inverse);
    }

private:
    Mapped map(const Tensor& x, const Given& given,
               Mapped (Transformer::*direction)(const Tensor&, const Tensor&) const) const {
        const auto device = x.device();
        const Tensor kept = x.index_select(1, stay_.to(device));
        const Tensor moved = x.index_select(1, move_.to(device));
        Mapped out = (*transformer_.*direction)(moved, conditioner_(kept, given.context));
        out.y = at::cat({kept, out.y}, 1).index_select(1, back_.to(device));
        return out;
    }

    std::unique_ptr<Transformer> transformer_;
    Tensor stay_, move_, back_;
    Conditioner conditioner_;
};

class Autoregressive : public Bijection {
public:
    Autoregressive(torch::nn::Module& parent, const std::string& name, const LayerShape& s,
                   std::unique_ptr<Transformer> transformer)
        : transformer_(std::move(transformer)),
          conditioner_(parent, name,
                       {s.dimensions, s.dimensions, transformer_->parameters(), s.context, s.width,
                        s.layers},
                       Sight::before) {}

    Mapped forward(const Tensor& x, const Given& given) const override {
        return transformer_->forward(x, conditioner_(x, given.context));
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        const std::int64_t d = y.size(1);
        std::vector<Tensor> known;
        Tensor log_det = at::zeros({y.size(0)}, y.options());
        for (std::int64_t i = 0; i < d; ++i) {
            // what is not known yet is not seen
            std::vector<Tensor> parts = known;
            parts.push_back(at::zeros_like(y.slice(1, i)));
            const Tensor p = conditioner_(at::cat(parts, 1), given.context).slice(1, i, i + 1);
            const Mapped one = transformer_->inverse(y.slice(1, i, i + 1), p);
            known.push_back(one.y);
            log_det = log_det + one.log_det;
        }
        return {at::cat(known, 1), log_det};
    }

private:
    std::unique_ptr<Transformer> transformer_;
    Conditioner conditioner_;
};

}  // namespace

std::unique_ptr<Bijection> make_coupling(torch::nn::Module& parent, const std::string& name,
                                         const LayerShape& shape, bool odd,
                                         std::unique_ptr<Transformer> transformer) {
    return std::make_unique<Coupling>(parent, name, shape, odd, std::move(transformer));
}

std::unique_ptr<Bijection> make_autoregressive(torch::nn::Module& parent, const std::string& name,
                                               const LayerShape& shape,
                                               std::unique_ptr<Transformer> transformer) {
    return std::make_unique<Autoregressive>(parent, name, shape, std::move(transformer));
}

}  // namespace pushforward

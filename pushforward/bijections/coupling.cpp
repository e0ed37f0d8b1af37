#include "pushforward/bijections/coupling.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/conditioner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace pushforward {
namespace {

/// Numbers 0, 2, 4, ... and 1, 3, 5, ... as one row; the second are as many or one fewer.
Tensor interleaved(const Tensor& even, const Tensor& odd) {
    const std::int64_t d = even.size(1) + odd.size(1);
    const Tensor filled = d % 2 == 0 ? odd : at::constant_pad_nd(odd, {0, 1}, 0);
    const Tensor row = at::stack({even, filled}, 2).flatten(1);
    return d % 2 == 0 ? row : row.slice(1, 0, d);
}

class Coupling : public Transformed {
public:
    Coupling(torch::nn::Module& parent, const std::string& name, const LayerShape& s, bool odd,
             std::unique_ptr<Transformer> transformer)
        // with one number there is nothing that could stay
        : Transformed(std::move(transformer)), odd_(odd || s.dimensions == 1) {
        const std::int64_t evens = (s.dimensions + 1) / 2, odds = s.dimensions / 2;
        conditioner_ =
            Conditioner(parent, name,
                        {(odd_ ? odds : evens) * transformer_->features(), odd_ ? evens : odds,
                         transformer_->parameters(), s.context, s.width, s.layers},
                        Sight::all);
    }

private:
    Mapped map(const Tensor& x, const Given& given, Direction direction) const override {
        const std::int64_t d = x.size(1);
        const Tensor even = x.slice(1, 0, d, 2), odd = x.slice(1, 1, d, 2);
        const Tensor kept = (odd_ ? odd : even).contiguous(), &moved = odd_ ? even : odd;
        Mapped out = (*transformer_.*direction)(
            moved, conditioner_(transformer_->heard(kept), given.context));
        out.y = odd_ ? interleaved(out.y, kept) : interleaved(kept, out.y);
        return out;
    }

    bool odd_;
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
                       Sight::before) {
        PF_CHECK(transformer_->features() == 1, name, "a transformer of numbers", "one of angles");
    }

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

#include "pushforward/base/errors.hpp"
#include "pushforward/bijections/image.hpp"
#include "pushforward/nn/conv_conditioner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

namespace pushforward {
namespace {

/// [B, P C, H, W] of a network -> [B, C H W, P] of a transformer.
Tensor of_numbers(const Tensor& p, std::int64_t each) {
    return p.reshape({p.size(0), each, -1}).transpose(1, 2);
}

class ChannelCoupling : public Transformed {
public:
    ChannelCoupling(torch::nn::Module& parent, const std::string& name, const PictureShape& s,
                    bool odd, std::unique_ptr<Transformer> transformer)
        : Transformed(std::move(transformer)), odd_(odd) {
        PF_CHECK(s.channels > 1, name, "at least two channels to couple", s.channels);
        first_ = s.channels / 2;
        const std::int64_t stay = odd ? s.channels - first_ : first_;
        conditioner_ = ConvConditioner(
            parent, name,
            {stay, (s.channels - stay) * transformer_->parameters(), s.context, s.width, s.layers});
    }

private:
    Mapped map(const Tensor& x, const Given& given, Direction direction) const override {
        const Tensor low = x.narrow(1, 0, first_), high = x.narrow(1, first_, x.size(1) - first_);
        const Tensor &kept = odd_ ? high : low, &moved = odd_ ? low : high;
        const Tensor p = of_numbers(conditioner_(kept, given.context), transformer_->parameters());
        const Mapped out = (*transformer_.*direction)(moved.flatten(1), p);
        const Tensor y = out.y.reshape(moved.sizes());
        return {odd_ ? at::cat({y, kept}, 1) : at::cat({kept, y}, 1), out.log_det};
    }

    bool odd_;
    std::int64_t first_ = 0;
    ConvConditioner conditioner_;
};

class CheckerboardCoupling : public Transformed {
public:
    CheckerboardCoupling(torch::nn::Module& parent, const std::string& name, const PictureShape& s,
                         bool odd, std::unique_ptr<Transformer> transformer)
        : Transformed(std::move(transformer)),
          odd_(odd),
          conditioner_(
              parent, name,
              {s.channels, s.channels * transformer_->parameters(), s.context, s.width, s.layers}) {
    }

private:
    /// Where the parameters are zero the transformer is the identity.
    Mapped map(const Tensor& x, const Given& given, Direction direction) const override {
        const auto whole = x.options().dtype(at::kLong);
        const Tensor sum = at::arange(x.size(2), whole).unsqueeze(1) + at::arange(x.size(3), whole);
        const Tensor moved = ((sum + (odd_ ? 0 : 1)) % 2 == 0).to(x.scalar_type());
        const Tensor p = conditioner_(x * (1 - moved), given.context) * moved;
        const Mapped out =
            (*transformer_.*direction)(x.flatten(1), of_numbers(p, transformer_->parameters()));
        return {out.y.reshape(x.sizes()), out.log_det};
    }

    bool odd_;
    ConvConditioner conditioner_;
};

}  // namespace

std::unique_ptr<Bijection> make_picture_coupling(torch::nn::Module& parent, const std::string& name,
                                                 const PictureShape& shape, Mask mask, bool odd,
                                                 std::unique_ptr<Transformer> transformer) {
    if (mask == Mask::checkerboard)
        return std::make_unique<CheckerboardCoupling>(parent, name, shape, odd,
                                                      std::move(transformer));
    return std::make_unique<ChannelCoupling>(parent, name, shape, odd, std::move(transformer));
}

}  // namespace pushforward

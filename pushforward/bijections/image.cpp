#include "pushforward/bijections/image.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

namespace pushforward {
namespace {

class Flatten : public Bijection {
public:
    explicit Flatten(std::vector<std::int64_t> event) : event_(std::move(event)) {}

    Mapped forward(const Tensor& x, const Given&) const override {
        return {x.reshape({x.size(0), -1}), at::zeros({x.size(0)}, x.options())};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        std::vector<std::int64_t> shape{y.size(0)};
        shape.insert(shape.end(), event_.begin(), event_.end());
        return {y.reshape(shape), at::zeros({y.size(0)}, y.options())};
    }

private:
    std::vector<std::int64_t> event_;
};

class Squeeze : public Bijection {
public:
    Mapped forward(const Tensor& x, const Given&) const override {
        PF_CHECK(x.size(2) % 2 == 0 && x.size(3) % 2 == 0, "squeeze", "even sides",
                 text(x.size(2), " x ", x.size(3)));
        return {at::pixel_unshuffle(x, 2), at::zeros({x.size(0)}, x.options())};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        return {at::pixel_shuffle(y, 2), at::zeros({y.size(0)}, y.options())};
    }
};

class Logit : public Bijection {
public:
    explicit Logit(double margin) : margin_(margin) {}

    Mapped forward(const Tensor& x, const Given&) const override {
        // rounding alone brings a number to the edge or beyond
        const double least = std::numeric_limits<float>::min(),
                     most = 1 - (x.scalar_type() == at::kDouble
                                     ? std::numeric_limits<double>::epsilon()
                                     : std::numeric_limits<float>::epsilon());
        const Tensor p = (margin_ + (0.5 - margin_) * (x + 1)).clamp(least, most);
        const Tensor y = at::log(p) - at::log1p(-p);
        return {y, slope(y)};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        return {(at::sigmoid(y) - margin_) / (0.5 - margin_) - 1, -slope(y)};
    }

private:
    /// sum log dy/dx = log(1/2 - margin) - log p - log(1 - p) of each number, with p = sigmoid(y).
    Tensor slope(const Tensor& y) const {
        return (std::log(0.5 - margin_) - at::log_sigmoid(y) - at::log_sigmoid(-y))
            .flatten(1)
            .sum(1);
    }

    double margin_;
};

class Split : public Bijection {
public:
    explicit Split(std::unique_ptr<Bijection> rest) : rest_(std::move(rest)) {}

    Mapped forward(const Tensor& x, const Given& given) const override {
        PF_CHECK(x.dim() == 4 && x.size(1) % 2 == 0, "split",
                 "pictures with an even number of channels", text(x.sizes()));
        const std::int64_t half = x.size(1) / 2;
        const Mapped kept = rest_->forward(x.narrow(1, 0, half), given);
        return {at::cat({kept.y, x.narrow(1, half, half).flatten(1)}, 1), kept.log_det};
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        const std::int64_t half = y.size(1) / 2;
        const Mapped kept = rest_->inverse(y.narrow(1, 0, half), given);
        return {at::cat({kept.y, y.narrow(1, half, half).reshape(kept.y.sizes())}, 1),
                kept.log_det};
    }
    bool estimates() const override { return rest_->estimates(); }
    void initialise(const Tensor& x, const Given& given) override {
        rest_->initialise(x.narrow(1, 0, x.size(1) / 2), given);
    }

private:
    std::unique_ptr<Bijection> rest_;
};

}  // namespace

std::unique_ptr<Bijection> make_flatten(std::vector<std::int64_t> event) {
    return std::make_unique<Flatten>(std::move(event));
}
std::unique_ptr<Bijection> make_squeeze() {
    return std::make_unique<Squeeze>();
}
std::unique_ptr<Bijection> make_logit(double margin) {
    return std::make_unique<Logit>(margin);
}
std::unique_ptr<Bijection> make_split(std::unique_ptr<Bijection> rest) {
    return std::make_unique<Split>(std::move(rest));
}

}  // namespace pushforward

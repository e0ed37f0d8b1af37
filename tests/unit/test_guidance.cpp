#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/guidance.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

using namespace pushforward;

namespace {

/// x0 = 10 label where it is given, 1 where it isn't; counts passes and rows.
class Labelled : public Denoiser {
public:
    const Path& path() const override { return *path_; }
    Tensor predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const override {
        ++passes;
        rows += x.size(0);
        CHECK(t.size(0) == x.size(0));
        if (c.empty()) return at::ones(x.sizes());
        const Tensor label = c.value.at("label");
        const auto given = c.given.find("label");
        const Tensor shown =
            given == c.given.end() ? at::ones({x.size(0)}, at::kBool) : given->second;
        return at::where(shown, 10. * label.to(at::kFloat), 1.).to(at::kFloat).unsqueeze(1);
    }
    Tensor residual(const Tensor& x0, const Tensor&, const Tensor&,
                    const Condition&) const override {
        return x0;
    }
    Tensor residual_scale(const Tensor& t) const override { return at::ones_like(t); }
    mutable int passes = 0;
    mutable std::int64_t rows = 0;

private:
    std::shared_ptr<const GaussianPath> path_ = straight_path();
};

}  // namespace

TEST_CASE("guidance combines as D = g D(c) + (1 - g) D(none) and asks only as often as it must") {
    const Tensor x = at::zeros({3, 1});
    Condition c;
    c.value["label"] = at::tensor({1, 2, 3}, at::kLong);
    const Tensor labels = at::tensor({10.f, 20.f, 30.f}).unsqueeze(1);
    for (double gamma : {0.0, 1.0, 2.0, 0.5, 3.0}) {
        CAPTURE(gamma);
        const Labelled model;
        std::int64_t evaluations = 0;
        const Tensor y = denoise_at(guided(model, c, gamma, &evaluations), x, 0.5);
        CHECK(((y - (gamma * labels + (1 - gamma))).abs() < 1e-5).all().item<bool>());
        const bool once = gamma == 0 || gamma == 1;
        CHECK(evaluations == (once ? 1 : 2));
        CHECK(model.passes == 1);
        CHECK(model.rows == (once ? 3 : 6));
    }
    const Labelled model;
    std::int64_t evaluations = 0;
    denoise_at(guided(model, {}, 4, &evaluations), x, 0.5);  // nothing to be guided by
    CHECK(evaluations == 1);
    CHECK(model.rows == 3);
}

TEST_CASE("rows that the caller left unconditional stay so under guidance") {
    Condition c;
    c.value["label"] = at::tensor({1, 2}, at::kLong);
    c.given["label"] = at::tensor({1, 0}, at::kLong).to(at::kBool);
    const Labelled model;
    const Tensor y = denoise_at(guided(model, c, 3), at::zeros({2, 1}), 0.5);
    CHECK(y[0].item<float>() == 28);  // 3 * 10 - 2 * 1
    CHECK(y[1].item<float>() == 1);
}

TEST_CASE("clipping clamps the denoised item") {
    const Denoise big = [](const Tensor& x, const Tensor&) { return x * 10; };
    const Tensor y = denoise_at(clipped(big, 1), at::tensor({-3.f, 0.05f, 3.f}), 0.5);
    CHECK(y[0].item<float>() == -1);
    CHECK(y[1].item<float>() == doctest::Approx(0.5));
    CHECK(y[2].item<float>() == 1);
}

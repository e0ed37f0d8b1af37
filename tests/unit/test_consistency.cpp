#include "gaussian_truth.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/families/diffusion/mixture.hpp"
#include "pushforward/objectives/consistency.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>

using namespace pushforward;

namespace {

const DataSpec plane{{Kind::real, {2}, 0}, {}};

/// N(0, 0.5^2 I) with its denoiser, or where the ODE's paths through x_t end: the consistency
/// function of that law, f(x, t) = 0.5 x / sqrt(0.25 alpha^2 + sigma^2).
class Normal : public Model, public Denoiser {
public:
    explicit Normal(bool consistent) : consistent_(consistent) {}
    const DataSpec& spec() const override { return plane; }
    torch::nn::Module& module() override { return module_; }
    Samples sample(const SampleRequest&, Rng) const override { return {}; }
    const Denoiser* denoiser() const override { return this; }
    const Path& path() const override { return path_; }
    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition&) const override {
        const Level at = path_.at(t);
        const Tensor variance = 0.25 * at.alpha.square() + at.sigma.square();
        return rowwise(consistent_ ? 0.5 / variance.sqrt() : 0.25 * at.alpha / variance, x) * x;
    }
    Residual residual(const Tensor& x0, const Tensor&, const Tensor&,
                      const Condition&) const override {
        return x0;
    }
    Tensor residual_scale(const Tensor& t) const override { return at::ones_like(t); }

private:
    bool consistent_;
    testing::VpPath path_;
    torch::nn::Module module_;
};

double loss_of(Model& student, const Model& teacher, std::int64_t steps) {
    ConsistencyOptions options;
    options.teacher = "somewhere";
    options.steps = steps;
    const testing::NoData data(plane);
    const Sources sources{.data = &data, .teacher = &teacher};
    const auto objective = make_consistency(options);
    REQUIRE(objective->refusal(student, sources) == "");
    CHECK(objective->teacher() == "somewhere");
    Batch batch;
    batch.x = 0.5 * Rng(1).normal({20000, 2}, at::kDouble);
    return objective->players(student, sources)
        .at(0)
        .loss(batch, Step{0, Rng(2)})
        .value.item<double>();
}

}  // namespace

TEST_CASE("the ends of the ODE's paths are consistent, and a denoiser is not") {
    const Normal teacher(false);
    Normal ends(true), denoiser(false);
    // DDIM's step errs by the square of its size: the loss is that of the teacher's steps alone
    const double coarse = loss_of(ends, teacher, 20), fine = loss_of(ends, teacher, 80);
    CHECK(fine < 1e-5);
    CHECK(coarse / fine > 30);
    CHECK(loss_of(denoiser, teacher, 80) > 100 * fine);
}

TEST_CASE("consistency refuses what it cannot learn from") {
    const Normal teacher(false);
    const auto other = make_mixture_model({}, {}, plane);
    const testing::NoData data(plane);
    ConsistencyOptions options;
    const auto refusal = [&](const Model* from) {
        return make_consistency(options)->refusal(teacher, {.data = &data, .teacher = from});
    };
    CHECK(refusal(&teacher) == "consistency needs objective.teacher, a run folder");
    options.teacher = "runs/a";
    CHECK(refusal(nullptr) == "objective.teacher: runs/a does not denoise");
    CHECK(refusal(other.get()) == "");
    MixtureModelOptions faster;
    faster.beta_max = 10;
    const auto another = make_mixture_model(faster, {}, plane);
    CHECK(refusal(another.get()) == "objective.teacher: runs/a walks another path than the model");
}

// A model of your own and an objective that fits it.
#include "pushforward/core/model.hpp"
#include "pushforward/core/objective.hpp"
#include "pushforward/training/trainer.hpp"

#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace {

using namespace pushforward;

// [model]
/// x = mean + exp(log_scale) z with z ~ N(0, I): a normal law with a diagonal covariance.
class DiagonalNormal : public Model, public Density {
public:
    explicit DiagonalNormal(const DataSpec& spec) : spec_(spec) {
        mean_ = module_.register_parameter("mean", torch::zeros(spec.x.event));
        log_scale_ = module_.register_parameter("log_scale", torch::zeros(spec.x.event));
    }
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }

    // What the model can do is asked of it: this one has an exact density and nothing else.
    const Density* density() const override { return this; }
    std::vector<Estimator> estimators() const override {
        return {{"exact", Strength::exact, Measure::density}};
    }
    Tensor log_prob(const Tensor& x, const Condition&, const std::string&, Rng) const override {
        const Tensor z = (x - mean_) * (-log_scale_).exp();
        const double constant = 0.5 * std::log(2 * std::numbers::pi);
        return (-0.5 * z.square() - log_scale_ - constant).flatten(1).sum(1);
    }

    // Row r depends on the generator's key and request.first + r alone.
    Samples sample(const SampleRequest& request, Rng rng) const override {
        const torch::NoGradGuard no_grad;
        auto shape = spec_.x.event;
        shape.insert(shape.begin(), request.n);
        const Tensor z = rng.rows_from(request.first).normal(shape, at::kFloat, request.device);
        return {.x = mean_ + log_scale_.exp() * z};
    }

private:
    DataSpec spec_;
    torch::nn::Module module_{"diagonal_normal"};
    Tensor mean_, log_scale_;
};
// [model]

// [objective]
/// -E log p(x | c): what is minimised, and by whom. A game has several players, this is one of one.
class MaximumLikelihood : public Objective {
public:
    std::string refusal(const Model& model, const Sources& sources) const override {
        if (!model.density()) return "maximum likelihood needs a model with a density";
        return sources.data ? "" : "maximum likelihood learns from data, and there is none";
    }
    std::vector<Player> players(Model& model, const Sources&) const override {
        Player player{.name = "model", .groups = {}, .loss = {}};
        auto& group = player.groups.emplace_back();
        for (const auto& p : model.module().named_parameters())
            group.parameters.emplace_back(p.key(), p.value());
        player.loss = [&model](const Batch& batch, const Step& step) {
            const Density& density = *model.density();
            const auto how = density.estimators().front().name;
            return Loss{-density.log_prob(batch.x, batch.c, how, step.rng).mean()};
        };
        return {player};
    }
};
// [objective]

TEST_CASE("a model and an objective of one's own are trained by the Trainer") {
    DiagonalNormal model({.x = {Kind::real, {2}}});
    const MaximumLikelihood objective;
    CHECK(objective.refusal(model, {}).find("there is none") != std::string::npos);

    Training training;
    training.model = &model;
    training.players = objective.players(model, {});
    training.options.steps = 400;
    training.options.learning_rate = 0.03;
    training.options.schedule = ScheduleKind::cosine;
    training.options.ema_half_life = 10;
    training.batch = [](std::int64_t k) {
        Batch batch;
        batch.x = 3 + 0.5 * Rng(1).split(static_cast<std::uint64_t>(k)).normal({64, 2});
        return batch;
    };
    Trainer(training).run();

    const auto& parameters = model.module().named_parameters();
    CHECK((parameters["mean"] - 3).abs().max().item<double>() < 0.05);
    CHECK((parameters["log_scale"].exp() - 0.5).abs().max().item<double>() < 0.05);
    const Tensor x = model.sample({.n = 20000}, Rng(2)).x;
    CHECK(x.mean().item<double>() == doctest::Approx(3).epsilon(0.02));
    CHECK(torch::equal(model.sample({.n = 5, .first = 7}, Rng(2)).x, x.slice(0, 7, 12)));
}

}  // namespace

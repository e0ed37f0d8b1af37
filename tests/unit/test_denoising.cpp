#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/objectives/catalogue.hpp"
#include "pushforward/objectives/denoising.hpp"
#include "pushforward/objectives/parts.hpp"
#include "pushforward/objectives/reference.hpp"
#include "pushforward/objectives/training_times.hpp"

#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

using namespace pushforward;

namespace {

const DataSpec plane{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 4}}}};

std::unique_ptr<Model> fresh() {
    FlowMatchingOptions options;
    options.network.select("mlp");
    return make_flow_matching(options, {}, plane);
}

Loss loss_of(Model& model, const DenoisingOptions& options, const Batch& batch,
             std::uint64_t seed) {
    const testing::NoData data(plane);
    const Sources sources{&data};
    const auto objective = make_denoising(options);
    REQUIRE(objective->refusal(model, sources) == "");
    const auto players = objective->players(model, sources);
    REQUIRE(players.size() == 1);
    return players[0].loss(batch, Step{0, Rng(seed)});
}

}  // namespace

TEST_CASE("the loss of a network that says zero is the second moment of its target") {
    const auto model = fresh();  // the velocity's target is eps - x0
    Batch batch;
    batch.x = at::ones({20000, 2}) * 3;
    const double value = loss_of(*model, {}, batch, 5).value.item<double>();
    CHECK(value == doctest::Approx(9 + 1).epsilon(0.02));
    CHECK(loss_of(*model, {}, batch, 5).value.item<double>() == value);
    CHECK(loss_of(*model, {}, batch, 6).value.item<double>() != value);
}

TEST_CASE("weightings count errors of x0 as their papers say") {
    // A velocity of zero denoises x_t to itself: x_t - x0 = t (eps - x0), SNR = ((1 - t) / t)^2.
    const auto model = fresh();
    const auto path = straight_path();
    const Tensor t = at::linspace(0.05, 0.95, 19, at::kDouble);
    const Tensor snr = ((1 - t) / t).square();
    const auto is = [&](Weighting weighting, const Tensor& expected) {
        CHECK(testing::worst(weight_of(weighting, *path, t) / expected, at::ones_like(t)) < 1e-9);
    };
    is(Weighting::epsilon, snr);
    is(Weighting::x0, at::ones_like(t));
    is(Weighting::v, snr + 1);
    is(Weighting::truncated_snr, at::where(t < 0.5, snr, at::ones_like(t)));
    is(Weighting::min_snr, at::where(snr < 5, snr, 5 * at::ones_like(t)));
    is(Weighting::likelihood, (1 - t) / t.pow(3));  // -SNR' / 2

    // Through the objective: E (1 - t)^2 |eps - x0|^2 = 10 / 3 for x0 = 3 (4 standard errors: 0.08)
    Batch batch;
    batch.x = at::ones({20000, 2}) * 3;
    DenoisingOptions options;
    options.weighting = Weighting::epsilon;
    CHECK(loss_of(*model, options, batch, 5).value.item<double>() ==
          doctest::Approx(10. / 3).epsilon(0.025));
}

TEST_CASE("optimal transport pairs each item with noise near it") {
    const auto model = fresh();  // its loss is |eps - x0|^2 averaged over the event
    Rng rng(8);
    Batch batch;
    batch.x = rng.normal({256, 2});
    DenoisingOptions options;
    options.condition_dropout = 0;
    const double independent = loss_of(*model, options, batch, 5).value.item<double>();
    options.pairing = Pairing::optimal_transport;
    const double paired = loss_of(*model, options, batch, 5).value.item<double>();
    // |eps - x0|^2 is 2 on average; the two-sample W2^2 / 2 of 256 normal points is below 0.1
    CHECK(independent == doctest::Approx(2).epsilon(0.2));
    CHECK(paired < 0.1);
}

namespace {

/// Makes 3 z + 1 of its noise.
class Affine : public Model, public Latent {
public:
    const DataSpec& spec() const override { return plane; }
    torch::nn::Module& module() override { return module_; }
    Samples sample(const SampleRequest&, Rng) const override { return {}; }
    const Latent* latent() const override { return this; }
    LatentSpace latent_space() const override { return {"noise", plane.x}; }
    Posterior encode(const Tensor& x, const Condition&, Rng) const override {
        return {(x - 1) / 3};
    }
    Tensor decode(const Tensor& z, const Condition&, Rng) const override { return 3 * z + 1; }

private:
    torch::nn::Module module_;
};

}  // namespace

TEST_CASE("a teacher's noise and items are learnt as pairs") {
    const auto model = fresh();  // its loss is E |eps - x0|^2 = E |2 eps + 1|^2 = 5
    const Affine teacher;
    const testing::NoData data(plane);
    DenoisingOptions options;
    options.pairing = Pairing::teacher;
    options.teacher = "runs/a";
    const auto refusal = [&](const Sources& sources) {
        return make_denoising(options)->refusal(*model, sources);
    };
    CHECK(refusal({&data}) == "objective.teacher: runs/a has no latent space to decode");
    const Sources sources{.data = &data, .teacher = &teacher};
    CHECK(refusal(sources) == "");
    CHECK(make_denoising(options)->teacher() == "runs/a");
    CHECK(make_denoising({})->teacher() == "");
    Batch batch;
    batch.x = at::ones({20000, 2}) * 70;  // what the data are makes no difference
    const auto players = make_denoising(options)->players(*model, sources);
    CHECK(players[0].loss(batch, Step{0, Rng(5)}).value.item<double>() ==
          doctest::Approx(5).epsilon(0.03));
    options.teacher = "";
    CHECK(refusal(sources) ==
          "objective.pairing \"teacher\" needs objective.teacher, a run folder");
}

TEST_CASE("a variance is learnt beside the mean and does not move it") {
    FlowMatchingOptions options;
    options.network.select("mlp");
    options.learn_variance = true;
    const auto model = make_flow_matching(options, {}, plane);
    Tensor bias;
    for (const auto& p : model->module().named_parameters())
        if (p.key() == "out.bias") bias = p.value();
    REQUIRE(bias.size(0) == 4);
    Batch batch;
    batch.x = at::ones({20000, 2}) * 3;
    std::vector<Tensor> slopes;
    for (const double b : {0., 1., std::log(10.)}) {
        {
            const at::NoGradGuard no_grad;
            bias.slice(0, 2).fill_(b);
        }
        bias.mutable_grad() = Tensor();
        const Tensor loss = loss_of(*model, {}, batch, 5).value;
        loss.backward();
        // E r^2 = 10 for a velocity of zero; the normal's -2 log-likelihood is r^2 / e^b + b
        CHECK(loss.item<double>() ==
              doctest::Approx(10 + 0.05 * (10 * std::exp(-b) + b)).epsilon(0.02));
        slopes.push_back(bias.grad().clone());
    }
    CHECK(testing::worst(slopes[0].slice(0, 0, 2), slopes[1].slice(0, 0, 2)) < 1e-5);
    // at the square's own logarithm there is nothing more to learn
    CHECK(slopes[0].slice(0, 2).abs().min().item<double>() > 0.1);
    CHECK(slopes[2].slice(0, 2).abs().max().item<double>() < 0.01);
    const Tensor t = at::full({3}, 0.4, at::kDouble);
    const Denoised said = model->denoiser()->predict_x0(at::ones({3, 2}), t, {});
    CHECK(testing::worst(said.variance, at::full({3, 2}, 0.16 * 10.)) < 1e-5);
}

namespace {

/// Rows that are held in memory.
class Held : public Dataset {
public:
    explicit Held(Batch rows) : rows_(std::move(rows)) {}
    const DataSpec& spec() const override { return plane; }
    std::int64_t size() const override { return rows_.size(); }
    Batch get(std::span<const std::int64_t> rows) const override {
        Batch some;
        some.index = at::tensor(at::IntArrayRef(rows.data(), rows.size()));
        some.x = rows_.x.index_select(0, some.index);
        some.c.value["label"] = rows_.c.value.at("label").index_select(0, some.index);
        return some;
    }

private:
    Batch rows_;
};

}  // namespace

TEST_CASE("a reference tells E[x0 | x_t] of the rows it holds") {
    const std::int64_t n = 40;
    Batch all;
    all.x = Rng(1).normal({n, 2});
    all.c.value["label"] = at::arange(n).remainder(4);
    const Held data(all);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    const Sources sources{.data = &data, .rows = rows};

    const std::vector<std::int64_t> some = {3, 3, 7, 0, 31};
    Batch batch = data.get(some);
    const Tensor eps = Rng(2).normal({5, 2});
    const Tensor ratio = at::tensor({0.3, 30., 1., 0.01, 2.}, at::kDouble);
    Condition hidden = batch.c;
    hidden.given["label"] = at::tensor({1, 1, 0, 0, 1}, at::kLong).to(at::kBool);
    // by the definition, one weight at a time, in float64
    const auto expected = [&](const std::vector<std::int64_t>& known, bool by_label) {
        std::vector<double> means;
        for (std::int64_t i = 0; i < 5; ++i) {
            const auto own = some[static_cast<std::size_t>(i)];
            const double r = ratio[i].item<double>();
            std::vector<std::int64_t> of_row = known;
            if (std::find(known.begin(), known.end(), own) == known.end()) of_row.push_back(own);
            double total = 0, sum[2] = {0, 0};
            for (const auto j : of_row) {
                if (by_label && hidden.given["label"][i].item<bool>() && j % 4 != own % 4) continue;
                double square = 0;
                for (int d = 0; d < 2; ++d)
                    square += std::pow(
                        r * (all.x[own][d] - all.x[j][d]).item<double>() + eps[i][d].item<double>(),
                        2);
                const double w = std::exp(-square / 2);
                total += w;
                for (int d = 0; d < 2; ++d) sum[d] += w * all.x[j][d].item<double>();
            }
            for (double s : sum) means.push_back(s / total);
        }
        return at::tensor(means, at::kDouble).view({5, 2});
    };
    const Reference whole(sources, 1000, {});
    CHECK(testing::worst(whole.mean(batch, eps, ratio, hidden, Rng(1)), expected(rows, false)) <
          2e-5);
    const Reference labelled(sources, n, plane.conditions);
    CHECK(testing::worst(labelled.mean(batch, eps, ratio, hidden, Rng(1)), expected(rows, true)) <
          2e-5);
    const Reference four(sources, 4, {});  // four that the stream draws, and the row itself
    auto first = Rng(7).permutation(n);
    first.resize(4);
    CHECK(testing::worst(four.mean(batch, eps, ratio, hidden, Rng(7)), expected(first, false)) <
          2e-5);
    // At one x_t, averaged over which row led there and over the references, the target is what all
    // rows say. Six standard errors of each of two numbers: a false alarm in 10^8.
    const Tensor r = at::full({n}, 0.7, at::kDouble), place = at::tensor({0.4, -0.2}, at::kDouble);
    Batch each = data.get(rows);
    const Tensor noise_there =
        place / 0.5 - 0.7 * each.x.to(at::kDouble);  // (x_t - alpha x0) / sigma
    const Tensor w = at::softmax(-0.5 * noise_there.square().sum(1), 0).unsqueeze(1);
    const Tensor truth = (w * each.x.to(at::kDouble)).sum(0);
    std::vector<Tensor> found;
    for (std::uint64_t i = 0; i < 3000; ++i)
        found.push_back((w * four.mean(each, noise_there.to(at::kFloat), r, {}, Rng(i))).sum(0));
    const Tensor all_found = at::stack(found).to(at::kDouble);
    const Tensor error = all_found.std(0) / std::sqrt(3000.0);
    CHECK(((all_found.mean(0) - truth).abs() < 6 * error).all().item<bool>());
    CHECK(error.max().item<double>() < 0.01);  // four fixed rows are off by tenths

    // The objective's target: at the same x_t the loss of a velocity v = 0 is |(x_t - mean) / t|^2.
    const auto model = fresh();
    DenoisingOptions options;
    options.reference = 1000;
    options.condition_dropout = 1;  // hidden labels: all rows count
    options.times = "uniform";
    const auto loss = make_denoising(options)->players(*model, sources)[0].loss;
    Rng rng(9);
    Batch drawn;
    drawn.index = rng.integers(0, n, {4000});
    drawn.x = all.x.index_select(0, drawn.index);
    drawn.c.value["label"] = all.c.value["label"].index_select(0, drawn.index);
    const double reached = loss(drawn, Step{0, Rng(5)}).value.item<double>();
    options.reference = 0;
    const double own = loss_of(*model, options, drawn, 5).value.item<double>();
    // the target's variance is gone: E |mean - x0|^2 / t^2 is, by the same draws, the difference
    Rng for_times = Rng(5).split(0), for_noise = Rng(5).split(1);
    const Tensor t = draw_times(model->denoiser()->path(), options, 4000, for_times);
    const Tensor noise = for_noise.normal({4000, 2});
    const Tensor mean = whole.mean(drawn, noise, (1 - t) / t, {}, Rng(1));
    const Tensor back = (1 - t).unsqueeze(1) * drawn.x + t.unsqueeze(1) * noise;
    CHECK(reached ==
          doctest::Approx(((back - mean) / t.unsqueeze(1)).square().mean().item<double>())
              .epsilon(1e-4));
    CHECK(reached < own);

    const auto refusal = [&](const DenoisingOptions& o, const Sources& from) {
        return make_denoising(o)->refusal(*model, from);
    };
    options.reference = 4;
    CHECK(refusal(options, sources) == "");
    CHECK(refusal(options, {&data}) == "objective.reference needs rows to train on");
    options.pairing = Pairing::optimal_transport;
    CHECK(refusal(options, sources) ==
          "objective.reference needs objective.pairing \"independent\"");
    CHECK(refuse_reference(sources, {{"angle", {Kind::real, {}}, {}}}) ==
          "objective.reference compares labels alone, and condition 'angle' is none "
          "(data.conditional = false leaves conditions out)");
}

TEST_CASE("rows count by their weight") {
    const auto model = fresh();
    Batch batch;
    batch.x = at::zeros({2000, 2});
    batch.x.slice(0, 1000).fill_(3);
    batch.weight = at::zeros({2000});
    batch.weight.slice(0, 1000).fill_(2);
    CHECK(loss_of(*model, {}, batch, 5).value.item<double>() == doctest::Approx(10).epsilon(0.1));
    batch.weight = 2 - batch.weight;
    CHECK(loss_of(*model, {}, batch, 5).value.item<double>() == doctest::Approx(1).epsilon(0.1));
}

TEST_CASE("one player holds every parameter") {
    const auto model = fresh();
    const testing::NoData data(plane);
    const auto players = make_denoising({})->players(*model, {&data});
    CHECK(players[0].groups[0].parameters.size() == model->module().parameters().size());
    CHECK(make_denoising({})->refusal(*model, {}) ==
          "denoising learns from data, and there is none");
}

TEST_CASE("times are drawn as the options say") {
    const auto straight = straight_path();
    const auto draw = [&](const Path& path, DenoisingOptions o) {
        Rng rng(2);
        return draw_times(path, o, 10000, rng);
    };
    DenoisingOptions o;
    o.stratified = false;
    Tensor t = draw(*straight, o);
    CHECK(t.mean().item<double>() == doctest::Approx(0.5).epsilon(0.02));
    o.times = "logit_normal";
    o.location = -1;
    o.scale = 0.5;
    Tensor logit = draw(*straight, o).logit();
    CHECK(logit.mean().item<double>() == doctest::Approx(-1).epsilon(0.02));
    CHECK(logit.std().item<double>() == doctest::Approx(0.5).scale(0).epsilon(0.04));
    const auto discrete = ddpm_path(BetaSchedule::linear, 10, Prediction::v);
    t = draw(*discrete, o) * 10;
    CHECK((t - t.round()).abs().max().item<double>() < 1e-9);
    CHECK(t.min().item<double>() >= 1 - 1e-9);
    o.times = "last";
    CHECK((draw(*discrete, o) == 1).all().item<bool>());
    o.times = "uniform";
    t = draw(*discrete, o) * 10;
    CHECK(t.mean().item<double>() == doctest::Approx(5.5).epsilon(0.02));
    CHECK(t.max().item<double>() == doctest::Approx(10));

    // stratified: one draw in each of n strata, in an order that differs from step to step
    DenoisingOptions even;
    Rng rng(4);
    const Tensor first = draw_times(*straight, even, 64, rng);
    const Tensor u = (first - straight->t_min()) / (1 - straight->t_min()) * 64;
    const Tensor order = std::get<0>(u.sort()).floor();
    for (int i = 0; i < 64; ++i) CHECK(order[i].item<double>() == i);
    CHECK((u.floor() != order).any().item<bool>());
    CHECK((draw_times(*straight, even, 64, rng) - first).abs().max().item<double>() > 0.1);
}

TEST_CASE("conditions are hidden row by row at the asked rate") {
    Condition c;
    c.value["a"] = at::zeros({20000}, at::kLong);
    c.value["b"] = at::zeros({20000}, at::kLong);
    c.given["b"] = at::tensor({1, 0}, at::kLong).to(at::kBool).repeat({10000});
    Rng rng(9);
    const Condition hidden = hide_rows(c, 20000, 0.25, rng);
    const auto share = [&](const char* name) {
        return hidden.given.at(name).to(at::kDouble).mean().item<double>();
    };
    CHECK(share("a") == doctest::Approx(0.75).epsilon(0.02));
    CHECK(share("b") == doctest::Approx(0.375).epsilon(0.03));
    CHECK(!hidden.given.at("b").logical_and(c.given.at("b").logical_not()).any().item<bool>());
    CHECK(hide_rows(c, 20000, 0, rng).given.size() == 1);

    // and the objective does it: with every row hidden, labels make no difference
    const auto model = fresh();
    {
        const at::NoGradGuard no_grad;
        for (auto& p : model->module().parameters()) p.normal_(0, 0.3);
    }
    Batch one, other;
    one.x = other.x = at::ones({50, 2});
    one.c.value["label"] = at::zeros({50}, at::kLong);
    other.c.value["label"] = at::ones({50}, at::kLong);
    DenoisingOptions always, never;
    always.condition_dropout = 1;
    never.condition_dropout = 0;
    const auto difference = [&](const DenoisingOptions& o) {
        return std::abs(loss_of(*model, o, one, 3).value.item<double>() -
                        loss_of(*model, o, other, 3).value.item<double>());
    };
    CHECK(difference(always) == 0);
    CHECK(difference(never) > 1e-4);
}

TEST_CASE("objectives are found by name") {
    const auto& entry = objective_entry("denoising");
    const auto options = entry.options();
    CHECK(entry.make(*options) != nullptr);
    CHECK_THROWS(objective_entry("denoisin"));
}

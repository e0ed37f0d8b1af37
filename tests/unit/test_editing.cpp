// Samples that begin from given items: partial noising and inpainting, against closed forms.
#include "gaussian_truth.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/samplers/denoising_sampler.hpp"
#include "pushforward/samplers/editing.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "support.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

using namespace pushforward;
using testing::MixtureDenoiser;
using testing::refusal;
using testing::VpPath;
using testing::worst;

namespace {

const DataSpec line{{Kind::real, {1}, 0}, {}};

/// Eight normals of variance 1 whose neighbours have correlation 0.9; the first four are known.
struct Correlated {
    Tensor covariance, values, vectors;
    Tensor keep = at::arange(8) < 4;
    VpPath path;

    Correlated() {
        const Tensor i = at::arange(8, at::kDouble);
        covariance = at::pow(0.9, (i.unsqueeze(1) - i).abs());
        std::tie(values, vectors) = at::linalg_eigh(covariance);
    }
    /// E[x0 | x_t] = alpha S (alpha^2 S + sigma^2)^-1 x_t, row by row.
    Denoise denoise() const {
        return [this](const Tensor& x, const Tensor& t) {
            const Level level = path.at(t);
            const Tensor alpha = level.alpha.unsqueeze(1), sigma = level.sigma.unsqueeze(1);
            const Tensor gain = alpha * values / (alpha * alpha * values + sigma * sigma);
            return (x.matmul(vectors) * gain).matmul(vectors.t());
        };
    }
    Tensor draw(std::int64_t n, Rng rng) const {
        return (rng.normal({n, 8}, at::kDouble) * values.sqrt()).matmul(vectors.t());
    }
    /// Nats from the joint law of the known and what was drawn for the rest to the true one, which
    /// is the mean over the known of those between the conditional laws.
    double nats(const Tensor& x) const {
        const Tensor measured = x.t().matmul(x) / x.size(0);
        const Tensor ratio = at::linalg_inv(covariance).matmul(measured);
        return 0.5 * (ratio.trace() - 8 - std::get<1>(at::linalg_slogdet(ratio))).item<double>();
    }
};

Tensor inpainted(const Correlated& truth, const std::string& solver, std::int64_t steps,
                 std::int64_t resamplings, std::int64_t n) {
    Draft draft;
    draft.x = truth.draw(n, Rng(1));
    draft.keep = truth.keep;
    draft.resamplings = resamplings;
    Rng rng(2);
    const auto times = time_grid(truth.path, Grid::log_snr, steps);
    const Tensor start = rng.normal({n, 8}, at::kDouble);
    SolverSettings settings;
    settings.corrections = 20;  // annealed_langevin has nothing else to move it
    const Tensor x = inpaint(truth.denoise(), truth.path, start, times, solver_entry(solver),
                             settings, draft, rng);
    CHECK(at::equal(x.slice(1, 0, 4), draft.x.slice(1, 0, 4)));
    return x;
}

Samples draw(const Denoiser& model, const DenoisingSampling& o, const Draft& draft,
             std::int64_t n) {
    SampleRequest request;
    request.n = n;
    request.draft = draft;
    return sample_denoiser(model, line, o, request, Rng(5));
}

}  // namespace

TEST_CASE("inpainting is as far from the conditional law as linear algebra says") {
    // The maps of all steps are linear: their covariances, multiplied out in numpy, give the
    // figures. From 20,000 draws the covariance of eight numbers is off by 36 / 40,000 nats, with
    // a standard error of a few per cent of that and of the figure: 8 % is four of them.
    const Correlated truth;
    const std::int64_t n = 20000;
    CHECK(truth.nats(truth.draw(n, Rng(7))) < 0.002);
    const auto is = [&](const char* solver, std::int64_t resamplings, double expected) {
        CAPTURE(solver);
        CAPTURE(resamplings);
        const double nats = truth.nats(inpainted(truth, solver, 50, resamplings, n)) - 0.0009;
        CHECK(std::abs(nats / expected - 1) < 0.08);
    };
    is("ddim", 1, 0.7734);
    is("ddim", 5, 0.1153);
    is("ddim", 10, 0.0513);
    is("ancestral", 1, 0.3793);
    is("ancestral", 5, 0.0703);
}

TEST_CASE("every solver inpaints and does not know of it") {
    const Correlated truth;
    for (const auto& entry : solver_catalogue()) {
        CAPTURE(entry.name);
        // Drawn without regard to the known, the rest would be log(det of its own covariance /
        // det of its conditional one) / 2 = 0.83 nats away: the mutual information.
        CHECK(truth.nats(inpainted(truth, entry.name, 30, 4, 2000)) < 0.3);
    }
}

TEST_CASE("a draft of which nothing is kept changes nothing, whatever the solver") {
    const auto path = edm_path(0.5, 0.002, 80);
    const MixtureDenoiser truth(*path, {{0.3, -1.5, 0.3}, {0.7, 1.5, 0.3}});
    for (const auto& entry : solver_catalogue()) {
        CAPTURE(entry.name);
        DenoisingSampling o;
        o.sampler = entry.name;
        o.grid = Grid::rho;
        o.steps = 20;
        o.solver.churn.amount = 5;
        o.solver.tolerance = 1e-7;
        const Draft none{at::full({50, 1}, 9.), 1, at::zeros({1}, at::kBool), 1};
        const Tensor plain = draw(truth, o, {}, 50).x;
        CHECK(worst(draw(truth, o, {none.x}, 50).x, plain) == 0);  // nor does strength 1
        const Tensor held = draw(truth, o, none, 50).x;
        const bool remembers = entry.name == "dpm_solver_pp_2m", finds = entry.name == "adaptive";
        if (!remembers) CHECK(worst(held, plain) < (finds ? 1e-3 : 1e-6));
    }
}

TEST_CASE("partial noising has the closed form of a normal") {
    // x0 -> x_t = alpha x0 + sigma eps -> a draw of p(x0' | x_t): mean m + g alpha (x0 - m) and
    // variance s^2 sigma^2 / v + (g sigma)^2 with v = alpha^2 s^2 + sigma^2, g = alpha s^2 / v
    const std::int64_t n = 20000, steps = 400;
    const VpPath path;
    const double m = 2, s = 0.5, x0 = 3.5;
    const MixtureDenoiser truth(path, {{1, m, s}});
    DenoisingSampling o;
    o.sampler = "ancestral";
    o.grid = Grid::log_snr;
    o.steps = steps;
    Draft draft{at::full({n, 1}, x0)};
    const auto times = time_grid(path, o.grid, steps);
    double before = x0;
    for (const double strength : {0.2, 0.4, 0.6}) {
        draft.strength = strength;
        const Samples drawn = draw(truth, o, draft, n);
        CHECK(drawn.evaluations == std::llround(strength * steps));
        const LevelAt t = level_at(path, times[times.size() - 1 - drawn.evaluations]);
        const double v = std::pow(t.alpha * s, 2) + t.sigma * t.sigma, g = t.alpha * s * s / v;
        const double mean = m + g * t.alpha * (x0 - m);
        const double variance = std::pow(s * t.sigma, 2) / v + std::pow(g * t.sigma, 2);
        // five standard errors, and 0.5 % for the 400 steps: a false alarm in two million
        CHECK(std::abs(drawn.x.mean().item<double>() - mean) <
              5 * std::sqrt(variance / n) + 0.005 * (x0 - m));
        CHECK(std::abs(drawn.x.var().item<double>() / variance - 1) < 5 * std::sqrt(2. / n) + 0.01);
        CHECK(mean < before - 0.01);
        before = mean;
    }
    CHECK(last_steps({4, 3, 2, 1, 0}, 0.5) == std::vector<double>{2, 1, 0});
    CHECK(last_steps({4, 3, 2, 1, 0}, 0.51) == std::vector<double>{3, 2, 1, 0});
    CHECK(last_steps({4, 3, 2, 1, 0}, 1e-6) == std::vector<double>{1, 0});
    CHECK(last_steps({4, 3, 2, 1, 0}, 1).size() == 5);
}

TEST_CASE("what is drawn does not depend on what lay there, nor row i on the batch") {
    const VpPath path;
    const MixtureDenoiser truth(path, {{0.3, -1.5, 0.3}, {0.7, 1.5, 0.3}});
    const DataSpec plane{{Kind::real, {2}, 0}, {}};
    const auto paint = [&](const Draft& draft, std::int64_t first) {
        SampleRequest request;
        request.n = draft.x.size(0);
        request.first = first;
        request.draft = draft;
        DenoisingSampling o;
        o.sampler = "ancestral";
        o.steps = 10;
        return sample_denoiser(truth, plane, o, request, Rng(5)).x;
    };
    Draft draft{Rng(3).normal({8, 2}), 1, at::arange(2) < 1, 3};
    const Tensor all = paint(draft, 0);
    CHECK(worst(all.select(1, 0), draft.x.select(1, 0)) == 0);
    Draft other = draft;
    other.x = at::cat({draft.x.slice(1, 0, 1), at::full({8, 1}, 7.)}, 1);
    CHECK(worst(paint(other, 0), all) == 0);
    other.strength = 0.5;  // here it does: what lay there is what the rest begins from
    CHECK(worst(paint(other, 0), all) > 0.1);
    Draft part = draft;
    part.x = draft.x.slice(0, 5, 8);
    CHECK(worst(paint(part, 5), all.slice(0, 5, 8)) < 1e-5);
    Draft once = draft;
    once.resamplings = 1;
    CHECK(worst(paint(once, 0), all) > 0.1);
}

TEST_CASE("the churn of a part of the grid is a part of the churn") {
    const auto path = edm_path(0.5, 0.002, 80);
    const MixtureDenoiser truth(*path, {{1, 0.0, 0.5}});
    DenoisingSampling o;
    o.sampler = "edm_stochastic";
    o.grid = Grid::rho;
    o.steps = 20;
    o.solver.churn.amount = 4;
    const Draft draft{at::full({8, 1}, 0.7), 0.5};
    const auto times = last_steps(time_grid(*path, o.grid, 20, o.rho), 0.5);
    Rng rng = Rng(5).rows_from(0);
    const Tensor start = 0.7 + times.front() * rng.normal({8, 1});
    const Tensor x = edm_stochastic(guided(truth, {}, {}), *path, start, times, {.amount = 2}, rng);
    CHECK(worst(draw(truth, o, draft, 8).x, x) < 1e-6);
}

TEST_CASE("impossible drafts are refused by name") {
    const VpPath path;
    const MixtureDenoiser truth(path, {{1, 0.0, 0.5}});
    const auto refused = [&](const Draft& draft) {
        return refusal([&] { draw(truth, {}, draft, 3); });
    };
    const Tensor x = at::zeros({3, 1}), keep = at::zeros({1}, at::kBool);
    CHECK(refused({x, 0}) == "sample: strength: expected above 0 and at most 1, got 0");
    CHECK(refused({x, 1.5}) == "sample: strength: expected above 0 and at most 1, got 1.5");
    CHECK(refused({at::zeros({3, 2})}) == "sample: draft: expected items [3, 1], got [3, 2]");
    CHECK(refused({{}, 1, keep}) ==
          "sample: draft: expected items for the entries to keep, got none");
    CHECK(refused({x, 1, keep, 0}) == "sample: resamplings: expected at least 1, got 0");
}

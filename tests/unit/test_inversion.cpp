// The latent space of denoisers: against closed forms and against finer integration.
#include "gaussian_truth.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/inversion.hpp"
#include "pushforward/samplers/likelihood.hpp"
#include "support.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/special_ndtr.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

using namespace pushforward;
using testing::MixtureDenoiser;
using testing::refusal;
using testing::VpPath;
using testing::worst;

namespace {

const DataSpec line{{Kind::real, {1}, 0}, {}};
const std::vector<MixtureDenoiser::Component> kTwo = {{0.3, -1.5, 0.3}, {0.7, 1.5, 0.3}};

DenoisingSampling with(const std::string& sampler, std::int64_t steps, Grid grid = Grid::log_snr) {
    DenoisingSampling o;
    o.sampler = sampler;
    o.steps = steps;
    o.grid = grid;
    o.solver.tolerance = 1e-7;
    return o;
}

Tensor encode(const Denoiser& model, const DenoisingSampling& o, const Tensor& x) {
    return make_denoiser_latent(model, line, o)->encode(x, {}, Rng(0)).mean;
}
Tensor decode(const Denoiser& model, const DenoisingSampling& o, const Tensor& z) {
    return make_denoiser_latent(model, line, o)->decode(z, {}, Rng(0));
}

}  // namespace

TEST_CASE("a normal's latents are its standard scores") {
    // N(2, .5^2): x_T = alpha m + sqrt((alpha_T^2 s^2 + sigma_T^2) / (alpha^2 s^2 + sigma^2))
    // (alpha x - alpha m), which tends to sigma_T (x - m) / s
    const Tensor x = at::linspace(0.5, 3.5, 31, at::kDouble).unsqueeze(1);
    const auto check = [&](const Path& path, Grid grid, double exact, double near) {
        const MixtureDenoiser truth(path, {{1, 2.0, 0.5}});
        const LevelAt a = level_at(path, path.t_min()), b = level_at(path, path.t_max());
        const auto deviation = [](const LevelAt& l) { return std::hypot(0.5 * l.alpha, l.sigma); };
        const Tensor closed =
            (2 * b.alpha + deviation(b) / deviation(a) * a.alpha * (x - 2)) / b.sigma;
        DenoisingSampling o = with("adaptive", 2, grid);
        o.solver.tolerance = exact / 100;
        CHECK(worst(encode(truth, o, x), closed) < exact);
        CHECK(worst(decode(truth, o, closed), x) < exact);
        CHECK(worst(encode(truth, with("heun", 200, grid), x), closed) < 0.02);
        CHECK(worst(closed, (x - 2) / 0.5) < near);  // that the path's ends are not the limit
    };
    check(VpPath(), Grid::log_snr, 1e-5, 0.02);
    check(*edm_path(0.5, 1e-4, 1e4), Grid::rho, 1e-5, 1e-3);
    check(*straight_path(), Grid::uniform, 1e-5, 1e-3);
    // The slope of a discrete path jumps at every step, which no solver of the ODE likes.
    check(*ddpm_path(BetaSchedule::linear, 1000, Prediction::epsilon), Grid::uniform, 0.01, 0.02);
}

TEST_CASE("encoding has the solver's order, and so has the round trip") {
    const auto path = edm_path(0.5, 0.01, 20);
    const MixtureDenoiser truth(*path, kTwo);
    const Tensor x = at::linspace(-2.3, 2.3, 47, at::kDouble).unsqueeze(1);
    DenoisingSampling fine = with("adaptive", 2);
    fine.solver.tolerance = 1e-10;
    const Tensor z = encode(truth, fine, x);
    CHECK(worst(decode(truth, fine, z), x) < 1e-5);
    const auto median = [](const Tensor& a, const Tensor& b) {
        return (a - b).abs().median().item<double>();
    };
    // There and back, the leading errors of an even order cancel: it gains one.
    const auto has = [&](const std::string& solver, double expected, double expected_back) {
        CAPTURE(solver);
        const auto errors = [&](std::int64_t n) {
            const auto o = with(solver, n);
            const Tensor there = encode(truth, o, x);
            return std::pair(median(there, z), median(decode(truth, o, there), x));
        };
        const auto few = errors(40), many = errors(160);
        const auto order = [](double a, double b) { return std::log(a / b) / std::log(4.0); };
        CHECK(std::abs(order(few.first, many.first) - expected) < 0.3);
        CHECK(std::abs(order(few.second, many.second) - expected_back) < 0.4);
    };
    has("ddim", 1, 1);
    has("euler", 1, 1);
    has("heun", 2, 3);
    has("dpm_solver_2", 2, 3);
    has("dpm_solver_3", 3, 3);
    // A solver that draws noise is stood for by heun; eta is 0.
    CHECK(worst(encode(truth, with("ancestral", 20), x), encode(truth, with("heun", 20), x)) == 0);
    auto noisy = with("ddim", 20);
    noisy.solver.eta = 0.5;
    CHECK(worst(decode(truth, noisy, z), decode(truth, with("ddim", 20), z)) == 0);
}

TEST_CASE("every solver without noise goes both ways on every path") {
    const Tensor x = at::linspace(-1, 1, 9, at::kDouble).unsqueeze(1);
    const auto check = [&](const Path& path, Grid grid) {
        const MixtureDenoiser truth(path, {{1, 0.3, 0.5}});
        for (const auto& entry : solver_catalogue()) {
            CAPTURE(entry.name);
            const auto o = with(entry.name, 40, grid);
            CHECK(worst(decode(truth, o, encode(truth, o, x)), x) < 0.3);
        }
    };
    check(VpPath(), Grid::log_snr);
    check(*edm_path(0.5, 0.002, 80), Grid::rho);
    check(*straight_path(), Grid::uniform);  // alpha = 0 at its end
    check(*ddpm_path(BetaSchedule::linear, 1000, Prediction::epsilon), Grid::leading);
}

TEST_CASE("the latents of data are standard normal") {
    const std::int64_t n = 4000;
    const VpPath path;
    const MixtureDenoiser truth(path, kTwo);
    Rng rng(11);
    const Tensor side = rng.uniform({n, 1}, at::kDouble) < 0.3;
    const Tensor x =
        0.3 * rng.normal({n, 1}, at::kDouble) + at::where(side, -1.5, 1.5).to(at::kDouble);
    const Tensor z = encode(truth, with("heun", 100), x).flatten();
    const Tensor u = at::special_ndtr(std::get<0>(z.sort()));
    const Tensor below = at::arange(n, at::kDouble) / n, above = below + 1. / n;
    const double d = at::maximum((u - below).abs(), (above - u).abs()).max().item<double>();
    // Kolmogorov's distance: above 2.2 / sqrt(n) once in 8000 seeds
    CHECK(std::sqrt(n) * d < 2.2);
    const Tensor raw = at::special_ndtr(std::get<0>(((x - x.mean()) / x.std()).flatten().sort()));
    CHECK(std::sqrt(n) * (raw - below).abs().max().item<double>() > 5);  // the data are not
}

TEST_CASE("latents and the ODE's density are one change of variables") {
    // log p(x) = log N(z; 0, 1) + log |dz/dx|
    const VpPath path;
    const MixtureDenoiser truth(path, kTwo);
    const Tensor x = at::linspace(-2, 2, 9, at::kDouble).unsqueeze(1).requires_grad_(true);
    const Tensor z = encode(truth, with("adaptive", 2), x);
    const Tensor slope = torch::autograd::grad({z.sum()}, {x})[0];
    const Tensor changed =
        -0.5 * z.square() - 0.5 * std::log(2 * std::numbers::pi) + slope.abs().log();
    Rng rng(1);
    const Tensor ode =
        ode_log_prob(guided(truth, {}, {}), path, x.detach(), Trace::exact, 1e-7, rng);
    CHECK(worst(changed.flatten().detach(), ode) < 1e-3);
}

TEST_CASE("a model's own latent space: options, conditions and rows") {
    const DataSpec plane{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 4}}}};
    const auto model = [&](const DenoisingSampling& sampling) {
        FlowMatchingOptions options;
        options.network.select("mlp");
        auto made = make_flow_matching(options, sampling, plane);
        const at::NoGradGuard no_grad;
        Rng rng(1);
        for (auto& p : made->module().parameters()) p.copy_(0.1 * rng.normal(p.sizes()));
        for (auto& b : made->module().buffers()) b.copy_(rng.normal(b.sizes()));
        return made;
    };
    const Tensor x = Rng(3).normal({6, 2}, at::kDouble);
    const Condition c{{{"label", at::tensor({0, 1, 2, 3, 0, 1}, at::kLong)}}, {}};
    const auto base = model(with("heun", 40, Grid::uniform));
    const Latent& latent = *base->latent();
    CHECK(latent.latent_space().name == "noise");
    CHECK(latent.latent_space().space == plane.x);
    const Tensor z = latent.encode(x, c, Rng(0)).mean;
    CHECK_FALSE(latent.encode(x, c, Rng(0)).std.defined());
    CHECK(worst(latent.decode(z, c, Rng(0)), x) < 1e-3);
    CHECK(worst(latent.decode(z, c.none(), Rng(0)), x) > 0.01);  // the condition is heard
    CHECK(worst(latent.encode(x.slice(0, 2, 5), c.slice(2, 5), Rng(0)).mean, z.slice(0, 2, 5)) <
          1e-6);
    auto guided = with("heun", 40, Grid::uniform);
    guided.guidance = 3;
    const auto strong = model(guided);
    const Tensor other = strong->latent()->encode(x, c, Rng(0)).mean;
    CHECK(worst(other, z) > 0.01);
    CHECK(worst(strong->latent()->decode(other, c, Rng(0)), x) < 1e-3);
    auto clip = with("heun", 40, Grid::uniform);
    clip.clip = Clip::yes;
    CHECK(worst(model(clip)->latent()->encode(x, c, Rng(0)).mean, z) > 1e-3);

    const Condition wrong{{{"label", at::tensor({4}, at::kLong)}}, {}};
    CHECK(refusal([&] { latent.encode(x.slice(0, 0, 1), wrong, Rng(0)); }) ==
          "encode: condition 'label': expected labels from 0 to 3, got 4 to 4");
    CHECK(refusal([&] { latent.decode(z, wrong, Rng(0)); }) ==
          "decode: condition 'label': expected 6 rows, got 1");
}

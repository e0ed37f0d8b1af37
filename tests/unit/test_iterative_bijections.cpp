// Maps that are solved for: what test_bijections.cpp does not ask of every map.
#include "pushforward/bijections/continuous.hpp"
#include "pushforward/bijections/planar.hpp"
#include "pushforward/bijections/residual.hpp"
#include "pushforward/families/flow/continuous_flow.hpp"
#include "pushforward/families/flow/residual_flow.hpp"
#include "pushforward/nn/smooth_mlp.hpp"
#include "support.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_matrix_norm.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <functional>
#include <limits>

using namespace pushforward;
using testing::worst;

namespace {

constexpr std::int64_t kContext = 3;

/// Parameters away from where they begin.
void move(torch::nn::Module& module, double by) {
    const at::NoGradGuard no_grad;
    Rng rng(6);
    for (auto& p : module.parameters()) p.add_(by * rng.normal(p.sizes()));
}

/// dy/dx of each row, [B, D, D], by autograd.
Tensor jacobian(const std::function<Tensor(const Tensor&)>& map, const Tensor& points) {
    const at::AutoGradMode with_grad(true);
    const Tensor x = points.detach().clone().requires_grad_(true);
    const Tensor y = map(x);
    std::vector<Tensor> rows;
    for (std::int64_t i = 0; i < y.size(1); ++i)
        rows.push_back(torch::autograd::grad({y.select(1, i).sum()}, {x}, {}, true)[0]);
    return at::stack(rows, 1);
}
Tensor jacobian(const Bijection& map, const Tensor& x, const Tensor& context) {
    return jacobian([&](const Tensor& at) { return map.forward(at, context).y; }, x);
}
Tensor log_det_of(const Tensor& j) {
    return std::get<1>(at::linalg_slogdet(j));
}

/// A map of four numbers with moved parameters; a residual one stretches nearly as far as it may.
struct Moved {
    torch::nn::Module own;
    std::unique_ptr<Bijection> map;
    explicit Moved(const std::string& kind, double by = 0.3, const Integration& how = {}) {
        at::manual_seed(1);
        const LayerShape shape{4, kContext, 16, 2};
        map = kind == "residual" ? make_residual(own, "map", shape, 0.9)
                                 : make_continuous(own, "map", shape, how);
        move(own, by);
        const at::NoGradGuard no_grad;
        for (auto& p : own.parameters())
            if (kind == "residual" && p.dim() == 2) p.add_(3 * at::eye(p.size(0), p.size(1)));
    }
};

}  // namespace

TEST_CASE("a smooth perceptron's Jacobian is autograd's") {
    Rng rng(1);
    const Tensor x = 2 * rng.normal({7, 4}, at::kDouble);
    const Tensor context = rng.normal({7, kContext}, at::kDouble),
                 v = rng.normal({7, 4}, at::kDouble);
    const Tensor t = rng.uniform({7}, at::kDouble);
    for (const std::int64_t layers : {1, 2, 3})
        for (const auto activation :
             {SmoothMlp::Activation::tanh, SmoothMlp::Activation::lip_swish}) {
            CAPTURE(layers);
            torch::nn::Module own;
            const SmoothMlp net(own, "net", {4, kContext, 9, layers, true, 0}, activation);
            move(own, 0.5);
            const auto f = net.in(at::kDouble, context);
            const auto local = f.at(x, t);
            CHECK(worst(local.y, f.value(x, t)) == 0);
            CHECK(worst(local.y, f.value(x, t + 1)) > 1e-2);
            const Tensor j = jacobian([&](const Tensor& at) { return f.value(at, t); }, x);
            CHECK(worst(f.jacobian(local.slopes), j) < 1e-12);
            CHECK(worst(f.trace(local.slopes), j.diagonal(0, 1, 2).sum(1)) < 1e-12);
            CHECK(worst(f.along(local.slopes, v), j.matmul(v.unsqueeze(2)).squeeze(2)) < 1e-12);
        }
}

TEST_CASE("what a residual map adds is a contraction, however large its weights are") {
    for (const double bound : {0.5, 0.9}) {
        torch::nn::Module own;
        const auto map = make_residual(own, "map", {4, kContext, 16, 2}, bound);
        move(own, 3);
        Rng rng(2);
        const Tensor x = 3 * rng.normal({500, 4}, at::kDouble);
        const Tensor context = rng.normal({500, kContext}, at::kDouble);
        const Tensor stretch =
            at::linalg_matrix_norm(jacobian(*map, x, context) - at::eye(4, at::kDouble), 2);
        CHECK(stretch.max().item<double>() < bound);
        // and nearly stretches as far as it may where matrices are multiples of the identity
        torch::nn::Module plain;
        const auto along = make_residual(plain, "map", {4, 0, 4, 2}, bound);
        {
            const at::NoGradGuard no_grad;
            for (auto& p : plain.parameters())
                if (p.dim() == 2) p.copy_(10 * at::eye(4));
        }
        const Tensor line = at::linspace(-10, 10, 200, at::kDouble).unsqueeze(1).repeat({1, 4});
        const Tensor most =
            at::linalg_matrix_norm(jacobian(*along, line, {}) - at::eye(4, at::kDouble), 2);
        CHECK(most.max().item<double>() <= bound);
        CHECK(most.max().item<double>() > 0.9 * bound);
        // the inverse as samples take it, without a graph: the iteration alone
        const at::NoGradGuard no_grad;
        const Tensor far = at::cat({x, 100 * x}), said = at::cat({context, context});
        const Mapped there = map->forward(far, said), back = map->inverse(there.y, said);
        CHECK(((back.y - far).abs().amax(1) / (1 + far.abs().amax(1))).max().item<double>() <
              1e-13);
        CHECK(worst(back.log_det, -there.log_det) < 1e-11);
        const Tensor single = map->inverse(there.y.to(at::kFloat), said.to(at::kFloat)).y;
        CHECK(((single - far).abs().amax(1) / (1 + far.abs().amax(1))).max().item<double>() < 1e-5);
        // a row that is no number harms no other
        Tensor spoilt = there.y.clone();
        spoilt[3][1] = std::numeric_limits<double>::quiet_NaN();
        CHECK(worst(map->inverse(spoilt, said).y.slice(0, 4), back.y.slice(0, 4)) < 1e-13);
    }
    torch::nn::Module own;
    CHECK(testing::refusal([&] { make_residual(own, "map", {4, 0, 16, 2}, 1); }) ==
          "a residual map: expected a Lipschitz bound in (0, 1), got 1");
    CHECK(testing::refusal([&] { make_sylvester(own, "s", 4, 0, 5); }) ==
          "a Sylvester map: expected a rank from 1 to 4, got 5");
}

TEST_CASE("maps of few parameters invert wherever they are steep, row by row") {
    Rng rng(3);
    const Tensor y = 3 * rng.normal({200, 4}, at::kDouble);
    const Tensor context = rng.normal({200, kContext}, at::kDouble), said = context.to(at::kFloat);
    const at::NoGradGuard no_grad;
    for (const double by : {0.3, 4.})
        for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
            at::manual_seed(seed);
            torch::nn::Module own;
            std::vector<std::unique_ptr<Bijection>> all;
            all.push_back(make_planar(own, "planar", 4, kContext));
            all.push_back(make_radial(own, "radial", 4, kContext));
            all.push_back(make_sylvester(own, "sylvester", 4, kContext, 3));
            move(own, by);
            for (std::size_t i = 0; i < all.size(); ++i) {
                CAPTURE(by);
                CAPTURE(seed);
                CAPTURE(i);
                const Mapped back = all[i]->inverse(y, context);
                CHECK(back.log_det.abs().amax().item<double>() > 0.01);
                const Tensor alone = all[i]->inverse(y.slice(0, 0, 3), context.slice(0, 0, 3)).y;
                CHECK(worst(alone, back.y.slice(0, 0, 3)) < 1e-11);
                // y is met as closely as rounding of x lets it be: eps |J| |x|
                const Tensor stretch =
                    1 + at::linalg_matrix_norm(jacobian(*all[i], back.y, context)).detach();
                const auto off = [&](const Tensor& again) {
                    return ((again - y).abs().amax(1) / ((1 + y.abs().amax(1)) * stretch))
                        .max()
                        .item<double>();
                };
                const Mapped there = all[i]->forward(back.y, context);
                CHECK(off(there.y) < 100 * std::numeric_limits<double>::epsilon());
                CHECK(worst(there.log_det, -back.log_det) < 1e-8);
                const Mapped single = all[i]->inverse(y.to(at::kFloat), said);
                CHECK(single.log_det.isfinite().all().item<bool>());
                CHECK(off(all[i]->forward(single.y, said).y) <
                      100 * std::numeric_limits<float>::epsilon());
            }
        }
}

TEST_CASE("estimated log-determinants are unbiased, and each row has its own noise") {
    for (const std::string kind : {"residual", "continuous"}) {
        CAPTURE(kind);
        const Moved m(kind, 0.3, {1e-6, 8});
        CHECK(m.map->estimates());
        Rng rng(4);
        const std::int64_t n = 10000, kinds = 3;
        const Tensor three = rng.normal({kinds, 4}, at::kDouble);
        const Tensor said = rng.normal({kinds, kContext}, at::kDouble);
        const Tensor x = three.repeat({n, 1}), context = said.repeat({n, 1});
        const Rng noise(5);
        const at::NoGradGuard no_grad;
        const Tensor exact = m.map->forward(three, said).log_det;
        CHECK(exact.abs().min().item<double>() > 0.02);
        const Tensor drawn = m.map->forward(x, {context, &noise}).log_det.view({n, kinds});
        // four standard errors: a false alarm in 16,000 for each of six numbers
        const Tensor error = drawn.std(0) / std::sqrt(double(n));
        CHECK(((drawn.mean(0) - exact).abs() / error).max().item<double>() < 4);
        CHECK(error.max().item<double>() < 0.02);
        // the same rows alone, and in float32
        const Rng later = noise.rows_from(6);
        const Tensor part =
            m.map->forward(x.slice(0, 6, 12), {context.slice(0, 6, 12), &later}).log_det;
        CHECK(worst(part, drawn.flatten().slice(0, 6, 12)) < 1e-6);
        const Tensor single = m.map
                                  ->forward(x.slice(0, 6, 12).to(at::kFloat),
                                            {context.slice(0, 6, 12).to(at::kFloat), &later})
                                  .log_det;
        CHECK(worst(single, part) < 1e-3);
        // the inverse's is that of the same noise
        const Mapped y = m.map->forward(three, {said, &noise});
        CHECK(worst(m.map->inverse(y.y, {said, &noise}).log_det, -y.log_det) < 1e-6);
    }
}

TEST_CASE("gradients of the estimates are unbiased") {
    for (const std::string kind : {"residual", "continuous"}) {
        CAPTURE(kind);
        const Moved m(kind, 0.3, {1e-6, 4});
        const Tensor x = Rng(4).normal({1, 4}, at::kDouble).repeat({500, 1});
        const Tensor context = Rng(5).normal({1, kContext}, at::kDouble).repeat({500, 1});
        const auto parameters = m.own.parameters();
        const auto gradient = [&](const Rng* noise) {
            const Tensor mean = m.map->forward(x, {context, noise}).log_det.mean();
            std::vector<Tensor> flat;
            for (const Tensor& g : torch::autograd::grad({mean}, parameters, {}, {}, false, true))
                if (g.defined()) flat.push_back(g.flatten().to(at::kDouble));
            return at::cat(flat);
        };
        const Tensor exact = gradient(nullptr);
        std::vector<Tensor> along;
        for (std::uint64_t i = 0; i < 60; ++i) {
            const Rng noise = Rng(7).split(i);
            along.push_back(gradient(&noise).dot(exact) / exact.dot(exact));
        }
        // four standard errors of 60 means of 500: a false alarm in 5,000
        const Tensor all = at::stack(along);
        const double error = all.std().item<double>() / std::sqrt(60.);
        CHECK(std::abs(all.mean().item<double>() - 1) < 4 * error);
        CHECK(error < 0.05);
    }
}

TEST_CASE("a continuous map's log-determinant is of the map, up to its solver's order") {
    Rng rng(8);
    const Tensor x = 1.5 * rng.normal({20, 4}, at::kDouble);
    const Tensor context = rng.normal({20, kContext}, at::kDouble);
    const auto error = [&](const Integration& how) {
        const Moved m("continuous", 0.3, how);
        return worst(m.map->forward(x, context).log_det, log_det_of(jacobian(*m.map, x, context)));
    };
    std::vector<double> errors;
    for (const std::int64_t steps : {8, 16, 32}) errors.push_back(error({1e-6, steps}));
    for (std::size_t i = 1; i < errors.size(); ++i) {
        const double order = std::log2(errors[i - 1] / errors[i]);
        CHECK(order > 3.6);
        CHECK(order < 4.6);
    }
    CHECK(error({}) < 1e-6);
    CHECK(error({}) < error({1e-3, 0}));
    CHECK(error({1e-10, 0}) < 1e-9);
    // and both solvers solve the same equation
    const Moved fine("continuous", 0.3, {1e-12, 0}), steps("continuous", 0.3, {1e-6, 64});
    CHECK(worst(fine.map->forward(x, context).y, steps.map->forward(x, context).y) < 1e-6);
    CHECK(worst(fine.map->forward(x, context).y, x) > 0.3);
}

TEST_CASE("a continuous map inverts, hears its context, and is differentiable") {
    for (const std::int64_t steps : {0, 32}) {
        CAPTURE(steps);
        const Moved m("continuous", 0.3, {1e-6, steps});
        Rng rng(9);
        const Tensor near = rng.normal({20, 4}, at::kDouble);
        const Tensor x = at::cat({near, 6 * near, 100 * near});
        const Tensor context = rng.normal({60, kContext}, at::kDouble);
        const Mapped y = m.map->forward(x, context), back = m.map->inverse(y.y, context);
        CHECK(worst(back.log_det, -y.log_det) < 1e-5);
        CHECK(((back.y - x).abs().amax(1) / (1 + x.abs().amax(1))).max().item<double>() < 1e-5);
        const Tensor single =
            m.map
                ->inverse(m.map->forward(x.to(at::kFloat), context.to(at::kFloat)).y,
                          context.to(at::kFloat))
                .y;
        CHECK(((single - x).abs().amax(1) / (1 + x.abs().amax(1))).max().item<double>() < 3e-5);
        CHECK(worst(y.y, m.map->forward(x, at::zeros_like(context)).y) > 1e-2);
        CHECK(worst(m.map->forward(x.slice(0, 3, 5), context.slice(0, 3, 5)).y,
                    y.y.slice(0, 3, 5)) < 1e-12);

        (y.y.square().sum() + y.log_det.square().sum()).backward();
        for (const auto& p : m.own.named_parameters()) {
            CAPTURE(p.key());
            REQUIRE(p.value().grad().defined());
            CHECK(p.value().grad().abs().sum().item<double>() > 0);
        }
        const Tensor some = context.slice(0, 0, 20);
        const Tensor undone = jacobian([&](const Tensor& at) { return m.map->inverse(at, some).y; },
                                       y.y.slice(0, 0, 20));
        CHECK(worst(undone.matmul(jacobian(*m.map, near, some)), at::eye(4, at::kDouble)) < 1e-5);
    }
}

namespace {

const DataSpec plane{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 3}}}};

template <class O>
std::unique_ptr<Model> moved_flow(std::unique_ptr<Model> (*make)(const O&, const FlowSampling&,
                                                                 const DataSpec&),
                                  const std::function<void(O&)>& change = {}) {
    at::manual_seed(3);
    O options;
    options.transforms = 2;
    options.width = 16;
    if (change) change(options);
    auto model = make(options, {}, plane);
    move(model->module(), 0.2);
    model->compute_in(at::kDouble);
    return model;
}
std::unique_ptr<Model> of_residuals(const std::function<void(ResidualFlowOptions&)>& change = {}) {
    return moved_flow<ResidualFlowOptions>(make_residual_flow, change);
}
std::unique_ptr<Model> of_time(const std::function<void(ContinuousFlowOptions&)>& change = {}) {
    return moved_flow<ContinuousFlowOptions>(make_continuous_flow, change);
}

Condition labels(std::int64_t n, std::int64_t which) {
    Condition c;
    c.value["label"] = at::zeros({n}, at::kLong) + which;
    return c;
}

}  // namespace

TEST_CASE("densities of residual and continuous flows integrate to one, and are their samples'") {
    // the trapezium rule in u with x = sinh u, out to 3,000
    const std::int64_t n = 241;
    const Tensor axis = at::linspace(-9, 9, n, at::kDouble);
    const Tensor u = at::stack({axis.repeat_interleave(n), axis.repeat({n})}, 1);
    const Tensor x = u.sinh(), stretch = u.cosh().prod(1);
    const double cell = std::pow(18.0 / double(n - 1), 2);
    const at::NoGradGuard no_grad;
    for (const bool residual : {true, false}) {
        CAPTURE(residual);
        const auto model = residual ? of_residuals() : of_time();
        const Density& density = *model->density();
        const Tensor log_p = density.log_prob(x, labels(n * n, 2), "exact", Rng(0));
        CHECK((log_p.exp() * stretch).sum().item<double>() * cell ==
              doctest::Approx(1).epsilon(1e-4));
        const Tensor middle = x.slice(0, n * n / 2, n * n / 2 + 50);
        CHECK(worst(log_p.slice(0, n * n / 2, n * n / 2 + 50),
                    density.log_prob(middle, labels(50, 0), "exact", Rng(0))) > 1e-3);

        REQUIRE(density.estimators().size() == 2);
        CHECK(density.estimators()[1].name == "unbiased");
        const Tensor guess = density.log_prob(middle, labels(50, 2), "unbiased", Rng(1));
        CHECK(worst(guess, log_p.slice(0, n * n / 2, n * n / 2 + 50)) > 1e-3);
        CHECK(worst(guess, log_p.slice(0, n * n / 2, n * n / 2 + 50)) < 10);

        SampleRequest request{200};
        request.c.value["label"] = at::arange(200).remainder(3);
        const Samples drawn = model->sample(request, Rng(3));
        CHECK(worst(drawn.log_prob, density.log_prob(drawn.x, request.c, "exact", Rng(0))) < 3e-4);
        const Tensor wide = drawn.x.to(at::kDouble);
        const Tensor z = model->latent()->encode(wide, request.c, Rng(0)).mean;
        CHECK(worst(model->latent()->decode(z, request.c, Rng(0)), wide) < 1e-5);
    }
}

TEST_CASE("options of residual and continuous flows are heard") {
    const at::NoGradGuard no_grad;
    const Tensor x = Rng(1).normal({100, 2}, at::kDouble);
    const auto log_p = [&](const Model& model) {
        return model.density()->log_prob(x, labels(100, 1), "exact", Rng(0));
    };
    const Tensor residual = log_p(*of_residuals());
    CHECK(worst(residual, log_p(*of_residuals([](auto& o) { o.lipschitz = 0.5; }))) > 1e-2);
    CHECK(worst(residual, log_p(*of_residuals([](auto& o) { o.act_norm = false; }))) > 1e-2);
    const Tensor exact = log_p(*of_time([](auto& o) { o.tolerance = 1e-12; }));
    const double fine = worst(exact, log_p(*of_time([](auto& o) { o.tolerance = 1e-8; })));
    const double usual = worst(exact, log_p(*of_time()));
    const double coarse = worst(exact, log_p(*of_time([](auto& o) { o.tolerance = 1e-2; })));
    CHECK(fine < 1e-7);
    CHECK(fine < usual);
    CHECK(usual < 1e-5);
    CHECK(usual < coarse);
    const double two = worst(exact, log_p(*of_time([](auto& o) { o.steps = 2; })));
    const double four = worst(exact, log_p(*of_time([](auto& o) { o.steps = 4; })));
    CHECK(two > 8 * four);
    CHECK(four > 1e-9);
    CHECK(worst(exact, log_p(*of_time([](auto& o) { o.act_norm = false; }))) > 1e-2);
}

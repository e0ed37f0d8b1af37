// Batch normalisation, which learns from the batch and answers from its averages, and rotations.
#include "pushforward/bijections/batch_norm.hpp"
#include "pushforward/bijections/linear.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/families/flow/models.hpp"
#include "support.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <functional>

using namespace pushforward;
using testing::worst;

namespace {

using Map = std::function<Tensor(const Tensor&)>;

Tensor jacobian(const Map& map, const Tensor& at) {
    const at::AutoGradMode with_grad(true);
    const Tensor x = at.detach().clone().requires_grad_(true);
    const Tensor y = map(x).flatten();
    std::vector<Tensor> rows;
    for (std::int64_t i = 0; i < y.size(0); ++i)
        rows.push_back(torch::autograd::grad({y[i]}, {x}, {}, true)[0].flatten());
    return at::stack(rows);
}

void move(torch::nn::Module& module) {
    const at::NoGradGuard no_grad;
    Rng rng(6);
    for (auto& p : module.parameters()) p.add_(0.3 * rng.normal(p.sizes()));
}

/// The inverse and the log-determinant at four rows.
void check_laws(const Bijection& map, std::int64_t d) {
    const Tensor x = 3 * Rng(1).normal({40, d}, at::kDouble);
    const Mapped there = map.forward(x, {}), back = map.inverse(there.y, {});
    CHECK(worst(back.y, x) < 1e-12);
    CHECK(worst(there.log_det, -back.log_det) < 1e-12);
    for (std::int64_t i = 0; i < 4; ++i) {
        const Tensor j =
            jacobian([&](const Tensor& row) { return map.forward(row, {}).y; }, x.narrow(0, i, 1));
        CHECK(worst(std::get<1>(at::linalg_slogdet(j)), there.log_det[i]) < 1e-12);
    }
}

DataSpec vectors(std::int64_t d) {
    return {{Kind::real, {d}, 0}, {}};
}

}  // namespace

TEST_CASE("batch norm learns from the batch: mean 0, variance 1, and its averages follow") {
    torch::nn::Module own;
    const auto map = make_batch_norm(own, "norm", 3);
    const auto weights = weights_of(own);
    REQUIRE(weights.contains("norm.mean"));  // what is saved
    const Tensor running = weights.at("norm.mean"), variance = weights.at("norm.variance");
    const Tensor x = 7 + 4 * Rng(2).normal({500, 3}, at::kDouble);
    const Mapped y = map->forward(x, {});
    const Tensor v = x.var(0, false);
    CHECK(worst(y.y.mean(0), at::zeros({3}, at::kDouble)) < 1e-12);
    CHECK(worst(y.y.var(0, false), v / (v + 1e-5)) < 1e-12);
    CHECK(worst(y.log_det, -0.5 * (v + 1e-5).log().sum()) < 1e-12);
    CHECK(worst(running, 0.1 * x.mean(0)) < 1e-6);
    CHECK(worst(variance, 0.9 + 0.1 * x.var(0)) < 1e-5);
    for (int i = 0; i < 300; ++i) map->forward(x, {});
    CHECK(worst(running, x.mean(0)) < 1e-5);
    // gradients go through the batch's own moments: an affine change of x moves nothing
    const Tensor at_x = x.clone().requires_grad_(true);
    const Tensor sum = (map->forward(at_x, {}).y * Rng(3).normal({500, 3}, at::kDouble)).sum();
    const Tensor g = torch::autograd::grad({sum}, {at_x})[0];
    CHECK(worst(g.sum(0), at::zeros({3}, at::kDouble)) < 1e-10);
    CHECK(testing::refusal([&] { map->forward(x.narrow(0, 0, 1), {}); }) ==
          "batch_norm: expected batches of at least 2 rows, got 1");
}

TEST_CASE("batch norm answers from its averages: row by row, invertible, unmoved") {
    torch::nn::Module own;
    const auto map = make_batch_norm(own, "norm", 3);
    move(own);
    map->initialise(5 - 2 * Rng(4).normal({1000, 3}), {});
    own.eval();
    const Tensor before = weights_of(own).at("norm.mean").clone();
    check_laws(*map, 3);
    const Tensor x = Rng(5).normal({6, 3}, at::kDouble);
    CHECK(worst(map->forward(x, {}).y.narrow(0, 2, 1), map->forward(x.narrow(0, 2, 1), {}).y) <
          1e-14);
    own.train();
    {
        const at::NoGradGuard no_grad;  // a model in training that is asked, not taught
        CHECK(worst(map->forward(x, {}).y.narrow(0, 2, 1), map->forward(x.narrow(0, 2, 1), {}).y) <
              1e-14);
    }
    CHECK(before.equal(weights_of(own).at("norm.mean")));
    CHECK(worst(before, 5 * at::ones({3})) < 0.4);
}

TEST_CASE("flows with batch norm: averages travel with the weights, densities are of rows") {
    const Tensor x = 2 + Rng(1).normal({200, 2});
    const auto made = [](bool real_nvp) {
        at::manual_seed(1);
        if (!real_nvp) {
            MafOptions o;
            o.transforms = 2, o.width = 8, o.batch_norm = true;
            return make_maf(o, {}, vectors(2));
        }
        RealNvpOptions o;
        o.transforms = 2, o.width = 8, o.batch_norm = true;
        return make_real_nvp(o, {}, vectors(2));
    };
    for (const bool real_nvp : {true, false}) {
        CAPTURE(real_nvp);
        const auto model = made(real_nvp), other = made(real_nvp);
        const auto weights = weights_of(model->module());
        CHECK(weights.contains("norm_1.variance"));
        model->density()->log_prob(x, {}, "exact", Rng(0)).mean().backward();
        CHECK(weights.at("norm_0.mean").abs().min().item<double>() > 0.05);
        model->module().eval(), other->module().eval();
        const auto log_p = [&](const Model& m, const Tensor& rows) {
            return m.density()->log_prob(rows, {}, "exact", Rng(0)).detach();
        };
        CHECK(worst(log_p(*model, x), log_p(*other, x)) > 1e-3);
        copy_tensors(weights_of(other->module()), weights, "memory");
        CHECK(log_p(*model, x).equal(log_p(*other, x)));
        CHECK(worst(log_p(*model, x).slice(0, 3, 5), log_p(*model, x.slice(0, 3, 5))) < 1e-5);
        model->compute_in(at::kDouble);
        const Samples drawn = model->sample({100}, Rng(3));
        CHECK(worst(drawn.log_prob, log_p(*model, drawn.x)) < 1e-4);
    }
    RealNvpOptions o;
    o.batch_norm = true;
    CHECK(testing::refusal([&] { make_real_nvp(o, {}, {{Kind::real, {1, 4, 4}, 0}, {}}); }) ==
          "model.batch_norm: expected false for pictures, got true");
}

TEST_CASE("a rotation keeps lengths, and is drawn from Haar's measure") {
    for (const std::int64_t d : {1, 3, 8}) {
        torch::nn::Module own;
        at::manual_seed(2);
        const auto map = make_rotation(own, "map", d);
        const Tensor q = own.named_buffers()["map.matrix"];
        CHECK(worst(q.matmul(q.t()), at::eye(d, at::kDouble)) < 1e-14);
        check_laws(*map, d);
        CHECK(map->forward(at::ones({2, d}, at::kDouble), {}).log_det.abs().max().item<double>() ==
              0);
    }
    // each pixel's channels
    torch::nn::Module own;
    const auto map = make_rotation(own, "map", 3);
    const Tensor x = Rng(3).normal({2, 3, 4, 5}, at::kDouble);
    const Tensor y = map->forward(x, {}).y;
    CHECK(worst(map->inverse(y, {}).y, x) < 1e-13);
    CHECK(worst(y.square().sum(1), x.square().sum(1)) < 1e-12);
    CHECK(worst(y.select(2, 1).select(2, 2), map->forward(x.select(2, 1).select(2, 2), {}).y) <
          1e-13);

    // Haar's first entry has mean 0 and variance 1/d, and its sign is a coin: five standard errors,
    // a false alarm in 10^6 each (the seed is fixed)
    const int n = 1000;
    for (const std::int64_t d : {1, 2}) {
        double sum = 0, squares = 0;
        for (int i = 0; i < n; ++i) {
            torch::nn::Module one;
            make_rotation(one, "map", d);
            const double first = one.named_buffers()["map.matrix"][0][0].item<double>();
            sum += first, squares += first * first;
        }
        CHECK(std::abs(sum / n) < 5 / std::sqrt(double(n) * double(d)));
        CHECK(squares / n == doctest::Approx(1. / double(d)).epsilon(0.12));
    }
}

TEST_CASE("the option mixing puts a rotation between autoregressions, and reversal by default") {
    MafOptions o;
    o.transforms = 3, o.width = 8;
    CHECK(o.mixing == Mixing::reversal);
    CHECK(make_maf(o, {}, vectors(3))->module().named_buffers().contains("mixing_1.matrix") ==
          false);
    o.mixing = Mixing::rotation;
    const auto model = make_maf(o, {}, vectors(3));
    CHECK(model->module().named_buffers().contains("mixing_1.matrix"));
    CHECK(!model->module().named_buffers().contains("mixing_0.matrix"));
    move(model->module());
    model->compute_in(at::kDouble);
    const Samples drawn = model->sample({100}, Rng(3));
    const at::NoGradGuard no_grad;
    CHECK(worst(drawn.log_prob, model->density()->log_prob(drawn.x, {}, "exact", Rng(0))) < 1e-4);
    IafOptions iaf;
    iaf.transforms = 3, iaf.width = 8, iaf.mixing = Mixing::rotation;
    CHECK(make_iaf(iaf, {}, vectors(3))->module().named_buffers().contains("mixing_2.matrix"));
    SplineOptions spline;
    spline.transforms = 2, spline.width = 8, spline.mixing = Mixing::rotation;
    CHECK(make_spline_flow(spline, {}, vectors(3))
              ->module()
              .named_buffers()
              .contains("mixing_0.matrix"));
}

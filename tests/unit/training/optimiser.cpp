#include "tests/unit/training/toy.hpp"

#include "pushforward/training/average.hpp"
#include "pushforward/training/optimiser.hpp"
#include "pushforward/training/schedule.hpp"

#include <ATen/Parallel.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>

#include <cmath>

namespace pushforward {
namespace {

/// Steps ours and LibTorch's optimiser side by side on the same gradients; the largest difference.
enum class Layout { packed, channels_last, gaps };
double difference_to_torch(OptimiserKind kind, at::ScalarType type, Layout layout) {
    TrainOptions o;
    o.optimiser = kind;
    o.beta1 = 0.8;
    o.beta2 = 0.97;
    o.epsilon = 1e-6;
    o.weight_decay = 0.05;
    auto ours = torch::randn({5, 3, 4, 2}, type);
    if (layout == Layout::channels_last) ours = ours.contiguous(at::MemoryFormat::ChannelsLast);
    if (layout == Layout::gaps)  // no kernel for these: the plain composition
        ours = torch::randn({5, 3, 4, 4}, type).slice(3, 0, 2);
    auto theirs = ours.clone();
    ours.set_requires_grad(true);
    theirs.set_requires_grad(true);
    Optimiser mine({{{{"p", ours}}}}, o);
    std::unique_ptr<torch::optim::Optimizer> reference;
    if (kind == OptimiserKind::adamw)
        reference = std::make_unique<torch::optim::AdamW>(
            std::vector{theirs},
            torch::optim::AdamWOptions(0.03).betas({0.8, 0.97}).eps(1e-6).weight_decay(0.05));
    else
        reference = std::make_unique<torch::optim::Adam>(
            std::vector{theirs},
            torch::optim::AdamOptions(0.03).betas({0.8, 0.97}).eps(1e-6).weight_decay(0.05));
    for (int k = 0; k < 30; ++k) {
        const auto g = torch::randn({5, 3, 4, 2}, type);  // not in the parameter's memory order
        ours.mutable_grad() = g.clone();
        theirs.mutable_grad() = g.clone();
        mine.step(0.03);
        reference->step();
    }
    return (ours - theirs).abs().max().item<double>();
}

}  // namespace

TEST_CASE("Adam and AdamW are LibTorch's to rounding") {
    torch::manual_seed(1);
    for (auto kind : {OptimiserKind::adam, OptimiserKind::adamw})
        for (auto layout : {Layout::packed, Layout::channels_last, Layout::gaps}) {
            CHECK(difference_to_torch(kind, at::kDouble, layout) < 1e-12);
            CHECK(difference_to_torch(kind, at::kFloat, layout) < 1e-6);
        }
}

TEST_CASE("parameter groups scale learning rate and decay; absent gradients change nothing") {
    TrainOptions o;
    o.weight_decay = 0.5;
    auto a = torch::ones({2}, at::kDouble), b = torch::ones({2}, at::kDouble),
         c = torch::ones({2}, at::kDouble);
    Optimiser optimiser({{{{"a", a}}, 0.1, 0}, {{{"b", b}}, 1, 1}, {{{"c", c}}}}, o);
    a.mutable_grad() = torch::full({2}, 3.0, at::kDouble);
    b.mutable_grad() = torch::full({2}, 3.0, at::kDouble);
    optimiser.step(0.01);
    // The first step of Adam is lr sign(g), up to epsilon.
    CHECK(a[0].item<double>() == doctest::Approx(1 - 0.1 * 0.01).epsilon(1e-8));
    CHECK(b[0].item<double>() == doctest::Approx(1 - 0.01 * 0.5 - 0.01).epsilon(1e-8));
    CHECK(c[0].item<double>() == 1);
    CHECK(optimiser.state().at("updates").equal(torch::tensor({1, 1, 0}, at::kLong)));
}

TEST_CASE("the gradient's norm does not depend on the number of threads") {
    auto p = torch::zeros({100001});
    p.mutable_grad() = torch::randn({100001});
    Optimiser optimiser({{{{"p", p}}}}, {});
    CHECK(optimiser.gradient_norm() ==
          doctest::Approx(p.grad().to(at::kDouble).norm().item<double>()).epsilon(1e-12));
    const auto threads = at::get_num_threads();
    at::set_num_threads(1);
    const double one = optimiser.gradient_norm();
    at::set_num_threads(2);
    CHECK(optimiser.gradient_norm() == one);
    at::set_num_threads(threads);
}

TEST_CASE("learning rates: warm-up, cosine, constant") {
    TrainOptions o;
    o.steps = 110;
    o.learning_rate = 2;
    o.warmup = 10;
    CHECK(learning_rate_at(o, 0) == doctest::Approx(0.2));
    CHECK(learning_rate_at(o, 9) == doctest::Approx(2));
    CHECK(learning_rate_at(o, 109) == 2);
    o.schedule = ScheduleKind::cosine;
    CHECK(learning_rate_at(o, 10) == doctest::Approx(2));
    CHECK(learning_rate_at(o, 60) == doctest::Approx(1));
    CHECK(learning_rate_at(o, 35) == doctest::Approx(1 + std::sqrt(0.5)));
    CHECK(learning_rate_at(o, 110) == doctest::Approx(0));
}

TEST_CASE("the average is the bias-free exponential mean, and leaves as it came") {
    auto p = torch::full({3}, 100.0, at::kDouble);  // the initial weights, to be forgotten
    Average average({{"p", p}}, 2);
    const double d = std::sqrt(0.5), values[] = {1, -2, 5, 0.5, 3};
    double sum = 0, weight = 0;
    for (double x : values) {
        p.fill_(x);
        average.update();
        sum = d * sum + x;
        weight = d * weight + 1;
        CHECK(average.values().at("p")[0].item<double>() == doctest::Approx(sum / weight));
    }
    {
        const Average::InUse use(&average);
        CHECK(p[1].item<double>() == doctest::Approx(sum / weight));
    }
    CHECK(p[1].item<double>() == 3);
    Average untouched({{"p", p}}, 2);
    const Average::InUse nothing(&untouched), none(nullptr);
    CHECK(p[1].item<double>() == 3);
}

}  // namespace pushforward

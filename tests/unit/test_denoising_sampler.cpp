#include "pushforward/base/errors.hpp"
#include "pushforward/families/catalogue.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

using namespace pushforward;
using pushforward::testing::refusal;
using pushforward::testing::worst;

namespace {

const DataSpec plane{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 4}}}};
const DataSpec picture{{Kind::real, {1, 4, 4}, 0}, {}};

/// A ddpm with random weights, the same each time.
std::unique_ptr<Model> random_model(const DenoisingSampling& sampling, const DataSpec& spec) {
    DdpmOptions options;
    options.network.select("mlp");
    options.prediction = Prediction::v;
    auto model = make_ddpm(options, sampling, spec);
    const at::NoGradGuard no_grad;
    Rng rng(1);
    for (auto& p : model->module().parameters()) p.copy_(0.1 * rng.normal(p.sizes()));
    for (auto& b : model->module().buffers()) b.copy_(rng.normal(b.sizes()));
    return model;
}

DenoisingSampling few() {
    DenoisingSampling o;
    o.steps = 10;
    return o;
}

Tensor draw(const DenoisingSampling& o, std::int64_t n = 8, std::int64_t first = 0,
            const DataSpec& spec = plane) {
    SampleRequest request;
    request.n = n;
    request.first = first;
    if (!spec.conditions.empty()) request.c.value["label"] = at::full({n}, 2, at::kLong);
    return random_model(o, spec)->sample(request, Rng(5)).x;
}

}  // namespace

TEST_CASE("sample i depends on the seed and i alone") {
    for (const auto& entry : solver_catalogue()) {
        CAPTURE(entry.name);
        DenoisingSampling o = few();
        o.sampler = entry.name;
        o.solver.tolerance = 1e-6;
        // Rounding, which depends on the batch, may cost an adaptive step: then the tolerance
        // rules.
        const double near = entry.name == "adaptive" ? 1e-3 : 1e-5;
        const Tensor all = draw(o, 8);
        CHECK(worst(draw(o, 3, 5), all.slice(0, 5, 8)) < near);
        CHECK(worst(draw(o, 1, 2), all.slice(0, 2, 3)) < near);
        CHECK(worst(draw(o, 8), all) == 0);
        CHECK(!all.requires_grad());
    }
}

TEST_CASE("every option of [sample] is heeded") {
    const Tensor base = draw(few());
    const std::string base_solver = few().sampler;
    const auto changes = [&](auto change) {
        DenoisingSampling o = few();
        change(o);
        return worst(draw(o), base) > 1e-4;
    };
    for (const auto& entry : solver_catalogue()) {
        CAPTURE(entry.name);
        CHECK((entry.name == base_solver || changes([&](auto& o) { o.sampler = entry.name; })));
    }
    CHECK(changes([](auto& o) { o.steps = 11; }));
    CHECK(changes([](auto& o) { o.guidance = 2; }));
    CHECK(changes([](auto& o) { o.guidance = 0; }));
    for (double DenoisingSampling::*end :
         {&DenoisingSampling::guidance_low, &DenoisingSampling::guidance_high}) {
        DenoisingSampling strong = few(), limited = few();
        strong.guidance = limited.guidance = 3;
        limited.*end = 1;
        CHECK(worst(draw(limited), draw(strong)) > 1e-4);
    }
    CHECK(changes([](auto& o) { o.solver.eta = 0.5; }));
    CHECK(changes([](auto& o) { o.grid = Grid::log_snr; }));
    CHECK(changes([](auto& o) { o.grid = Grid::leading; }));
    CHECK(changes([](auto& o) { o.temperature = 0.5; }));
    CHECK(changes([](auto& o) { o.clip = Clip::yes; }));
    // what one solver alone listens to
    const auto steers = [&](const char* solver, auto change) {
        DenoisingSampling plain = few(), changed = few();
        plain.sampler = changed.sampler = solver;
        change(changed.solver);
        return worst(draw(changed), draw(plain)) > 1e-4;
    };
    CHECK(steers("edm_stochastic", [](auto& s) { s.churn.amount = 1; }));
    CHECK(steers("edm_stochastic", [](auto& s) { s.churn.low = 1; }));
    CHECK(steers("edm_stochastic", [](auto& s) { s.churn.high = 1; }));
    CHECK(steers("edm_stochastic", [](auto& s) { s.churn.noise = 1.1; }));
    CHECK(steers("predictor_corrector", [](auto& s) { s.corrections = 2; }));
    CHECK(steers("predictor_corrector", [](auto& s) { s.ratio = 0.3; }));
    CHECK(steers("adaptive", [](auto& s) { s.tolerance = 0.1; }));
    DenoisingSampling seven = few(), three = few();
    seven.grid = three.grid = Grid::rho;
    three.rho = 3;
    CHECK(worst(draw(seven), draw(three)) > 1e-4);
    DenoisingSampling cold = few();  // no noise: all rows the same
    cold.temperature = 0;
    const Tensor same = draw(cold);
    CHECK(worst(same, same.slice(0, 0, 1).expand_as(same)) < 1e-5);
}

TEST_CASE("automatic clipping is for images") {
    DenoisingSampling automatic = few(), yes = few(), no = few();
    yes.clip = Clip::yes;
    no.clip = Clip::no;
    CHECK(worst(draw(automatic, 4, 0, picture), draw(yes, 4, 0, picture)) == 0);
    CHECK(worst(draw(no, 4, 0, picture), draw(yes, 4, 0, picture)) > 0.01);
    CHECK(draw(yes, 4, 0, picture).abs().max().item<float>() <= 1);
    CHECK(worst(draw(automatic), draw(no)) == 0);
}

TEST_CASE("network evaluations are counted") {
    const auto count = [&](const char* solver, double guidance, bool conditional) {
        DenoisingSampling o = few();
        o.sampler = solver;
        o.guidance = guidance;
        SampleRequest request;
        request.n = 2;
        if (conditional) request.c.value["label"] = at::tensor({0, 1}, at::kLong);
        return random_model(o, plane)->sample(request, Rng(5)).evaluations;
    };
    CHECK(count("ddim", 1, true) == 10);
    CHECK(count("ddim", 0, true) == 10);
    CHECK(count("ddim", 3, true) == 20);
    CHECK(count("ddim", 3, false) == 10);
    CHECK(count("heun", 1, true) == 19);  // the last step is one of Euler's
    CHECK(count("heun", 3, true) == 38);
}

TEST_CASE("impossible requests are refused by name") {
    const auto model = random_model(few(), plane);
    const auto refused = [&](std::int64_t n, const char* field, const Tensor& value,
                             const std::string& message) {
        SampleRequest request;
        request.n = n;
        if (value.defined()) request.c.value[field] = value;
        CHECK(refusal([&] { model->sample(request, Rng(0)); }) == message);
    };
    refused(0, "", {}, "sample: n: expected at least 1, got 0");
    refused(2, "colour", at::tensor({0, 1}, at::kLong),
            "sample: condition 'colour': the model knows label");
    refused(2, "label", at::tensor({0}, at::kLong),
            "sample: condition 'label': expected 2 rows, got 1");
    refused(2, "label", at::tensor({0, 4}, at::kLong),
            "sample: condition 'label': expected labels from 0 to 3, got 0 to 4");
}

TEST_CASE("a model with contradicting options is refused when it is made") {
    DenoisingSampling o;
    o.guidance_low = o.guidance_high = 2;
    CHECK(refusal([&] { random_model(o, plane); }) ==
          "sample.guidance_low: expected less than guidance_high, 2, got 2");
}

TEST_CASE("every model of the catalogue is made from its default options") {
    for (const auto& entry : catalogue()) {
        CAPTURE(entry.name);
        const auto options = entry.options(), sampling = entry.sample_options();
        REQUIRE(!entry.objectives.empty());
        if (entry.family != "diffusion") continue;
        const auto model = entry.make(*options, *sampling, {{Kind::real, {3, 8, 8}, 0}, {}});
        dynamic_cast<DenoisingSampling&>(*sampling).steps = 3;
        const auto quick = entry.make(*options, *sampling, {{Kind::real, {3, 8, 8}, 0}, {}});
        SampleRequest request;
        request.n = 2;
        const Samples samples = quick->sample(request, Rng(1));
        CHECK(samples.x.sizes() == at::IntArrayRef({2, 3, 8, 8}));
        CHECK(samples.evaluations >= 3);
    }
}

#include "pushforward/base/errors.hpp"
#include "pushforward/metrics/evaluate.hpp"

#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

using namespace pushforward;

namespace {

/// log p(x) is what `rule` says.
class Ruled : public Model, public Density {
public:
    using Rule = std::function<Tensor(const Tensor&)>;
    explicit Ruled(Rule rule, std::vector<Field> conditions = {})
        : rule_(std::move(rule)), spec_{{Kind::real, {2}}, std::move(conditions)} {}
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }
    Samples sample(const SampleRequest& r, Rng) const override { return {torch::zeros({r.n, 2})}; }
    const Density* density() const override { return this; }
    std::vector<Estimator> estimators() const override {
        return {{"exact", Strength::exact, Measure::density}};
    }
    Tensor log_prob(const Tensor& x, const Condition&, const std::string&, Rng) const override {
        return rule_(x);
    }

private:
    Rule rule_;
    DataSpec spec_;
    torch::nn::Module module_;
};

const Ruled& first_number() {
    static const Ruled model([](const Tensor& x) { return x.select(1, 0); });
    return model;
}

/// The normal rows, then the anomalous ones.
Batch labelled(const Tensor& normal, const Tensor& anomalous) {
    Batch rows;
    rows.x = torch::cat({normal, anomalous});
    rows.c.value["label"] = torch::cat({torch::zeros({normal.size(0)}, torch::kLong),
                                        torch::ones({anomalous.size(0)}, torch::kLong)});
    return rows;
}

Judged judged_by(const Model& model, const Batch& rows) {
    Judged judged;
    judged.model = &model;
    judged.held_out_model = &rows;
    return judged;
}

Measurement auroc(const Model& model, const Batch& rows) {
    const auto found = evaluate({"auroc"}, judged_by(model, rows));
    CHECK(found.size() == 1);
    return found.front().second;
}

std::string refusal(const Judged& judged) {
    try {
        evaluate({"auroc"}, judged);
    } catch (const UsageError& e) {
        return e.what();
    }
    return "not refused";
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("auroc of scores N(delta, 1) against N(0, 1) is Phi(delta / sqrt 2)") {
    for (const double delta : {0.0, 0.5, 2.0}) {
        Tensor normal = Rng(1).normal({3000, 2}, torch::kDouble);
        normal.select(1, 0) += delta;
        const auto m =
            auroc(first_number(), labelled(normal, Rng(2).normal({2000, 2}, torch::kDouble)));
        CAPTURE(delta);
        // four standard errors: a false alarm in 16,000
        CHECK(std::abs(m.value - 0.5 * std::erfc(-delta / 2)) < 4 * m.standard_error);
        CHECK(m.n == 5000);
        CHECK(m.higher_is_better);
    }
}

TEST_CASE("auroc of a density: wider normals in the plane, and the error of exponential scores") {
    // |x|^2 / 2 is Exp(1) for the normal rows and s^2 Exp(1) for the others, so that the area is
    // A = s^2 / (1 + s^2), and its variance that of Hanley & McNeil (1982), exact for exponentials.
    const double s = 1.5, area = s * s / (1 + s * s);
    const std::int64_t n = 4000, m = 1000;
    const Ruled model([](const Tensor& x) { return -0.5 * x.square().sum(1); });
    const auto found = auroc(model, labelled(Rng(3).normal({n, 2}, torch::kDouble),
                                             s * Rng(4).normal({m, 2}, torch::kDouble)));
    const double two_anomalous = area / (2 - area), two_normal = 2 * area * area / (1 + area);
    const double variance = (area * (1 - area) + (m - 1) * (two_anomalous - area * area) +
                             (n - 1) * (two_normal - area * area)) /
                            static_cast<double>(n * m);
    CHECK(std::abs(found.value - area) < 4 * std::sqrt(variance));
    CHECK(found.standard_error == doctest::Approx(std::sqrt(variance)).epsilon(0.05));
}

TEST_CASE("auroc with ties is the double loop's, and DeLong's error that of the placements") {
    const std::int64_t n = 60, m = 25;
    const Tensor normal = (2 * Rng(5).normal({n, 2}, torch::kDouble)).round() + 1,
                 anomalous = (2 * Rng(6).normal({m, 2}, torch::kDouble)).round();
    std::vector<double> of_normal(n, 0), of_anomalous(m, 0);
    double area = 0, ties = 0;
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < m; ++j) {
            const double a = normal[i][0].item<double>(), b = anomalous[j][0].item<double>();
            const double won = a > b ? 1 : a == b ? 0.5 : 0;
            ties += a == b;
            of_normal[static_cast<std::size_t>(i)] += won / m;
            of_anomalous[static_cast<std::size_t>(j)] += won / n;
            area += won / static_cast<double>(n * m);
        }
    const auto spread = [&](const std::vector<double>& placements) {
        double sum = 0;
        for (const double v : placements) sum += (v - area) * (v - area);
        const auto count = static_cast<double>(placements.size());
        return sum / (count - 1) / count;
    };
    REQUIRE(ties > 100);
    const auto found = auroc(first_number(), labelled(normal, anomalous));
    CHECK(found.value == doctest::Approx(area).epsilon(1e-12));
    CHECK(found.standard_error ==
          doctest::Approx(std::sqrt(spread(of_normal) + spread(of_anomalous))).epsilon(1e-12));
}

TEST_CASE("auroc: rows of density zero come last, and what is no number is an error") {
    Tensor normal = torch::tensor({{1.0, 0.0}, {2.0, 0.0}, {0.0, 0.0}}),
           anomalous = torch::tensor({{1.5, 0.0}, {0.0, 0.0}});
    anomalous[1][0] = -std::numeric_limits<double>::infinity();
    CHECK(auroc(first_number(), labelled(normal, anomalous)).value == doctest::Approx(4.0 / 6));
    normal[2][0] = std::nan("");
    CHECK_THROWS_WITH_AS(auroc(first_number(), labelled(normal, anomalous)),
                         "auroc: log p of held-out row 2 is not a number", NumericalError);
}

TEST_CASE("auroc says what it lacks, and is computed only when it is asked for") {
    const Tensor x = torch::zeros({3, 2});
    Batch rows = labelled(x, x);
    Judged judged = judged_by(first_number(), rows);
    CHECK(refusal(judged) == "not refused");
    const Field label{"label", {Kind::symbol, {}, 2}, {}};
    const Ruled told([](const Tensor& at) { return at.select(1, 0); }, {label});
    CHECK(has(refusal(judged_by(told, rows)), "told the label of a row (data.conditional = false"));
    DataSpec spec{{Kind::real, {2}}, {label}};
    judged.held_out_spec = &spec;
    CHECK(refusal(judged) == "not refused");
    spec.conditions[0].names = {"0", "1"};
    CHECK(refusal(judged) == "not refused");
    spec.conditions[0].names = {"-1", "1"};
    CHECK(has(refusal(judged), "expected the labels 0 (normal) and 1 (anomalous), got -1 or 1"));
    judged.held_out_spec = nullptr;
    rows.c.value["label"] = torch::tensor({0, 1, 2, 0, 1, 2});
    CHECK(has(refusal(judged), "and 1 (anomalous), got 2"));
    rows.c.value["label"] = torch::tensor({0, 0, 0, 1, 0, 0});
    CHECK(has(refusal(judged), "it needs 2 rows of each label, got 5 of 0 and 1 of 1"));
    rows.c.value.clear();
    CHECK(has(refusal(judged), "no 'label' (SPEC?label=NAME says where it stands)"));
    CHECK(has(refusal({}), "it needs a model"));

    rows = labelled(x + Rng(7).normal({3, 2}), x);
    for (const auto& [name, m] : evaluate({}, judged)) CHECK(name != "auroc");
}

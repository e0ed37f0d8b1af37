#include "pushforward/audit/mixture_truth.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

double bell(double z) {
    return std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
}

}  // namespace

double NormalMixture::density(double x) const {
    double sum = 0;
    for (const Part& k : parts) sum += k.weight / k.deviation * bell((x - k.mean) / k.deviation);
    return sum;
}

double NormalMixture::cdf(double x) const {
    double sum = 0;
    for (const Part& k : parts) sum += k.weight * normal_cdf((x - k.mean) / k.deviation);
    return sum;
}

double NormalMixture::score(double x) const {
    // exponents relative to the largest: far from every part each density is zero in float64
    std::vector<double> logs;
    for (const Part& k : parts) {
        const double z = (x - k.mean) / k.deviation;
        logs.push_back(std::log(k.weight / k.deviation) - 0.5 * z * z);
    }
    const double most = *std::max_element(logs.begin(), logs.end());
    double sum = 0, slope = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const double share = std::exp(logs[i] - most);
        sum += share;
        slope -= share * (x - parts[i].mean) / (parts[i].deviation * parts[i].deviation);
    }
    return slope / sum;
}

double NormalMixture::quantile(double p) const {
    double low = 0, high = 0;
    for (const Part& k : parts) {
        low = std::min(low, k.mean - 40 * k.deviation);
        high = std::max(high, k.mean + 40 * k.deviation);
    }
    for (int i = 0; i < 100; ++i) {
        const double middle = (low + high) / 2;
        (cdf(middle) < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

double NormalMixture::mean() const {
    double sum = 0;
    for (const Part& k : parts) sum += k.weight * k.mean;
    return sum;
}

double NormalMixture::deviation() const {
    double sum = 0;
    for (const Part& k : parts) sum += k.weight * (k.deviation * k.deviation + k.mean * k.mean);
    return std::sqrt(sum - mean() * mean());
}

double NormalMixture::entropy() const {
    double low = 0, high = 0;
    for (const Part& k : parts) {
        low = std::min(low, k.mean - 12 * k.deviation);
        high = std::max(high, k.mean + 12 * k.deviation);
    }
    // the trapezoidal rule on a smooth function that is zero at both ends
    constexpr int n = 20000;
    double sum = 0;
    for (int i = 0; i <= n; ++i) {
        const double p = density(low + (high - low) * i / n);
        if (p > 0) sum -= p * std::log(p);
    }
    return sum * (high - low) / n;
}

NormalMixture NormalMixture::noised(double alpha, double sigma) const {
    NormalMixture out;
    for (const Part& k : parts)
        out.parts.push_back({k.weight, alpha * k.mean, std::hypot(alpha * k.deviation, sigma)});
    return out;
}

void TwoNormals::visit(Fields& f) {
    f.number("weight", weight, {.doc = "of the normal on the left", .low = 0.02, .high = 0.98});
    f.number("mean", mean, {.doc = "the normals' means are -mean and mean", .low = 0, .high = 10});
    f.number("deviation", deviation, {.doc = "of each normal", .low = 0.05, .high = 3});
}

NormalMixture TwoNormals::law() const {
    return {{{weight, -mean, deviation}, {1 - weight, mean, deviation}}};
}

std::string TwoNormals::data(std::int64_t n, std::uint64_t seed, std::int64_t dimension) const {
    std::string means;
    for (const double centre : {-mean, mean})
        for (std::int64_t d = 0; d < dimension; ++d)
            means += (means.empty() ? "" : ",") + number_text(centre);
    return text("sim:mixture?dimension=", dimension, "&means=", means,
                "&weights=", number_text(weight), ",", number_text(1 - weight),
                "&sigma=", number_text(deviation), "&n=", n, "&seed=", seed);
}

std::string mixture_recipe(const TwoNormals& truth, std::uint64_t seed) {
    return text("[data]\nsource = \"", truth.data(200000, seed), R"("
validation = 0.0
scale = false
[model]
name = "mixture"
components = 2
)",
                cosine_training({.steps = 2000,
                                 .batch = 4096,
                                 .learning_rate = "2e-2",
                                 .warmup = 50,
                                 .half_life = 50}));
}

double Vp::beta(double t) {
    return 0.1 + 19.9 * t;
}
double Vp::alpha(double t) {
    return std::exp(-0.5 * (0.1 * t + 19.9 / 2 * t * t));
}
double Vp::sigma(double t) {
    return std::sqrt(-std::expm1(-(0.1 * t + 19.9 / 2 * t * t)));
}

}  // namespace pushforward

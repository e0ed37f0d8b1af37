#include "pushforward/audit/truth.hpp"

#include "pushforward/base/errors.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pushforward {

NoiseChain noise_chain(const std::string& schedule, std::int64_t steps) {
    PF_CHECK(schedule == "linear" || schedule == "cosine", "schedule", "linear or cosine",
             schedule);
    NoiseChain chain{{0}, {1}};
    const double T = static_cast<double>(steps);
    auto level = [](double u) {
        return std::pow(std::cos(std::numbers::pi / 2 * (u + 0.008) / 1.008), 2);
    };
    for (std::int64_t k = 1; k <= steps; ++k) {
        const double before = static_cast<double>(k - 1);
        double beta = 0;
        if (schedule == "linear")
            beta = 1000 / T * std::lerp(1e-4, 0.02, steps > 1 ? before / (T - 1) : 0.0);
        else
            beta = std::min(0.999, 1 - level(static_cast<double>(k) / T) / level(before / T));
        chain.beta.push_back(beta);
        chain.abar.push_back(chain.abar.back() * (1 - beta));
    }
    return chain;
}

double kolmogorov_p(double distance, std::int64_t n) {
    const double root = std::sqrt(static_cast<double>(n));
    const double x = (root + 0.12 + 0.11 / root) * distance;
    if (!(x > 0.2)) return std::isnan(x) ? 0 : 1;  // below 0.2 the probability is 1 to 1e-12
    double sum = 0;
    for (int j = 1; j <= 100; ++j) sum += (j % 2 ? 2 : -2) * std::exp(-2.0 * j * j * x * x);
    return std::clamp(sum, 0.0, 1.0);
}

double ks_distance(std::vector<double> values, const std::function<double(double)>& cdf) {
    for (double v : values)
        if (!std::isfinite(v)) return 1;
    std::sort(values.begin(), values.end());
    const double n = static_cast<double>(values.size());
    double distance = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double p = cdf(values[i]), below = static_cast<double>(i) / n;
        distance = std::max({distance, p - below, below + 1 / n - p});
    }
    return distance;
}

double normal_cdf(double x) {
    return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

double chi_square_p(double statistic, std::int64_t degrees) {
    return boost::math::gamma_q(static_cast<double>(degrees) / 2, statistic / 2);
}

double normal_quantile(double probability) {
    return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * probability);
}

}  // namespace pushforward

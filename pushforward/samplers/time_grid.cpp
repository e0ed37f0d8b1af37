#include "pushforward/samplers/time_grid.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

double log_snr_at(const Path& path, double t) {
    const Level level = path.at(at::scalar_tensor(t, at::kDouble));
    return std::log(level.alpha.item<double>() / level.sigma.item<double>());
}

/// log(alpha/sigma) where the path begins and ends. A path that reaches alpha = 0 begins at
/// -9, where alpha is about 1e-4, so that equal steps exist.
std::pair<double, double> log_snr_range(const Path& path) {
    return {std::max(log_snr_at(path, path.t_max()), -9.0), log_snr_at(path, path.t_min())};
}

}  // namespace

LevelAt level_at(const Path& path, double t) {
    if (t == 0) return {1, 0, 0, 0};
    const Tensor time = at::scalar_tensor(t, at::kDouble);
    const Level value = path.at(time), slope = path.derivative(time);
    return {value.alpha.item<double>(), value.sigma.item<double>(), slope.alpha.item<double>(),
            slope.sigma.item<double>()};
}

double time_at_log_snr(const Path& path, double log_snr) {
    double low = path.t_min(), high = path.t_max();
    for (int i = 0; i < 64; ++i) {  // log(alpha/sigma) falls with t
        const double middle = (low + high) / 2;
        (log_snr_at(path, middle) > log_snr ? low : high) = middle;
    }
    return (low + high) / 2;
}

bool same_path(const Path& a, const Path& b) {
    if (a.t_min() != b.t_min() || a.t_max() != b.t_max() || a.steps() != b.steps()) return false;
    const Tensor t = at::linspace(a.t_min(), a.t_max(), 9, at::kDouble);
    const Level one = a.at(t), other = b.at(t);
    const Tensor apart = (one.alpha - other.alpha).abs() + (one.sigma - other.sigma).abs();
    return (apart <= 1e-9 * (one.alpha + one.sigma)).all().item<bool>();
}

std::vector<double> time_grid(const Path& path, Grid grid, std::int64_t n, double rho) {
    const std::int64_t steps = path.steps();
    PF_CHECK(n >= 1, "sample.steps", "at least 1", n);
    if (steps > 0)
        PF_CHECK(n <= steps, "sample.steps", text("at most the model's ", steps, " steps"), n);
    const auto share = [&](std::int64_t i) {  // 0 at the first time, 1 at the n-th
        return n == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(n - 1);
    };
    std::vector<double> times;
    for (std::int64_t i = 0; i < n; ++i) {
        double t = path.t_max();
        if (grid == Grid::uniform) {
            t *= 1 - static_cast<double>(i) / static_cast<double>(n);
            if (steps > 0)
                t = std::round(t * static_cast<double>(steps)) / static_cast<double>(steps);
        } else if (grid == Grid::leading) {
            PF_CHECK(steps > 0, "sample.grid 'leading'", "a model with discrete steps",
                     "continuous time");
            t = static_cast<double>(1 + (n - 1 - i) * (steps / n)) / static_cast<double>(steps);
        } else if (i > 0) {
            const auto [first, last] = log_snr_range(path);
            if (i == n - 1) {
                t = path.t_min();
            } else if (grid == Grid::log_snr) {
                t = time_at_log_snr(path, first + (last - first) * share(i));
            } else {
                const double high = std::exp(-first / rho), low = std::exp(-last / rho);
                t = time_at_log_snr(path, -rho * std::log(high + (low - high) * share(i)));
            }
        }
        times.push_back(t);
    }
    times.push_back(0);
    return times;
}

}  // namespace pushforward

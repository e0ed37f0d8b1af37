#include "pushforward/training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pushforward {

double learning_rate_at(const TrainOptions& options, std::int64_t step) {
    const double peak = options.learning_rate;
    if (step < options.warmup)
        return peak * static_cast<double>(step + 1) / static_cast<double>(options.warmup);
    if (options.schedule == ScheduleKind::constant) return peak;
    const auto length = std::max<std::int64_t>(options.steps - options.warmup, 1);
    const double progress =
        std::min(1.0, static_cast<double>(step - options.warmup) / static_cast<double>(length));
    return peak * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace pushforward

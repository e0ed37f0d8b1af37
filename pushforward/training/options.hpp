#pragma once

#include "pushforward/base/fields.hpp"

namespace pushforward {

enum class OptimiserKind { adamw, adam };
enum class ScheduleKind { constant, cosine };
enum class Precision { automatic, float32, bfloat16, float64 };

const char* name_of(Precision precision);

/// The recipe's [train]. A step is one update of every player that plays in it; `batch` rows go
/// into an update, cut into `accumulate` pieces.
struct TrainOptions : Options {
    std::int64_t steps = 1000;
    std::int64_t batch = 64;
    std::int64_t accumulate = 1;
    OptimiserKind optimiser = OptimiserKind::adamw;
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
    ScheduleKind schedule = ScheduleKind::constant;
    std::int64_t warmup = 0;
    double clip = 1;
    double ema_half_life = 100;
    Precision precision = Precision::automatic;
    std::int64_t checkpoint_every = 500;
    std::int64_t keep = 2;
    std::int64_t validate_every = 500;
    std::int64_t sample_every = 500;
    std::int64_t log_every = 10;
    std::int64_t patience = 0;
    std::int64_t seed = -1;
    std::int64_t threads = 0;

    void visit(Fields& fields) override;
};

}  // namespace pushforward

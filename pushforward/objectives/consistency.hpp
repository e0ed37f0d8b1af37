#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/objective.hpp"

#include <memory>
#include <string>

namespace pushforward {

struct ConsistencyOptions : Options {
    std::string teacher = {};
    std::int64_t steps = 40;
    double condition_dropout = 0.1;

    void visit(Fields& f) override;
};

/// Consistency distillation (Song et al. 2023, alg. 2): at a step t -> s of a grid of `steps` times
/// even in log-SNR, drawn for each row, the student's item at x_t is drawn to its own item at the
/// place x_s where one step of the teacher's probability-flow ODE (DDIM's) leads; the last step's
/// target is the teacher's item. E |f(x_t, t) - f(x_s, s)|^2 in units of the student's network.
/// The student then maps noise to data in one step: `sample.steps = 1`. Its path is the teacher's.
std::unique_ptr<Objective> make_consistency(const ConsistencyOptions& options);

}  // namespace pushforward

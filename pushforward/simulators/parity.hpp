#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:parity`: bits x_t = x_{t-lag} XOR x_{t-1} XOR e_t after `lag` fair coins, e_t = 1 with
/// probability `flip`. Any `lag` bits in a row are fair coins, as a step maps windows of so many
/// bits one to one: a context shorter than `lag` leaves a whole bit of doubt, a longer one the
/// entropy of e_t.
struct ParityOptions : Options {
    std::int64_t length = 64, lag = 16;
    double flip = 0;
    void visit(Fields& f) override;
};

/// Sequences of two symbols; log_prob is the log of the mass, -inf for what cannot be. UsageError
/// where `lag` is not below `length`.
std::unique_ptr<Simulator> make_parity(const ParityOptions& options);

/// H(e_t) in nats, of a symbol whose `lag` predecessors are known.
double entropy_rate(const ParityOptions& options);
/// E[-log p(x)] of an item in nats: lag ln 2 + (length - lag) H(e_t).
double entropy(const ParityOptions& options);

}  // namespace pushforward

#pragma once

#include "pushforward/core/weights.hpp"

#include <vector>

namespace pushforward {

/// The exponential moving average of parameters, d = 2^(-1 / half_life) a step, with the bias of
/// its start removed (as Kingma & Ba 2015 do for moments): after t updates it is
///   sum_{i=1..t} d^(t-i) p_i / sum_{i=1..t} d^(t-i),
/// so early averages hold nothing of the initial weights. `parameters` are shared, not copied.
class Average {
public:
    Average(NamedTensors parameters, double half_life);

    void update();
    std::int64_t updates() const { return updates_; }
    void set_updates(std::int64_t n) { updates_ = n; }

    /// The averages under their parameters' names, sharing memory.
    const NamedTensors& values() const { return averages_; }

    /// Puts the averages into the module's parameters, and the parameters back at its end.
    class InUse {
    public:
        explicit InUse(Average* average);  ///< null, or no update yet: does nothing
        ~InUse();
        InUse(const InUse&) = delete;
        InUse& operator=(const InUse&) = delete;

    private:
        Average* average_;
        NamedTensors raw_;
    };

private:
    NamedTensors parameters_, averages_;
    double decay_;
    std::int64_t updates_ = 0;
};

}  // namespace pushforward

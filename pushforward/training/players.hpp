#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/core/weights.hpp"

namespace pushforward {

/// UsageError unless the players' parameters are disjoint, differently named, and cover every
/// parameter of the module that requires a gradient.
void check_players(const std::vector<Player>& players, const torch::nn::Module& module);

std::vector<std::pair<std::string, Tensor>> parameters_of(const Player& player);

/// While it lives only `player`'s parameters (none, for -1) require a gradient.
class Turn {
public:
    Turn(const std::vector<Player>& players, std::int64_t player);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    std::vector<Tensor> frozen_;
};

}  // namespace pushforward

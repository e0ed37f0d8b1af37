#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F8: Langevin's dynamics annealed over falling noise levels finds the weights of two normals that
/// no chain crosses between, from a uniform start; with the score of the clean data alone it stays
/// at the weights of its start (Song & Ermon 2019, sec. 3.2.2 and fig. 3).
std::unique_ptr<Claim> make_annealing();

}  // namespace pushforward

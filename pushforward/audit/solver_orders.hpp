#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F6: the order of each solver of the probability-flow ODE on two normals, from the median error
/// at 201 starts in [-3, 3] with 160 and 640 steps even in log-SNR (Song et al. 2020; Karras et al.
/// 2022; Lu et al. 2022a, b), and that they go where the ODE goes: in one dimension the flow keeps
/// the quantile, x_0 = F_0^-1(F_T(x_T)).
std::unique_ptr<Claim> make_solver_orders();

}  // namespace pushforward

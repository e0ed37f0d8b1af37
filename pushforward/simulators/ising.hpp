#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <cmath>
#include <memory>

namespace pushforward {

/// `sim:ising`: the Ising model on a torus of size x size spins s_i = -1 or 1, p(s) = exp(beta
/// sum_<ij> s_i s_j) / Z, the sum over each spin's right and lower neighbour (Onsager 1944). Items
/// are independent and exact: row after row by the powers of the transfer matrix. Pictures of
/// x_i = (1 + s_i) / 2.
struct IsingOptions : Options {
    std::int64_t size = 8;
    double beta = 0.5 * std::asinh(1.0);  ///< by default critical, ln(1 + sqrt(2)) / 2
    void visit(Fields& f) override;
};

/// Pictures [1, size, size] of 0 and 1; log_prob is the log of the mass, -inf for others.
std::unique_ptr<Simulator> make_ising(const IsingOptions& options);

/// ln Z, E[sum_<ij> s_i s_j] = d ln Z / d beta, and E[-log p] = ln Z - beta E[sum_<ij> s_i s_j] in
/// nats, by the transfer matrix.
struct IsingLaw {
    double log_partition = 0, bonds = 0, entropy = 0;
};
IsingLaw ising_law(const IsingOptions& options);

/// ln Z by Kaufman's closed formula (1949), the truth that shares nothing with the above.
double kaufman_log_partition(const IsingOptions& options);

}  // namespace pushforward

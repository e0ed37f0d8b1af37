#pragma once

#include "pushforward/base/fields.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace pushforward {

/// Equal normals on a circle in the plane, as a claim's parameters.
struct RingTruth : Options {
    std::int64_t modes = 8;
    double radius = 2, sigma = 0.1;

    void visit(Fields& f) override;
    /// Their means, float64 [modes, 2].
    at::Tensor centres() const;
    /// The SPEC of n draws, or of n with another deviation than `sigma`.
    std::string data(std::int64_t n, std::uint64_t seed) const { return data(n, seed, sigma); }
    std::string data(std::int64_t n, std::uint64_t seed, double deviation) const;
};

}  // namespace pushforward

#pragma once

#include "pushforward/core/space.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace pushforward {

using at::Tensor;

/// How items are symbols 0 .. K-1, one after another.
class SymbolCode {
public:
    virtual ~SymbolCode() = default;
    virtual std::int64_t symbols() const = 0;
    /// Symbols an item; 0: it varies.
    virtual std::int64_t length() const = 0;
    /// x [B, event...] in model units -> int64 [B, L].
    virtual Tensor to_symbols(const Tensor& x) const = 0;
    virtual Tensor to_items(const Tensor& symbols) const = 0;
};

/// Sequences of symbols as they stand.
std::unique_ptr<SymbolCode> text_code(const Space& x);
/// Pictures [C, H, W] of `levels` levels over [-1, 1]: row by row, a pixel's channels together.
/// UsageError for numbers on no level.
std::unique_ptr<SymbolCode> level_code(const Space& x, std::int64_t levels);
/// Vectors of the whole numbers 0 .. K-1. UsageError for others.
std::unique_ptr<SymbolCode> integer_code(const Space& x, std::int64_t symbols);
/// Sound in [-1, 1] by the mu-law (ITU-T G.711, 1988) of `symbols` steps:
/// sign(x) ln(1 + mu |x|) / ln(1 + mu), mu = symbols - 1, in equal steps.
std::unique_ptr<SymbolCode> mu_law_code(const Space& x, std::int64_t symbols);

}  // namespace pushforward

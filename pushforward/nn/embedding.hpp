#pragma once

#include "pushforward/core/batch.hpp"
#include "pushforward/core/space.hpp"
#include "pushforward/nn/layers.hpp"

#include <string>
#include <vector>

namespace pushforward {

/// [cos(t w_i), sin(t w_i)] with w_i = 10000^(-i / (width/2)): Vaswani et al. 2017 with the cosines
/// first. t [B] -> [B, width] in float32 (float64 for float64); width even.
Tensor sinusoidal(const Tensor& t, std::int64_t width);

/// sinusoidal -> linear_1 -> SiLU -> linear_2: [B] -> [B, out] in `dtype`.
struct TimeEmbedding {
    Linear linear_1, linear_2;
    std::int64_t width = 0;
    TimeEmbedding() = default;
    TimeEmbedding(torch::nn::Module& parent, const std::string& name, std::int64_t width,
                  std::int64_t out);
    Tensor operator()(const Tensor& t, at::ScalarType dtype) const;
};

/// Adds to an embedding [B, width] those of the conditions: a class label has a row of a table (one
/// more row stands for "not given"), a number or vector a linear map (zero where it isn't given).
/// Conditions that the Condition lacks count as not given. UsageError for other kinds of fields.
class ConditionEmbedding {
public:
    ConditionEmbedding() = default;
    ConditionEmbedding(torch::nn::Module& parent, const std::string& name,
                       const std::vector<Field>& fields, std::int64_t width);
    Tensor operator()(Tensor embedding, const Condition& c) const;

private:
    struct Part {
        Field field;
        Weight table;   ///< labels: [symbols + 1, width], the last row is "not given"
        Linear linear;  ///< vectors
    };
    std::vector<Part> parts_;
};

}  // namespace pushforward

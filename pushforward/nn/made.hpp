#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/nn/sequence_network.hpp"

#include <cstdint>
#include <memory>

namespace pushforward {

struct MadeOptions : Options {
    std::int64_t width = 512;
    std::int64_t layers = 2;

    void visit(Fields& f) override;
};

/// MADE (Germain et al. 2015) of `length` symbols of K levels in their natural order: one-hot
/// inputs through masked layers with ReLU. Hidden unit u of `width` is of degree
/// floor(u length / width), which is how many symbols it sees; the logits of place i see units of
/// degree i at most. Each hidden layer adds a projection of the context, whose width is `context`.
/// The last layer begins at zero. UsageError unless there is a unit for each degree.
std::shared_ptr<SequenceNetwork> make_made(const MadeOptions& options, std::int64_t length,
                                           std::int64_t symbols, std::int64_t context = 0);

}  // namespace pushforward

#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/nn/sequence_network.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

struct PixelCnnOptions : Options {
    std::int64_t features = 64;
    std::int64_t layers = 8;
    std::int64_t kernel = 3;
    bool positions = false;
    std::string head = "categorical";
    std::int64_t mixtures = 10;

    void visit(Fields& f) override;
};

/// The gated PixelCNN (van den Oord et al. 2016b) of pictures `event` = [C, H, W] with K levels a
/// channel, whose symbols come row by row, each pixel's channels together. A vertical stack sees
/// the rows above, a horizontal one the pixels to the left and, by groups of its features, the
/// pixel's channels before. Within n layers' reach p n, p = (kernel - 1)/2, to the left and
/// right and 1 + p n above, nothing is hidden. Levels go in as numbers from -1 to 1
/// beside a one. The head says K logits, or those of a mixture of logistic laws (PixelCNN++:
/// Salimans et al. 2017). `context` is the width of what each gate hears of a condition.
std::shared_ptr<SequenceNetwork> make_pixel_cnn(const PixelCnnOptions& options,
                                                const std::vector<std::int64_t>& event,
                                                std::int64_t symbols, std::int64_t context = 0);

}  // namespace pushforward

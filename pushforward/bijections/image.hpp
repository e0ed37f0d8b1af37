#pragma once

#include "pushforward/bijections/transformer.hpp"

#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

// Maps of pictures [B, C, H, W].

/// [B, event...] -> [B, D], the numbers in their order.
std::unique_ptr<Bijection> make_flatten(std::vector<std::int64_t> event);
/// Each square of 2 x 2 pixels becomes one with four times the channels (Dinh et al. 2016, sec.
/// 3.6): [B, C, H, W] -> [B, 4 C, H / 2, W / 2]. UsageError for an odd side.
std::unique_ptr<Bijection> make_squeeze();
/// y = logit(margin + (1 - 2 margin) (x + 1) / 2), from (-1, 1) and a little beyond (Dinh et al.
/// 2016, sec. 4.1); what lies outside counts as at the edge.
std::unique_ptr<Bijection> make_logit(double margin);
/// The first half of the channels goes through `rest`, which gives vectors, and the other half is
/// done: [B, C, H, W] -> [B, D] (Dinh et al. 2016, eq. 13 to 16).
std::unique_ptr<Bijection> make_split(std::unique_ptr<Bijection> rest);

/// The convolutions inside of a layer of pictures with `channels`; `context` numbers tell of each
/// row, or of each pixel where the context is a picture itself.
struct PictureShape {
    std::int64_t channels, context, width, layers;
};
/// Which numbers stay as they are and are asked for the parameters of the others' map.
enum class Mask {
    channels,     ///< the first half of the channels
    checkerboard  ///< pixels whose row and column add to an even number
};

/// A coupling of pictures (Dinh et al. 2016, sec. 3.4; Kingma & Dhariwal 2018, sec. 3.3), `odd`:
/// the other half stays. The parameters come from convolutions 3 x 3, then 1 x 1 for each further
/// hidden layer, then 3 x 3 beginning at zero, with ReLU between. UsageError for one channel in
/// halves of channels.
std::unique_ptr<Bijection> make_picture_coupling(torch::nn::Module& parent, const std::string& name,
                                                 const PictureShape& shape, Mask mask, bool odd,
                                                 std::unique_ptr<Transformer> transformer);

}  // namespace pushforward

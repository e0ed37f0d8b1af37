#pragma once

#include "pushforward/families/flow/models.hpp"

#include <string>

namespace pushforward {

using Links = std::vector<std::unique_ptr<Bijection>>;

/// "name_i".
std::string numbered(const std::string& name, std::int64_t i);
/// The option `mixing`, and the link that it asks for, of that many numbers or channels.
void visit_mixing(Fields& f, Mixing& mixing);
void mix(Mixing mixing, torch::nn::Module& own, const std::string& name, std::int64_t numbers,
         Links& links);
/// Items as vectors: appends what flattens them, where they are none, and gives how long they are.
std::int64_t flattened(const Space& x, Links& links);

/// RealNVP of pictures.
std::unique_ptr<Model> make_picture_real_nvp(const RealNvpOptions& options,
                                             const FlowSampling& sampling, const DataSpec& spec);

}  // namespace pushforward

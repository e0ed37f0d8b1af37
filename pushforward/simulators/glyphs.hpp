#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:glyphs`: grey pictures of handwritten-looking characters, ink 1 on paper 0, [1, size, size]
/// in [0, 1]; condition `label` with the characters as class names. Each is drawn with a pen along
/// strokes that went through a random affine map, a smooth displacement and jittered points.
struct GlyphOptions : Options {
    std::string classes = "digits";  ///< digits (10), letters (26) or all (36)
    std::int64_t size = 28;
    double distortion = 1;  ///< strength of every random deformation; 0: the plain characters
    void visit(Fields& f) override;
};

std::unique_ptr<Simulator> make_glyphs(const GlyphOptions& options);

}  // namespace pushforward

#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:ring`: equally weighted round normals at equal angles on a circle, the first at angle 0.
struct RingOptions : Options {
    std::int64_t modes = 8;
    double radius = 2, sigma = 0.1;
    bool labels = false;  ///< condition `label`: the number of the mode
    void visit(Fields& f) override;
};

/// `sim:grid`: side x side equally weighted round normals, centred at 0.
struct GridOptions : Options {
    std::int64_t side = 5;
    double spacing = 2, sigma = 0.05;
    bool labels = false;
    void visit(Fields& f) override;
};

/// `sim:mixture`: sum_k w_k N(mean_k, sigma_k^2 I) in `dimension` dimensions.
struct MixtureOptions : Options {
    std::int64_t dimension = 1;
    Fields::Numbers means = {-2, 2};  ///< one after another, `dimension` numbers each
    Fields::Numbers weights = {};     ///< empty: equal; else positive, scaled to the sum 1
    Fields::Numbers sigma = {0.5};    ///< one for all, or one a component
    bool labels = false;
    void visit(Fields& f) override;
};

std::unique_ptr<Simulator> make_ring(const RingOptions& options);
std::unique_ptr<Simulator> make_grid(const GridOptions& options);
std::unique_ptr<Simulator> make_mixture(const MixtureOptions& options);

}  // namespace pushforward

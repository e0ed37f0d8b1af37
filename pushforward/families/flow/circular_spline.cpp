#include "pushforward/families/flow/circular_spline.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/bijections/circular.hpp"
#include "pushforward/bijections/coupling.hpp"
#include "pushforward/families/flow/pictures.hpp"

namespace pushforward {

CircularSplineOptions::CircularSplineOptions() {
    base = angle_distributions();
}

void CircularSplineOptions::visit(Fields& f) {
    FlowOptions::visit(f);
    f.integer("bins", bins, {.doc = "bins of each spline", .low = 2, .high = 64});
}

std::unique_ptr<Model> make_circular_spline_flow(const CircularSplineOptions& options,
                                                 const FlowSampling& sampling,
                                                 const DataSpec& spec) {
    PF_CHECK(sampling.temperature == 1, "sample.temperature", "1 for a flow of angles",
             sampling.temperature);
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < options.transforms; ++i)
            links.push_back(make_coupling(own, numbered("transform", i),
                                          {d, context, options.width, options.layers}, i % 2 == 1,
                                          make_circular_spline(options.bins)));
    };
    return make_flow(options, sampling, spec, build);
}

}  // namespace pushforward

#include "pushforward/families/flow/residual_flow.hpp"

#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/residual.hpp"
#include "pushforward/families/flow/pictures.hpp"

namespace pushforward {

void ResidualFlowOptions::visit(Fields& f) {
    NormedFlowOptions::visit(f);
    f.number(
        "lipschitz", lipschitz,
        {.doc = "how far each layer's g may stretch, below 1: nearer to 1 bends more, and takes "
                "more steps to invert and more terms to estimate",
         .low = 0,
         .high = 0.999,
         .open_low = true});
}

std::unique_ptr<Model> make_residual_flow(const ResidualFlowOptions& options,
                                          const FlowSampling& sampling, const DataSpec& spec) {
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < options.transforms; ++i) {
            links.push_back(make_residual(own, numbered("transform", i),
                                          {d, context, options.width, options.layers},
                                          options.lipschitz));
            if (options.act_norm) links.push_back(make_act_norm(own, numbered("norm", i), d));
        }
    };
    return make_flow(options, sampling, spec, build);
}

}  // namespace pushforward

#include "pushforward/families/flow/continuous_flow.hpp"

#include "pushforward/bijections/continuous.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/families/flow/pictures.hpp"

namespace pushforward {

void ContinuousFlowOptions::visit(Fields& f) {
    NormedFlowOptions::visit(f);
    f.number("tolerance", tolerance,
             {.doc = "error of each step that the solver chooses, relative and absolute",
              .low = 0,
              .open_low = true});
    f.integer("steps", steps,
              {.doc = "equal steps of Runge and Kutta's method in place of chosen ones; 0: chosen",
               .low = 0});
}

std::unique_ptr<Model> make_continuous_flow(const ContinuousFlowOptions& options,
                                            const FlowSampling& sampling, const DataSpec& spec) {
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < options.transforms; ++i) {
            links.push_back(make_continuous(own, numbered("transform", i),
                                            {d, context, options.width, options.layers},
                                            {options.tolerance, options.steps}));
            if (options.act_norm) links.push_back(make_act_norm(own, numbered("norm", i), d));
        }
    };
    return make_flow(options, sampling, spec, build);
}

}  // namespace pushforward

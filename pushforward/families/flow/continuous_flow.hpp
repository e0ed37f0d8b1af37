#pragma once

#include "pushforward/families/flow/models.hpp"

namespace pushforward {

/// The flow of an ordinary differential equation, dx/dt = f(x, t) from t = 0 to 1, one `transforms`
/// times (Chen et al. 2018; Grathwohl et al. 2019). Its "exact" density is exact up to the solver's
/// error; "unbiased" asks one product a step in place of the trace.
struct ContinuousFlowOptions : NormedFlowOptions {
    double tolerance = 1e-7;
    std::int64_t steps = 0;

    ContinuousFlowOptions() { transforms = 1; }
    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_continuous_flow(const ContinuousFlowOptions& options,
                                            const FlowSampling& sampling, const DataSpec& spec);

}  // namespace pushforward

#include "pushforward/objectives/training_times.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/special_ndtri.h>
#include <ATen/ops/tensor.h>

namespace pushforward {

void TimeOptions::visit(Fields& f) {
    f.choice(
        "times", times, {"model", "uniform", "logit_normal", "last"},
        {.doc =
             "training times: as in the model's paper, uniform, the sigmoid of a normal, or t_max "
             "alone"});
    f.number("location", location, {.doc = "mean of the normal of `logit_normal`"});
    f.number("scale", scale, {.doc = "its standard deviation", .low = 0, .open_low = true});
    f.flag("stratified", stratified, {.doc = "spread the times of a batch evenly"});
}

Tensor draw_times(const Path& path, const TimeOptions& options, std::int64_t n, Rng& rng) {
    Tensor u = rng.uniform({n}, at::kDouble);
    if (options.stratified) {
        const auto stratum = rng.permutation(n);
        u = (u + at::tensor(stratum, at::kLong)) / n;
    }
    if (options.times == "last") return at::full_like(u, path.t_max());
    if (options.times == "model") return path.training_time(u);
    if (options.times == "logit_normal")  // Esser et al. 2024, eq. 19
        u = at::sigmoid(options.location + options.scale * at::special_ndtri(u));
    if (path.steps() > 0)
        return ((u * path.steps()).floor() + 1).clamp_max(path.steps()) / path.steps();
    return path.t_min() + (path.t_max() - path.t_min()) * u;
}

}  // namespace pushforward

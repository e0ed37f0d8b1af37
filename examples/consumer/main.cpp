#include "pushforward/training/fit.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <iostream>

// Trains a small model of points on a circle in this process and draws new ones from it.
int main() {
    using namespace pushforward;
    const char* recipe = R"(
[data]
source = "sim:ring?radius=2&n=20000"   # or a file, a folder of pictures, ...
[model]
name = "flow_matching"
[model.network]
name = "mlp"
width = 64
[train]
steps = 300
batch = 256
learning_rate = 2e-3
seed = 1
)";
    FitOptions options;
    options.out = "consumer-run";
    options.existing = RunFolder::Existing::overwrite;
    fit(parse_recipe(recipe, "main.cpp"), options);

    const OpenedRun run = open_run("consumer-run");
    const Samples drawn =
        draw_samples(*run.model, run.description.scaling, 1000, {}, 1, 1000, run.device);
    std::cout << drawn.x.size(0) << " points, on average "
              << drawn.x.norm(2, 1).mean().item<double>() << " from the origin\n";
}

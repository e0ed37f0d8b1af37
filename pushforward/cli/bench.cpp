#include "pushforward/testing/bench.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/core/environment.hpp"
#include "pushforward/testing/peaks.hpp"
#include "pushforward/training/run.hpp"

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace pushforward {
namespace {

struct BenchArguments {
    std::vector<std::string> cases;
    std::string weights, batch;
};

void bench(const Common& common, const BenchArguments& a) {
    BenchRequest request{a.weights, a.batch, common.wanted_precision() == Precision::bfloat16,
                         resolve_device(common.device)};
    std::vector<const BenchCase*> cases;
    for (const auto& name : a.cases) cases.push_back(&bench_case(name));
    if (cases.empty())
        for (const auto& c : bench_cases()) cases.push_back(&c);
    const Peaks peaks = measure_peaks();
    const double peak = request.bfloat16 ? peaks.bfloat16 : peaks.float32;
    const char* precision = request.bfloat16 ? "bfloat16" : "float32";
    json::array all;
    std::string lines;
    for (const BenchCase* c : cases) {
        common.say(c->name + ": " + c->summary);
        const BenchResult r = c->run(request);
        json::object out{{"case", c->name}, {"value", r.value}, {"unit", r.unit}};
        char line[256];
        std::snprintf(line, sizeof line, "%-20s %10.4g %s", c->name.c_str(), r.value,
                      r.unit.c_str());
        lines += line;
        if (r.loss) {
            out["loss"] = *r.loss;
            std::snprintf(line, sizeof line, "  loss %.9g", *r.loss);
            lines += line;
        }
        if (r.flops) {
            out["flops"] = *r.flops;
            out["fraction_of_peak"] = *r.flops / r.seconds / peak;
            std::snprintf(line, sizeof line, "  %.4g GFLOP, %.1f %% of peak", *r.flops / 1e9,
                          100 * *r.flops / r.seconds / peak);
            lines += line;
        }
        out["device"] = request.device.str();
        out["precision"] = precision;
        out["threads"] = at::get_num_threads();
        all.push_back(out);
        lines += '\n';
    }
    common.print(lines + text("peak ", peak / 1e9, " GFLOP/s ", precision, ", ",
                              at::get_num_threads(), " threads"),
                 {{"cases", all}, {"environment", environment()}});
}

}  // namespace

void add_bench(CLI::App& program, Common& common) {
    auto a = std::make_shared<BenchArguments>();
    CLI::App* verb = add_verb(program, common, "bench", "named performance cases",
                              [&common, a] { bench(common, *a); });
    std::string names;
    for (const auto& c : bench_cases()) names += (names.empty() ? "" : ", ") + c.name;
    verb->add_option("CASE", a->cases, names + " (default: all)");
    verb->add_option("--weights", a->weights,
                     "safetensors with the network's weights under the peer's names");
    verb->add_option("--batch", a->batch, "npz or safetensors with the batch: x, noise, t");
}

}  // namespace pushforward

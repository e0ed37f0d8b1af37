#include "pushforward/testing/bench.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/core/rng.hpp"
#include "pushforward/nn/flops.hpp"
#include "pushforward/testing/bench_flow.hpp"
#include "pushforward/testing/bench_unet.hpp"
#include "pushforward/testing/peaks.hpp"

#include <torch/types.h>

namespace pushforward {
namespace {

constexpr std::int64_t kNormals = 1 << 24;

BenchResult fill_normals(const BenchRequest&) {
    Rng rng(1);
    const double seconds = median_seconds([&] { rng.normal({64, kNormals / 64}); });
    return {static_cast<double>(kNormals) / seconds / 1e9, "G values/s", {}, {}, seconds};
}

BenchResult fill_normals_libtorch(const BenchRequest&) {
    const double seconds = median_seconds([] { torch::empty({64, kNormals / 64}).normal_(); });
    return {static_cast<double>(kNormals) / seconds / 1e9, "G values/s", {}, {}, seconds};
}

}  // namespace

BenchResult timed_step(const std::function<void()>& step, double seconds) {
    BenchResult result;
    {
        const FlopCount flops;
        step();
        result.flops = flops.forward + flops.backward;
    }
    result.seconds = median_seconds(step, seconds);
    result.value = 1000 * result.seconds;
    result.unit = "ms";
    return result;
}

const std::vector<BenchCase>& bench_cases() {
    static const std::vector<BenchCase> all = [] {
        std::vector<BenchCase> cases = {
            {"normals", "16.8 million normals by our generator", fill_normals},
            {"normals-libtorch", "the same by LibTorch's normal_", fill_normals_libtorch},
            {"unet-train", "one training step of a 6.5 M parameter U-Net on 64 images of 32x32",
             bench_unet_train},
            {"unet-sample", "16 images of 32x32 in 50 DDIM steps by the same U-Net",
             bench_unet_sample},
        };
        for (BenchCase& flow : flow_bench_cases()) cases.push_back(std::move(flow));
        return cases;
    }();
    return all;
}

const BenchCase& bench_case(const std::string& name) {
    return find_named(bench_cases(), &BenchCase::name, name, [&](const auto& names) {
        return "bench " + name + ": expected " + one_of(names) + nearest_hint(name, names);
    });
}

}  // namespace pushforward

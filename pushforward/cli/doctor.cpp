#include "pushforward/base/cpu.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/testing/peaks.hpp"

#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/version.h>
#include <CLI/CLI.hpp>

#include <cstdio>

namespace pushforward {
namespace {

void doctor(const Common& common) {
    const CpuFeatures& cpu = cpu_features();
    common.say("measuring peaks, about five seconds");
    const Peaks peaks = measure_peaks();
    std::string instructions;
    for (const auto& i : cpu.instructions) instructions += (instructions.empty() ? "" : " ") + i;
    const int cuda = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
    char lines[1024];
    std::snprintf(lines, sizeof lines,
                  "version       %s %s, LibTorch %s\n"
                  "processor     %s\n"
                  "instructions  %s\n"
                  "threads       %d\n"
                  "peak          %.0f GFLOP/s float32, %.0f GFLOP/s bfloat16 (matrices of 2048)\n"
                  "bandwidth     %.1f GB/s (triad of 3 x 128 MiB)\n"
                  "auto          %s in train and sample\n"
                  "devices       cpu%s",
                  version(), commit(), TORCH_VERSION, cpu.name.c_str(), instructions.c_str(),
                  at::get_num_threads(), peaks.float32 / 1e9, peaks.bfloat16 / 1e9,
                  peaks.bandwidth / 1e9, cpu.multiplies_bfloat16() ? "bfloat16" : "float32",
                  cuda ? text(", ", cuda, " x cuda").c_str() : "");
    common.print(lines, {{"version", version()},
                         {"commit", commit()},
                         {"libtorch", TORCH_VERSION},
                         {"processor", cpu.name},
                         {"instructions", json::value_from(cpu.instructions)},
                         {"threads", at::get_num_threads()},
                         {"peak_float32", peaks.float32},
                         {"peak_bfloat16", peaks.bfloat16},
                         {"bandwidth", peaks.bandwidth},
                         {"cuda_devices", cuda}});
}

}  // namespace

void add_doctor(CLI::App& program, Common& common) {
    add_verb(program, common, "doctor", "the machine as the program sees it, with measured peaks",
             [&common] { doctor(common); });
}

}  // namespace pushforward

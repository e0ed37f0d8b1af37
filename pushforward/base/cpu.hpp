#pragma once

#include <string>
#include <vector>

namespace pushforward {

/// The processor's name and the vector instructions that matter here, widest last:
/// "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8".
struct CpuFeatures {
    std::string name;
    std::vector<std::string> instructions;
    bool has(const std::string& instruction) const;
    /// Whether products of bfloat16 run faster than those of float32.
    bool multiplies_bfloat16() const { return has("avx512_bf16") || has("amx_bf16"); }
};

/// What Linux says of the processor in /proc/cpuinfo.
const CpuFeatures& cpu_features();

}  // namespace pushforward

#include "pushforward/base/cpu.hpp"

#include <algorithm>
#include <fstream>

namespace pushforward {

bool CpuFeatures::has(const std::string& instruction) const {
    return std::find(instructions.begin(), instructions.end(), instruction) != instructions.end();
}

const CpuFeatures& cpu_features() {
    static const CpuFeatures features = [] {
        // The kernel lists a flag only where it also saves the registers that it needs.
        CpuFeatures out;
        std::ifstream info("/proc/cpuinfo");
        std::string line, flags;
        while (std::getline(info, line)) {
            const auto colon = line.find(": ");
            if (colon == std::string::npos) continue;
            if (out.name.empty() && line.rfind("model name", 0) == 0)
                out.name = line.substr(colon + 2);
            if (flags.empty() && line.rfind("flags", 0) == 0) flags = line.substr(colon + 1) + " ";
        }
        for (const char* wanted :
             {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"})
            if (flags.find(std::string(" ") + wanted + " ") != std::string::npos)
                out.instructions.emplace_back(wanted);
        return out;
    }();
    return features;
}

}  // namespace pushforward

#include "pushforward/core/environment.hpp"

#include "pushforward/base/cpu.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/version.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <ctime>

namespace pushforward {
namespace {

std::string today() {
    char buffer[32] = "";
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M UTC", &utc);
    return buffer;
}

std::string processor() {
    std::string all = cpu_features().name;
    for (const auto& i : cpu_features().instructions)
        all += (&i == &cpu_features().instructions[0] ? " (" : ", ") + i;
    return cpu_features().instructions.empty() ? all : all + ")";
}

}  // namespace

json::object environment() {
    const std::string revision = commit();
    return {{"pushforward", revision.empty() ? version() : text(version(), " (", revision, ")")},
            {"LibTorch", TORCH_VERSION},
            {"processor", processor()},
            {"threads", at::get_num_threads()},
            {"date", today()}};
}

}  // namespace pushforward

#include "pushforward/training/summary.hpp"

#include "pushforward/base/cpu.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/version.hpp"

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

json::object summary_json(const std::filesystem::path& run, const TrainingSummary& s) {
    using End = TrainingSummary::End;
    json::object last;
    for (const auto& [name, value] : s.last_terms) last[name] = value;
    json::object all{{"run", run.string()},
                     {"steps", s.step},
                     {"seconds", s.seconds},
                     {"samples_per_second", s.samples_per_second},
                     {"final", last},
                     {"parameters", s.parameters},
                     {"peak_memory_bytes", s.peak_memory_bytes},
                     {"samples", s.samples},
                     {"end", s.end == End::steps  ? "steps"
                             : s.end == End::time ? "time"
                                                  : "patience"}};
    if (s.best_loss) {
        all["best_validation_loss"] = *s.best_loss;
        all["best_step"] = s.best_step;
    }
    return all;
}

void write_summary(const RunFolder& run, const TrainingSummary& summary,
                   const RunIdentity& identity) {
    auto all = summary_json(run.path(), summary);
    const std::string revision = commit();
    all["environment"] = json::object{
        {"pushforward", revision.empty() ? version() : text(version(), " (", revision, ")")},
        {"LibTorch", TORCH_VERSION},
        {"processor", processor()},
        {"device", identity.device},
        {"precision", identity.precision},
        {"threads", identity.threads},
        {"seed", identity.seed},
        {"date", today()}};
    write_atomic(run.summary(), to_json_indented(all));
}

}  // namespace pushforward

#include "pushforward/training/summary.hpp"

#include "pushforward/base/file.hpp"
#include "pushforward/core/environment.hpp"

namespace pushforward {

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
    json::object where = environment();
    where["device"] = identity.device;
    where["precision"] = identity.precision;
    where["threads"] = identity.threads;
    where["seed"] = identity.seed;
    all["environment"] = std::move(where);
    write_atomic(run.summary(), to_json_indented(all));
}

}  // namespace pushforward

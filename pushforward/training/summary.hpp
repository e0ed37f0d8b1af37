#pragma once

#include "pushforward/base/json.hpp"
#include "pushforward/training/run_folder.hpp"
#include "pushforward/training/trainer.hpp"

namespace pushforward {

/// What `train --json` prints (contract: run, steps, seconds, samples_per_second, final,
/// parameters, peak_memory_bytes), and how it ended: "steps", "time" or "patience".
json::object summary_json(const std::filesystem::path& run, const TrainingSummary& summary);

/// Writes it to the run's summary.json together with where it ran: version, LibTorch, processor,
/// device, precision, threads, seed, date.
void write_summary(const RunFolder& run, const TrainingSummary& summary,
                   const RunIdentity& identity);

}  // namespace pushforward

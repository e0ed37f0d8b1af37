#pragma once

#include "pushforward/cli/common.hpp"
#include "pushforward/training/latents.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

class Progress;

/// UsageError when n of the run's items cannot be written as the path's extension asks.
void check_drawn(const OpenedRun& run, const std::filesystem::path& out, std::int64_t n);

/// Writes items that a model made as export_items or export_texts does, with the seed and the model
/// in a picture's text. NumericalError, on behalf of `verb`, when some are not finite: then nothing
/// is written.
void export_drawn(const std::string& verb, const OpenedRun& run, const std::filesystem::path& out,
                  const Tensor& items, const std::vector<std::pair<std::string, Tensor>>& extras,
                  std::uint64_t seed, std::int64_t per_row = 0);

/// A run opened for a verb of latent space: float32 unless --precision says otherwise.
OpenedRun open_for_latents(const Common& common, const std::string& run, const std::string& verb);
/// The rows' request that goes with it; `progress` must outlive it.
LatentRequest latent_request(const Common& common, std::int64_t batch, Progress& progress);

}  // namespace pushforward

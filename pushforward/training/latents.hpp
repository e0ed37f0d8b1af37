#pragma once

#include "pushforward/data/source.hpp"
#include "pushforward/training/run.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace pushforward {

/// A model's latent space; UsageError, on behalf of `verb`, that names models with one where
/// `model`, called `name`, has none.
const Latent& latent_of(const Model& model, const std::string& name, const std::string& verb);

/// Latents [N, event...] of the latent space with the conditions, in the data's own units, that
/// they were encoded under.
struct Latents {
    Tensor mean, std, z;  ///< z ~ N(mean, std^2); std is 0 where the encoder gives a point
    Condition c;
};

/// How the verbs of latent space go through their rows: row i's answer depends on (seed, i) alone.
struct LatentRequest {
    std::uint64_t seed = 0;
    std::int64_t batch = 64;
    std::function<void(std::int64_t done, std::int64_t n)> progress = {};
};

/// The latents of every row, under the row's own conditions.
Latents encode_rows(const OpenedRun& run, const Source& data, const LatentRequest& request);
/// Items of latents [N, ...] under conditions, in the data's own units.
Tensor decode_rows(const OpenedRun& run, const Tensor& z, const Condition& c,
                   const LatentRequest& request);

/// Root mean square of decode(mean) - x over the first batch of rows, in the data's own units.
double round_trip(const OpenedRun& run, const Source& data, const Latents& latents,
                  const LatentRequest& request);

/// K = `steps` pictures for each pair of rows from a's to b's latents, their reconstructions at the
/// ends: [N K, event...], pair by pair, along the great circle (math/slerp.hpp). Each is decoded
/// under the conditions of the nearer end. `pair` and `share` [N K] say which picture is which.
struct Interpolation {
    Tensor x, pair, share;
    Condition c;
};
Interpolation interpolate_rows(const OpenedRun& run, const Latents& a, const Latents& b,
                               std::int64_t steps, const LatentRequest& request);

/// npz of `mean`, `std`, `z` and `condition.NAME` for each condition; back, DataError for a file
/// that does not hold what this run's model decodes.
void write_latents(const std::filesystem::path& file, const Latents& latents);
Latents read_latents(const std::filesystem::path& file, const OpenedRun& run);

}  // namespace pushforward

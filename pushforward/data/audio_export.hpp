#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>

namespace pushforward {

/// UsageError when sound cannot be written so, before any work: a .wav holds one item, a folder
/// DIR/ a .wav each.
void check_audio_export(const std::filesystem::path& path, std::int64_t items);

/// Items [N, L] in [-1, 1] (cut there) at `rate` samples a second, as integers of 16 bits.
void export_audio(const std::filesystem::path& path, const at::Tensor& items, std::int64_t rate);

}  // namespace pushforward

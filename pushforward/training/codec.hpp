#pragma once

#include "pushforward/base/file.hpp"
#include "pushforward/training/run.hpp"

#include <cstdint>
#include <functional>

namespace pushforward {

/// How far a coder has come: symbols done.
using CodecProgress = std::function<void(std::int64_t)>;

/// Text losslessly coded with a run's model: see base/compress.hpp for the file. The logits of
/// `Sequential::next` are the same bits on every machine and number of threads, and the integer
/// frequencies are made of them exactly. UsageError when the model says no text symbol by symbol,
/// or its vocabulary changes text (SentencePiece).
Buffer compress_with(const OpenedRun& run, Bytes content, const CodecProgress& progress = {});
/// The content again; DataError names what is wrong with the file, or that another model coded it.
Buffer decompress_with(const OpenedRun& run, const Blob& file, const CodecProgress& progress = {});

}  // namespace pushforward

#pragma once

#include "pushforward/base/vocabulary.hpp"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

namespace pushforward {

/// The text of each row of symbols [N, L], without the marks around it; -1 lies beyond its end.
std::vector<std::string> texts_of(const at::Tensor& symbols, const Vocabulary& vocabulary);

/// UsageError when text cannot be written as the path's extension asks, before any work: .txt,
/// .smi, .fasta and .jsonl, .npz and .npy for the symbols, or a folder DIR/ of .txt.
void check_text_export(const std::filesystem::path& path);

/// Writes the texts, whole or not at all: one .txt as it stands, several each with a line's end;
/// .smi one a line; .fasta under headers `sample_0`, ... in lines of 60; .jsonl {"text": ...}.
void export_texts(const std::filesystem::path& path, const std::vector<std::string>& texts);

}  // namespace pushforward

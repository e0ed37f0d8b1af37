#pragma once

#include "pushforward/core/model.hpp"

#include <filesystem>
#include <map>

namespace pushforward {

using NamedTensors = std::map<std::string, Tensor>;

/// A module's parameters and buffers under their dotted names, sharing memory; a tensor that is
/// registered twice appears once, under its first name.
NamedTensors weights_of(const torch::nn::Module& module);

/// safetensors files of tensors, written atomically.
void write_tensors(const std::filesystem::path& file, const NamedTensors& tensors,
                   const std::map<std::string, std::string>& metadata = {});
NamedTensors read_tensors(const std::filesystem::path& file,
                          std::map<std::string, std::string>* metadata = nullptr);

/// Copies `from` into the tensors of `to`: the names, shapes and types must be the same, else
/// DataError naming `file` and the tensor; nothing is copied then.
void copy_tensors(const NamedTensors& to, const NamedTensors& from, const std::string& file);

/// Reads a run's weights into a model.
void load_weights(Model& model, const std::filesystem::path& file);

}  // namespace pushforward

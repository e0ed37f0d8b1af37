#pragma once

#include "pushforward/base/array.hpp"
#include "pushforward/core/model.hpp"

#include <map>

namespace pushforward {

using NamedTensors = std::map<std::string, Tensor>;

/// A tensor's values as a plain array (copied where it is not packed on the CPU), and back (always
/// a copy). UsageError for a type that arrays do not have.
Array to_array(const Tensor& tensor);
Tensor to_tensor(const Array& array);

/// A module's parameters and buffers under their dotted names, sharing memory; a tensor that is
/// registered twice appears once, under its first name.
NamedTensors weights_of(const torch::nn::Module& module);

/// safetensors files of tensors, written atomically.
void write_tensors(const FilePath& file, const NamedTensors& tensors,
                   const std::map<std::string, std::string>& metadata = {});
NamedTensors read_tensors(const FilePath& file,
                          std::map<std::string, std::string>* metadata = nullptr);

/// Copies `from` into the tensors of `to`: names, shapes and types must be the same, else
/// DataError naming `file` and the tensor, and nothing is copied.
void copy_tensors(const NamedTensors& to, const NamedTensors& from, const std::string& file);

/// Reads a run's weights into a model.
void load_weights(Model& model, const FilePath& file);

}  // namespace pushforward

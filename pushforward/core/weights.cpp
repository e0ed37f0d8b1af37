#include "pushforward/core/weights.hpp"

#include "pushforward/base/safetensors.hpp"

#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <set>

namespace pushforward {
namespace {

const std::pair<DType, at::ScalarType> kTypes[] = {
    {DType::boolean, at::kBool}, {DType::u8, at::kByte},       {DType::i8, at::kChar},
    {DType::i16, at::kShort},    {DType::u16, at::kUInt16},    {DType::i32, at::kInt},
    {DType::u32, at::kUInt32},   {DType::i64, at::kLong},      {DType::u64, at::kUInt64},
    {DType::f16, at::kHalf},     {DType::bf16, at::kBFloat16}, {DType::f32, at::kFloat},
    {DType::f64, at::kDouble}};

}  // namespace

Array to_array(const Tensor& tensor) {
    auto packed = std::make_shared<Tensor>(tensor.detach().cpu().contiguous());
    for (const auto& [ours, theirs] : kTypes)
        if (theirs == packed->scalar_type())
            return {ours, packed->sizes().vec(), packed,
                    static_cast<const std::byte*>(packed->const_data_ptr()), packed->nbytes()};
    throw UsageError(text("array: expected a real, integer or boolean tensor, got ",
                          c10::toString(tensor.scalar_type())));
}

Tensor to_tensor(const Array& array) {
    for (const auto& [ours, theirs] : kTypes)
        if (ours == array.dtype) {
            // Tensors may be written to and the array may be a mapped file: copy.
            auto* data = const_cast<std::byte*>(array.data);
            return at::from_blob(data, array.shape, at::TensorOptions().dtype(theirs)).clone();
        }
    throw UsageError(text("tensor: no type for ", name_of(array.dtype)));
}

NamedTensors weights_of(const torch::nn::Module& module) {
    NamedTensors all;
    std::set<const void*> seen;
    for (const auto& named : {module.named_parameters(), module.named_buffers()})
        for (const auto& item : named)
            if (item.value().defined() && seen.insert(item.value().unsafeGetTensorImpl()).second)
                all[item.key()] = item.value();
    return all;
}

void write_tensors(const FilePath& file, const NamedTensors& tensors,
                   const std::map<std::string, std::string>& metadata) {
    Safetensors out{metadata, {}};
    for (const auto& [name, tensor] : tensors) out.tensors[name] = to_array(tensor);
    write_safetensors(file, out);
}

NamedTensors read_tensors(const FilePath& file, std::map<std::string, std::string>* metadata) {
    const auto in = read_safetensors(map_file(file));
    if (metadata) *metadata = in.metadata;
    NamedTensors all;
    for (const auto& [name, array] : in.tensors) all[name] = to_tensor(array);
    return all;
}

void copy_tensors(const NamedTensors& to, const NamedTensors& from, const std::string& file) {
    for (const auto& [name, tensor] : from)
        if (!to.contains(name)) throw DataError(file, name, "this model has no such tensor");
    auto kind = [](const Tensor& t) {
        return text(c10::toString(t.scalar_type()), ' ', t.sizes());
    };
    for (const auto& [name, target] : to) {
        const auto found = from.find(name);
        if (found == from.end()) throw DataError(file, name, "the tensor is missing");
        const auto& source = found->second;
        if (source.sizes() != target.sizes() || source.scalar_type() != target.scalar_type())
            throw DataError(file, name, text("expected ", kind(target), ", got ", kind(source)));
    }
    const c10::AutoGradMode no_graph(false);
    for (const auto& [name, target] : to) Tensor(target).copy_(from.at(name));
}

void load_weights(Model& model, const FilePath& file) {
    copy_tensors(weights_of(model.module()), read_tensors(file), file.string());
}

}  // namespace pushforward

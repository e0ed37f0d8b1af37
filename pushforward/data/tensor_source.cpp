#include "pushforward/base/errors.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace pushforward {
namespace {

class TensorSource : public Source {
public:
    explicit TensorSource(TensorParts parts) : parts_(std::move(parts)) {
        spec_.x = parts_.space;
        spec_.conditions = parts_.fields;
    }

    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override { return parts_.values.size(0); }
    std::string name() const override { return parts_.name; }
    std::string kind() const override { return parts_.kind; }
    std::string type() const override { return parts_.type; }
    bool unit_range() const override { return parts_.scale != 1; }
    std::vector<std::string> columns() const override { return parts_.columns; }
    std::shared_ptr<const Source> own_test() const override { return parts_.test; }
    std::vector<std::string> notes() const override { return parts_.notes; }
    std::int64_t rate() const override { return parts_.rate; }

    Batch get(std::span<const std::int64_t> rows) const override {
        Batch batch;
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size()));
        Tensor x = parts_.values.index_select(0, batch.index).to(torch::kFloat);
        if (parts_.scale != 1) x = x.div_(parts_.scale);
        if (parts_.channels_last) x = x.permute({0, 3, 1, 2});
        std::vector<std::int64_t> shape = {x.size(0)};
        shape.insert(shape.end(), spec_.x.event.begin(), spec_.x.event.end());
        batch.x = x.reshape(shape).contiguous();
        for (std::size_t k = 0; k < parts_.fields.size(); ++k)
            batch.c.value[parts_.fields[k].name] = parts_.given[k].index_select(0, batch.index);
        return batch;
    }

private:
    TensorParts parts_;
    DataSpec spec_;
};

bool channels(std::int64_t n) {
    return n == 1 || n == 3 || n == 4;
}

}  // namespace

std::shared_ptr<const Source> tensor_source(TensorParts parts) {
    return std::make_shared<TensorSource>(std::move(parts));
}

Tensor tensor_of(const Array& array) {
    const auto wide = [&](auto zero, at::ScalarType type) {
        const auto values = array.as<decltype(zero)>();
        Tensor out = torch::empty(array.shape, torch::kDouble);
        std::copy(values.begin(), values.end(), out.data_ptr<double>());
        return out.to(type);
    };
    const auto view = [&](at::ScalarType type) {
        const auto owner = array.owner;
        // PyTorch has no read-only tensors; nothing here writes to it
        return torch::from_blob(
            const_cast<std::byte*>(array.data), array.shape, [owner](void*) {},
            torch::TensorOptions().dtype(type));
    };
    switch (array.dtype) {
        case DType::boolean:
            return view(torch::kBool);
        case DType::u8:
            return view(torch::kByte);
        case DType::i8:
            return view(torch::kChar);
        case DType::i16:
            return view(torch::kShort);
        case DType::i32:
            return view(torch::kInt);
        case DType::i64:
            return view(torch::kLong);
        case DType::f16:
            return view(torch::kHalf);
        case DType::bf16:
            return view(torch::kBFloat16);
        case DType::f32:
            return view(torch::kFloat);
        case DType::f64:
            return view(torch::kDouble);
        case DType::u16:
            return wide(std::uint16_t{}, torch::kFloat);
        case DType::u32:
            return wide(std::uint32_t{}, torch::kDouble);
        case DType::u64:
            return wide(std::uint64_t{}, torch::kDouble);
    }
    return {};
}

TensorParts array_parts(const std::string& name, const Array& array) {
    const auto& shape = array.shape;
    const std::string described = text(name_of(array.dtype), " ", shape_text(shape));
    if (shape.empty() || shape.size() > 4)
        throw DataError(
            name, "",
            text("expected an array of 1 to 4 dimensions (items first), got ", described));
    if (shape[0] == 0 || array.count() == 0)
        throw DataError(name, "", text("expected at least one item, got ", described));
    TensorParts parts;
    parts.name = name;
    parts.kind = described;
    parts.type = name_of(array.dtype);
    parts.values = tensor_of(array);
    parts.space.kind = Kind::real;
    if (shape.size() <= 2) {
        parts.space.event = {shape.size() == 2 ? shape[1] : 1};
        return parts;
    }
    if (shape.size() == 3) {
        parts.space.event = {1, shape[1], shape[2]};
    } else if (channels(shape[1])) {
        parts.space.event = {shape[1], shape[2], shape[3]};
    } else if (channels(shape[3])) {
        parts.space.event = {shape[3], shape[1], shape[2]};
        parts.channels_last = true;
    } else {
        throw DataError(
            name, "",
            text("expected images [N, C, H, W] or [N, H, W, C] with 1, 3 or 4 channels, "
                 "got ",
                 described));
    }
    if (array.dtype == DType::u8) parts.scale = 255;
    return parts;
}

void add_label(TensorParts& parts, const Array& labels, const std::string& place,
               std::vector<std::string> names) {
    const std::int64_t n = parts.values.size(0);
    if (labels.count() != n)
        throw DataError(parts.name, place,
                        text("expected ", n, " labels, one an item, got ", labels.count()));
    const Tensor given = tensor_of(labels).reshape({n}).to(torch::kDouble);
    const Tensor whole = given == given.round();
    if (!whole.all().item<bool>()) {
        const auto at = whole.logical_not().nonzero()[0].item<std::int64_t>();
        throw DataError(parts.name, text(place, ", item ", at),
                        text("expected a whole number as label, got ", given[at].item<double>()));
    }
    const auto [values, inverse] = at::_unique(given, true, true);
    const std::int64_t count = values.size(0);
    constexpr std::int64_t most = 100000;
    if (count > most)
        throw DataError(parts.name, place,
                        text("expected at most ", most, " classes, got ", count));
    const double low = values[0].item<double>(), high = values[count - 1].item<double>();
    Field field{"label", {Kind::symbol, {}, 0}, std::move(names)};
    const auto named = static_cast<double>(field.names.size());
    if (low >= 0 && (high < named || (high < 2 * static_cast<double>(count) && named == 0))) {
        // numbers of classes: some may happen to be absent
        parts.given.push_back(given.to(torch::kLong));
        field.space.symbols = std::max(static_cast<std::int64_t>(high) + 1,
                                       static_cast<std::int64_t>(field.names.size()));
    } else {
        parts.given.push_back(inverse.clone());
        field.space.symbols = count;
        field.names.clear();
        for (std::int64_t k = 0; k < count; ++k)
            field.names.push_back(text(static_cast<std::int64_t>(values[k].item<double>())));
    }
    parts.fields.push_back(std::move(field));
}

}  // namespace pushforward

#include "pushforward/base/safetensors.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/json.hpp"

namespace pushforward {
namespace {

constexpr std::uint64_t max_header = 100'000'000;
constexpr std::size_t max_tensors = 1'000'000;

constexpr std::pair<const char*, DType> codes[] = {
    {"BOOL", DType::boolean}, {"U8", DType::u8},   {"I8", DType::i8},     {"I16", DType::i16},
    {"U16", DType::u16},      {"I32", DType::i32}, {"U32", DType::u32},   {"I64", DType::i64},
    {"U64", DType::u64},      {"F16", DType::f16}, {"BF16", DType::bf16}, {"F32", DType::f32},
    {"F64", DType::f64}};

struct Entry {
    std::string name;
    DType dtype;
    Shape shape;
    std::size_t begin, end;
};

/// The number, when it is a whole one from 0 to 2^63 - 1.
std::optional<std::int64_t> natural(const json::value& value) {
    if (!value.is_int64() || value.get_int64() < 0) return {};
    return value.get_int64();
}

Entry read_entry(const Blob& blob, const std::string& name, const json::value& value) {
    const std::string place = "tensor \"" + name + "\"";
    const auto refuse = [&](const std::string& what) -> DataError {
        return DataError(blob.name, place, what);
    };
    if (!value.is_object() || value.get_object().size() != 3 ||
        !value.get_object().contains("dtype") || !value.get_object().contains("shape") ||
        !value.get_object().contains("data_offsets"))
        throw refuse("expected exactly dtype, shape and data_offsets");
    const auto& object = value.get_object();

    const auto& type = object.at("dtype");
    if (!type.is_string()) throw refuse("expected a dtype that is a text");
    const std::string_view wanted(type.get_string().data(), type.get_string().size());
    const auto code = std::find_if(std::begin(codes), std::end(codes),
                                   [&](const auto& c) { return wanted == c.first; });
    if (code == std::end(codes))
        throw refuse("expected a dtype of BOOL, U8 to F64 or BF16, got " + std::string(wanted));

    Entry entry{name, code->second, {}, 0, 0};
    if (!object.at("shape").is_array()) throw refuse("expected a shape that is a list");
    for (const auto& n : object.at("shape").get_array()) {
        if (!natural(n)) throw refuse("expected dimensions of 0 or more, got " + to_json(n));
        entry.shape.push_back(*natural(n));
    }
    const auto& offsets = object.at("data_offsets");
    if (!offsets.is_array() || offsets.get_array().size() != 2 || !natural(offsets.at(0)) ||
        !natural(offsets.at(1)) || *natural(offsets.at(1)) < *natural(offsets.at(0)))
        throw refuse("expected data_offsets [begin, end], got " + to_json(offsets));
    entry.begin = static_cast<std::size_t>(*natural(offsets.at(0)));
    entry.end = static_cast<std::size_t>(*natural(offsets.at(1)));
    const std::size_t bytes = byte_count(entry.dtype, entry.shape, blob.name, place);
    if (bytes != entry.end - entry.begin)
        throw refuse(text("expected ", bytes, " bytes for ", wanted, " ", shape_text(entry.shape),
                          ", got offsets of ", entry.end - entry.begin));
    return entry;
}

void read_metadata(const Blob& blob, const json::value& value, Safetensors& out) {
    if (!value.is_object()) throw DataError(blob.name, "__metadata__", "expected a map of texts");
    for (const auto& [key, item] : value.get_object()) {
        if (!item.is_string())
            throw DataError(blob.name, "__metadata__",
                            "expected a text under \"" + std::string(key) + "\"");
        out.metadata.emplace(key, std::string(item.get_string()));
    }
}

}  // namespace

Safetensors read_safetensors(const Blob& blob) {
    const std::size_t size = blob.bytes.size();
    if (size < 8)
        throw DataError(blob.name, "header", text("expected at least 8 bytes, got ", size));
    const auto length = little_endian<std::uint64_t>(blob.bytes, 0);
    if (length > max_header || length > size - 8)
        throw DataError(blob.name, "header",
                        text("expected a length of at most ", std::min(max_header, size - 8),
                             ", got ", length));
    const std::string_view header = blob.text().substr(8, length);
    if (!header.starts_with('{'))
        throw DataError(blob.name, "header", "expected it to begin with {");
    const json::value value = parse_json(header, blob.name + ": header");
    const Bytes data = blob.bytes.subspan(8 + length);

    Safetensors out;
    std::vector<Entry> entries;
    for (const auto& [key, item] : value.get_object()) {
        if (key == "__metadata__")
            read_metadata(blob, item, out);
        else
            entries.push_back(read_entry(blob, key, item));
        if (entries.size() > max_tensors)
            throw DataError(blob.name, "header", "expected at most a million tensors, got more");
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::size_t at = 0;
    for (const Entry& entry : entries) {
        if (entry.begin != at)
            throw DataError(blob.name, "tensor \"" + entry.name + "\"",
                            text("expected it to begin at byte ", at, " of the data, got ",
                                 entry.begin, entry.begin > at ? " (a hole)" : " (an overlap)"));
        at = entry.end;
    }
    if (at != data.size())
        throw DataError(blob.name, "data",
                        text("expected ", at, " bytes as the header says, got ", data.size()));
    for (Entry& entry : entries) {
        const Bytes bytes = data.subspan(entry.begin, entry.end - entry.begin);
        Array array = view_array(entry.dtype, std::move(entry.shape), bytes, blob.owner);
        check_booleans(array, blob.name, "tensor \"" + entry.name + "\"");
        out.tensors.emplace(std::move(entry.name), std::move(array));
    }
    return out;
}

void write_safetensors(const FilePath& path, const Safetensors& file) {
    // Wide elements first, so that each array begins at a multiple of its element's size.
    std::vector<const std::pair<const std::string, Array>*> order;
    for (const auto& tensor : file.tensors) order.push_back(&tensor);
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return size_of(a->second.dtype) > size_of(b->second.dtype);
    });

    json::object header, metadata;
    metadata["format"] = "pt";  // other readers ask for it; the caller's own value replaces it
    for (const auto& [key, value] : file.metadata) metadata[key] = value;
    header["__metadata__"] = std::move(metadata);
    std::uint64_t at = 0;
    for (const auto* tensor : order) {
        const Array& array = tensor->second;
        PF_CHECK(tensor->first != "__metadata__", "safetensors", "another name", tensor->first);
        const auto code = std::find_if(std::begin(codes), std::end(codes),
                                       [&](const auto& c) { return array.dtype == c.second; });
        header[tensor->first] = {{"dtype", code->first},
                                 {"shape", json::value_from(array.shape)},
                                 {"data_offsets", {at, at + array.bytes}}};
        at += array.bytes;
    }
    std::string text = to_json(header);
    text.append((8 - text.size() % 8) % 8, ' ');

    AtomicFile out(path);
    const std::uint64_t length = text.size();
    out.write(std::as_bytes(std::span(&length, 1)));
    out.write(text);
    for (const auto* tensor : order) out.write(tensor->second.view());
    out.commit();
}

}  // namespace pushforward

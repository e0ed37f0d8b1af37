#include "pushforward/base/cifar.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/base/hdf5.hpp"
#include "pushforward/base/idx.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/base/sniff.hpp"
#include "pushforward/data/picture_files.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <sstream>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

constexpr const char* formats =
    "IDX, CIFAR binary, npy, npz, HDF5, PNG, JPEG, a zip of pictures, a table, text, sound, or a "
    "folder of those";

std::vector<std::string> lines_of(const fs::path& path) {
    std::vector<std::string> lines;
    if (!fs::exists(path)) return lines;
    std::istringstream in{std::string(read_file(path, 1 << 20).text())};
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.empty()) lines.push_back(line);
    }
    return lines;
}

/// What a file holds, under a leading gzip layer too.
FileKind content_of(const fs::path& path) {
    const Blob blob = map_file(path);
    if (!is_gzip(blob.bytes)) return sniff(blob.bytes);
    const Buffer head = gunzip_head(blob, 64);
    return sniff(head);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// --- IDX -----------------------------------------------------------------------------------------

std::shared_ptr<const Source> idx_source(const fs::path& images, const fs::path& labels,
                                         std::shared_ptr<const Source> test) {
    TensorParts parts = array_parts(images.string(), read_idx(open_file(images)));
    parts.kind = "IDX " + parts.kind;
    if (!labels.empty())
        add_label(parts, read_idx(open_file(labels)), "labels of " + labels.string());
    parts.test = std::move(test);
    return tensor_source(std::move(parts));
}

/// "train-images-idx3-ubyte.gz" has its labels in "train-labels-idx1-ubyte.gz".
fs::path labels_beside(const fs::path& images) {
    std::string name = images.filename().string();
    const auto replace = [&](const std::string& from, const std::string& to) {
        if (const auto at = name.find(from); at != std::string::npos)
            name.replace(at, from.size(), to);
    };
    replace("images", "labels");
    replace("idx3", "idx1");
    if (name == images.filename().string()) return {};
    if (name.size() > 3 && name.substr(name.size() - 3) == ".gz") name.resize(name.size() - 3);
    for (const char* end : {"", ".gz"})
        if (fs::exists(images.parent_path() / (name + end)))
            return images.parent_path() / (name + end);
    return {};
}

std::shared_ptr<const Source> idx_folder(const fs::path& folder,
                                         const std::vector<fs::path>& files) {
    std::vector<fs::path> train, test;
    for (const auto& file : files) {
        const std::string name = file.filename().string();
        if (contains(name, "label")) continue;
        (name.rfind("t10k", 0) == 0 || name.rfind("test", 0) == 0 ? test : train).push_back(file);
    }
    if (train.empty()) std::swap(train, test);
    if (train.size() != 1 || test.size() > 1) {
        std::string names;
        for (const auto& f : train) names += (names.empty() ? "" : ", ") + f.filename().string();
        throw DataError(folder.string(), "",
                        text("expected one set of IDX images (train-* and t10k-*), got ",
                             names.empty() ? "labels alone" : names, "; name one of the files"));
    }
    std::shared_ptr<const Source> own;
    if (!test.empty()) own = idx_source(test[0], labels_beside(test[0]), nullptr);
    return idx_source(train[0], labels_beside(train[0]), own);
}

// --- CIFAR ---------------------------------------------------------------------------------------

std::shared_ptr<const Source> cifar_source(const fs::path& place, const std::vector<Blob>& blobs,
                                           std::shared_ptr<const Source> test) {
    const fs::path folder = fs::is_directory(place) ? place : place.parent_path();
    std::vector<Tensor> images, labels;
    int classes = 0;
    for (const auto& blob : blobs) {
        const Cifar records = read_cifar(blob);
        if (classes != 0 && classes != records.classes)
            throw DataError(blob.name, "",
                            text("expected ", classes, " classes as in ", blobs[0].name, ", got ",
                                 records.classes));
        classes = records.classes;
        images.push_back(tensor_of(records.images));
        labels.push_back(tensor_of(records.labels).to(torch::kLong));
    }
    TensorParts parts;
    parts.name = place.string();
    parts.type = "uint8";
    parts.values = images.size() == 1 ? images[0] : torch::cat(images);
    parts.kind =
        text("CIFAR-", classes, " records, uint8 ", shape_text(parts.values.sizes().vec()));
    parts.space = {Kind::real, {3, 32, 32}};
    parts.scale = 255;
    auto names = lines_of(folder / (classes == 10 ? "batches.meta.txt" : "fine_label_names.txt"));
    if (names.size() != static_cast<std::size_t>(classes)) names.clear();
    parts.fields = {{"label", {Kind::symbol, {}, classes}, std::move(names)}};
    parts.given = {torch::cat(labels)};
    parts.test = std::move(test);
    return tensor_source(std::move(parts));
}

/// The folder's files of CIFAR records; those called test* are the test set. Null when none is.
std::shared_ptr<const Source> cifar_folder(const fs::path& folder,
                                           const std::vector<fs::path>& files) {
    std::vector<Blob> train, test;
    for (const auto& file : files) {
        if (!contains(file.filename().string(), ".bin")) continue;
        const Blob blob = open_file(file);
        (file.filename().string().rfind("test", 0) == 0 ? test : train).push_back(blob);
    }
    if (train.empty()) std::swap(train, test);
    if (train.empty()) return nullptr;
    std::shared_ptr<const Source> own;
    if (!test.empty()) own = cifar_source(folder, test, nullptr);
    return cifar_source(folder, train, own);
}

// --- npz and HDF5 --------------------------------------------------------------------------------

/// Leaves out columns of an array of vectors, which are named by their numbers from 0 on.
void drop_columns(TensorParts& parts, const std::vector<std::string>& dropped) {
    if (parts.space.event.size() != 1)
        throw UsageError(parts.name + "?drop=: expected an array [N, D], got " + parts.kind);
    std::vector<std::string> names;
    for (std::int64_t k = 0; k < parts.space.event[0]; ++k) names.push_back(std::to_string(k));
    std::vector<std::int64_t> kept(names.size());
    std::iota(kept.begin(), kept.end(), std::int64_t{0});
    for (const auto& name : dropped) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end())
            throw UsageError(text(parts.name, "?drop=", name, ": expected a column from 0 to ",
                                  names.size() - 1));
        std::erase(kept, found - names.begin());
    }
    if (kept.empty())
        throw UsageError(parts.name + ": expected at least one column to model, got none");
    for (const auto k : kept) parts.columns.push_back(names[static_cast<std::size_t>(k)]);
    parts.values =
        parts.values.reshape({parts.values.size(0), -1}).index_select(1, torch::tensor(kept));
    parts.space.event = {static_cast<std::int64_t>(kept.size())};
}

/// The arrays of one file.
struct Container {
    std::string kind;
    std::vector<ArrayEntry> entries;
    std::function<Array(const std::string& name)> read;
};

std::shared_ptr<const Source> container_source(const Blob& blob, const Container& file,
                                               const std::string& member,
                                               const FileOptions& options) {
    if (file.entries.empty()) throw DataError(blob.name, "", "expected an array, found none");
    std::vector<std::string> all, names;  // to choose from: those that can be read, if any
    for (const auto& e : file.entries) {
        all.push_back(e.name);
        if (e.problem.empty()) names.push_back(e.name);
    }
    if (names.empty()) names = all;
    const auto has = [&](const std::string& name) {
        return std::find(all.begin(), all.end(), name) != all.end();
    };
    const auto checked = [&](const std::string& name, const std::string& key) {
        if (!has(name))
            throw UsageError(text(blob.name, key, name, ": no such array",
                                  nearest_hint(name, names), "; there are ", one_of(names)));
        return file.read(name);
    };
    std::string chosen = member;
    if (chosen.empty() && names.size() == 1) chosen = names[0];
    for (const char* usual : {"samples", "x", "X", "images", "data"})
        if (chosen.empty() && has(usual)) chosen = usual;
    if (chosen.empty())
        throw UsageError(text("data ", blob.name, ": expected #member, one of ", one_of(names)));
    TensorParts parts = array_parts(blob.name + "#" + chosen, checked(chosen, "#"));
    parts.kind = file.kind + " " + parts.kind;
    if (!options.drop.empty()) drop_columns(parts, options.drop);
    if (!options.label.empty())
        add_label(parts, checked(options.label, "?label="), "label " + options.label);
    for (const auto& name : options.context) {
        const Array array = checked(name, "?context=");
        if (array.shape.empty() || array.shape[0] != parts.values.size(0))
            throw DataError(
                blob.name, "context " + name,
                text("expected ", parts.values.size(0), " items, got ", shape_text(array.shape)));
        parts.fields.push_back(
            {name, {Kind::real, {array.shape.begin() + 1, array.shape.end()}}, {}});
        parts.given.push_back(tensor_of(array).to(torch::kFloat));
    }
    return tensor_source(std::move(parts));
}

// --- dispatch ------------------------------------------------------------------------------------

/// Keys that this kind of file has no use for are refused, for they would be ignored silently.
void refuse_keys(const DataSpecText& spec, const std::vector<std::string>& keys,
                 const std::string& kind) {
    for (const auto& [key, value] : spec.values)
        if (std::find(keys.begin(), keys.end(), key) != keys.end())
            throw UsageError(text("data ", spec.text, ": ", key, " has no meaning for ", kind));
}

void refuse_member(const DataSpecText& spec, const std::string& kind) {
    if (!spec.member.empty())
        throw UsageError(text("data ", spec.text, ": expected an npz or HDF5 file before #",
                              spec.member, ", got ", kind));
}

const std::vector<std::string> of_pictures = {"size", "channels", "crop", "patches"};
const std::vector<std::string> of_tables = {"label", "context", "drop", "missing", "only"};
const std::vector<std::string> of_text = {"vocabulary", "merges"};
const std::vector<std::string> of_sound = {"rate", "length", "names"};
const std::vector<std::string> not_of_sound = {"size",    "channels", "crop", "patches", "label",
                                               "context", "missing",  "drop", "format"};
const std::vector<std::string> not_of_text = {"size", "channels", "crop",    "patches", "label",
                                              "only", "context",  "missing", "drop"};
const std::vector<std::string> of_both = {"size",  "channels", "crop", "patches",
                                          "label", "context",  "drop", "missing"};
const std::vector<std::string> of_containers_not = {"size", "channels", "crop", "patches",
                                                    "missing"};

/// The recordings, or null where it is something else.
std::shared_ptr<const Source> open_sound(const DataSpecText& spec, const FileOptions& options) {
    if (!holds_audio(spec.path)) {
        refuse_keys(spec, of_sound, "anything but sound");
        return nullptr;
    }
    refuse_member(spec, "sound");
    refuse_keys(spec, not_of_sound, "sound");
    return audio_source(spec, options);
}

/// The text itself, or null where it is something else.
std::shared_ptr<const Source> open_text(const DataSpecText& spec, const FileOptions& options,
                                        const VocabularyPointer& vocabulary) {
    const auto format = text_format_of(spec.path, options);
    if (!format) {
        refuse_keys(spec, of_text, "anything but text");
        return nullptr;
    }
    refuse_member(spec, "text");
    refuse_keys(spec, not_of_text, "text");
    return text_source(spec, *format, options, vocabulary);
}

std::shared_ptr<const Source> open_folder(const DataSpecText& spec, const FileOptions& options,
                                          const VocabularyPointer& vocabulary) {
    const fs::path folder = spec.path;
    refuse_member(spec, "a folder");
    std::vector<fs::path> files, idx;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files)
        if (content_of(file) == FileKind::idx) idx.push_back(file);
    if (!idx.empty()) {
        refuse_keys(spec, of_both, "IDX files");
        return idx_folder(folder, idx);
    }
    if (auto pictures = picture_folder(folder, options)) {
        refuse_keys(spec, of_tables, "pictures");
        return pictures;
    }
    if (auto cifar = cifar_folder(folder, files)) {
        refuse_keys(spec, of_both, "CIFAR records");
        return cifar;
    }
    if (auto sound = open_sound(spec, options)) return sound;
    if (std::any_of(files.begin(), files.end(),
                    [](const fs::path& file) { return content_of(file) == FileKind::text; }))
        return open_text(spec, options, vocabulary);
    throw DataError(
        spec.path, "",
        "expected a folder of IDX files, CIFAR records, pictures, sound or text, found none");
}

}  // namespace

std::shared_ptr<const Source> open_files(const DataSpecText& spec, const FileOptions& options,
                                         const VocabularyPointer& vocabulary) {
    std::error_code error;
    if (!fs::exists(spec.path, error))
        throw DataError(spec.path, "", "expected a file or folder, found nothing there");
    if (fs::is_directory(spec.path, error)) return open_folder(spec, options, vocabulary);

    if (map_file(spec.path).bytes.empty())
        throw DataError(spec.path, "", "expected data, got an empty file");
    if (auto found = open_sound(spec, options)) return found;
    if (auto found = open_text(spec, options, vocabulary)) return found;
    const Blob blob = open_file(spec.path);
    FileKind kind = sniff(blob.bytes);
    if (kind == FileKind::unknown && is_cifar(blob.bytes)) {
        refuse_member(spec, "CIFAR records");
        refuse_keys(spec, of_both, "CIFAR records");
        return cifar_source(spec.path, {blob}, nullptr);
    }
    if (kind != FileKind::zip && kind != FileKind::hdf5) refuse_member(spec, name_of(kind));
    switch (kind) {
        case FileKind::idx:
            refuse_keys(spec, of_both, "IDX files");
            return idx_source(spec.path, labels_beside(spec.path), nullptr);
        case FileKind::npy: {
            refuse_keys(spec, of_both, "npy files");
            TensorParts parts = array_parts(spec.path, read_npy(blob));
            parts.kind = "npy " + parts.kind;
            return tensor_source(std::move(parts));
        }
        case FileKind::png:
        case FileKind::jpeg:
            refuse_keys(spec, of_tables, "pictures");
            return one_picture(blob, options);
        case FileKind::zip:
            if (auto pictures = spec.member.empty() ? picture_zip(blob, options) : nullptr) {
                refuse_keys(spec, of_tables, "pictures");
                return pictures;
            }
            refuse_keys(spec, of_containers_not, "npz files");
            return container_source(
                blob,
                {"npz", list_npz(blob), [&](const auto& name) { return read_npz(blob, name); }},
                spec.member, options);
        case FileKind::hdf5:
            refuse_keys(spec, of_containers_not, "HDF5 files");
            return container_source(
                blob,
                {"HDF5", list_hdf5(blob), [&](const auto& name) { return read_hdf5(blob, name); }},
                spec.member.substr(spec.member.starts_with('/')), options);
        case FileKind::text:
            refuse_keys(spec, of_pictures, "tables");
            return table_source(spec.path, read_table(blob), options);
        default:
            throw DataError(spec.path, "",
                            text("expected ", formats, "; got ",
                                 kind == FileKind::unknown ? "unknown bytes" : name_of(kind)));
    }
}

}  // namespace pushforward

#include "pushforward/data/export.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/hdf5.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/npz.hpp"

#include <torch/types.h>

#include <cstdio>

namespace pushforward {
namespace {

Array to_array(const Tensor& tensor) {
    const Tensor t = tensor.to(at::kCPU).contiguous();
    DType dtype;
    switch (t.scalar_type()) {
        case at::kFloat:
            dtype = DType::f32;
            break;
        case at::kDouble:
            dtype = DType::f64;
            break;
        case at::kLong:
            dtype = DType::i64;
            break;
        case at::kBool:
            dtype = DType::boolean;
            break;
        case at::kByte:
            dtype = DType::u8;
            break;
        default:
            return to_array(t.to(at::kFloat));
    }
    const auto* bytes = static_cast<const std::byte*>(t.data_ptr());
    return make_array(dtype, t.sizes().vec(), Buffer(bytes, bytes + t.nbytes()));
}

Tensor channels_last(const Tensor& items, const Space& space) {
    return space.is_image() ? items.clamp(0, 1).permute({0, 2, 3, 1}) : items;
}

std::string csv_text(const Tensor& items, const std::vector<std::pair<std::string, Tensor>>& extras,
                     const std::vector<std::string>& columns) {
    const Tensor rows = items.flatten(1).to(at::kDouble).contiguous();
    std::string out;
    for (std::int64_t j = 0; j < rows.size(1); ++j)
        out += (j ? "," : "") +
               (columns.empty() ? "x" + std::to_string(j) : columns[static_cast<std::size_t>(j)]);
    std::vector<Tensor> more;
    for (const auto& [name, t] : extras)
        if (t.dim() == 1) {
            out += "," + name;
            more.push_back(t.to(at::kDouble).contiguous());
        }
    out += '\n';
    const auto* value = rows.data_ptr<double>();
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
        // Items are float32: nine digits say all that is known of them.
        char buffer[32];
        for (std::int64_t j = 0; j < rows.size(1); ++j) {
            std::snprintf(buffer, sizeof buffer, "%s%.9g", j ? "," : "", *value++);
            out += buffer;
        }
        for (const auto& t : more) {
            std::snprintf(buffer, sizeof buffer, ",%.9g", t.data_ptr<double>()[i]);
            out += buffer;
        }
        out += '\n';
    }
    return out;
}

}  // namespace

bool is_folder_path(const std::filesystem::path& path) {
    return !path.has_filename() || std::filesystem::is_directory(path);
}

void check_new_folder(const std::filesystem::path& path) {
    std::error_code ignored;
    PF_CHECK(!std::filesystem::exists(path, ignored) || std::filesystem::is_empty(path, ignored),
             "--out " + path.string(), "a new or empty folder", "one that holds something");
}

void write_folder(const std::filesystem::path& path, std::size_t n, const std::string& extension,
                  const std::function<void(const std::filesystem::path&, std::size_t)>& write) {
    const std::filesystem::path end = path.has_filename() ? path : path.parent_path();
    const auto begun = temporary_beside(end);
    remove_tree(begun);
    make_folder(begun);
    for (std::size_t i = 0; i < n; ++i) {
        char number[32];
        std::snprintf(number, sizeof number, "%06zu", i);
        write(begun / (number + extension), i);
    }
    commit_rename(begun, end);
}

void check_export(const std::filesystem::path& path, const Space& space) {
    const std::string extension = path.extension().string();
    if (is_folder_path(path)) {
        PF_CHECK(space.is_image(), "--out " + path.string(), "a file for items that are not images",
                 "a folder");
        return check_new_folder(path);
    }
    const bool good = extension == ".npz" || extension == ".h5" || extension == ".npy" ||
                      extension == ".png" || (extension == ".csv" && space.event.size() <= 1);
    PF_CHECK(good, "--out " + path.string(),
             space.is_image() ? "an extension .npz, .h5, .npy or .png, or a folder DIR/"
                              : "an extension .npz, .h5, .npy, .csv or .png",
             extension.empty() ? "none" : extension);
}

void export_items(const std::filesystem::path& path, const Tensor& items, const Space& space,
                  const std::vector<std::pair<std::string, Tensor>>& extras,
                  const std::vector<std::string>& columns, const PngText& text,
                  std::int64_t per_row) {
    check_export(path, space);
    const std::string extension = path.extension().string();
    if (is_folder_path(path)) {
        write_folder(path, static_cast<std::size_t>(items.size(0)), ".png",
                     [&](const std::filesystem::path& to, std::size_t i) {
                         write_atomic(to,
                                      Bytes(image_png(items[static_cast<std::int64_t>(i)], text)));
                     });
    } else if (extension == ".npz" || extension == ".h5") {
        NamedArrays arrays{{"samples", to_array(channels_last(items, space))}};
        for (const auto& [name, t] : extras) arrays.emplace_back(name, to_array(t));
        (extension == ".npz" ? write_npz : write_hdf5)(path, arrays);
    } else if (extension == ".npy") {
        write_npy(path, to_array(channels_last(items, space)));
    } else if (extension == ".csv") {
        write_atomic(path, csv_text(items, extras, columns));
    } else {
        write_atomic(path, Bytes(picture_png(items, text, per_row)));
    }
}

}  // namespace pushforward

#pragma once

#include "pushforward/core/space.hpp"
#include "pushforward/data/grid.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

/// UsageError when items of this space cannot be written as the path's extension asks, before any
/// work: .npz .h5 .npy for all, .csv for vectors, .png for pictures and plots, DIR/ for images.
void check_export(const std::filesystem::path& path, const Space& space);

/// Does the path name a folder: DIR/, or one that is there?
bool is_folder_path(const std::filesystem::path& path);
/// UsageError for a folder that holds something.
void check_new_folder(const std::filesystem::path& path);
/// A folder with the files 000000EXTENSION, 000001EXTENSION, ..., whole or not at all.
void write_folder(const std::filesystem::path& path, std::size_t n, const std::string& extension,
                  const std::function<void(const std::filesystem::path&, std::size_t)>& write);

/// Writes items [N, event...] in the data's own units, whole or not at all. npz, HDF5: `samples`
/// ([N, H, W, C] for images) and the named extras; npy: samples alone; csv: one row an item under
/// `columns` (x0, x1, ... when empty), then the 1-d extras; png: one plot or grid of
/// `per_row` images a row (0: about square); DIR/: one PNG an image.
void export_items(const std::filesystem::path& path, const Tensor& items, const Space& space,
                  const std::vector<std::pair<std::string, Tensor>>& extras = {},
                  const std::vector<std::string>& columns = {}, const PngText& text = {},
                  std::int64_t per_row = 0);

}  // namespace pushforward

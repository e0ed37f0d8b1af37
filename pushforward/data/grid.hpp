#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

using at::Tensor;
/// Text written into a PNG, by keyword.
using PngText = std::vector<std::pair<std::string, std::string>>;

/// The PNG of one image [C, H, W] in [0, 1] (clamped; C = 1, 3 or 4), pixel for pixel.
std::vector<std::byte> image_png(const Tensor& image, const PngText& text = {});

/// One PNG with images [N, C, H, W] in [0, 1] (clamped; C = 1, 3 or 4) row by row, `columns` in a
/// row (0: about square), with thin lines between them; small images are enlarged `zoom` times by
/// repetition (0: as much as keeps the picture near 1000 pixels wide).
std::vector<std::byte> image_grid_png(const Tensor& images, std::int64_t columns = 0,
                                      std::int64_t zoom = 0, const PngText& text = {});

/// The box `low`..`high` of both axes that holds nearly all points [N, 2], with a margin.
struct Box {
    double low = -1, high = 1;
};
Box box_of(const Tensor& points);

/// One square PNG of points [N, 2]: their density on a logarithmic grey scale, y upwards, over the
/// box `low`..`high` of both axes (equal: the points' own box with a margin).
std::vector<std::byte> scatter_png(const Tensor& points, double low = 0, double high = 0,
                                   const PngText& text = {});

/// One square PNG of a density on the plane over a box, in the ink of `scatter_png`: of `points`
/// points, as many would be expected in each of 128 x 128 cells. `log_p` [M, 2] -> [M] is asked at
/// the cells' centres, all at once.
std::vector<std::byte> density_png(const std::function<Tensor(const Tensor&)>& log_p,
                                   const Box& box, std::int64_t points, const PngText& text = {});

/// Whatever picture suits items [N, event...]: a grid for images, `columns` in a row (0: about
/// square), density for 2-D vectors, histograms of the first eight columns for other vectors.
std::vector<std::byte> picture_png(const Tensor& items, const PngText& text = {},
                                   std::int64_t columns = 0);

}  // namespace pushforward

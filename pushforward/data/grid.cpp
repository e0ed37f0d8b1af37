#include "pushforward/data/grid.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/image.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

constexpr std::uint8_t line_grey = 96;

std::vector<std::byte> encoded(const Tensor& pixels, const PngText& text) {  // uint8 [H, W, C]
    const Tensor plain = pixels.contiguous();
    Image image{plain.size(0), plain.size(1), plain.size(2), {}};
    image.pixels.assign(plain.data_ptr<std::uint8_t>(),
                        plain.data_ptr<std::uint8_t>() + plain.numel());
    return encode_png(image, {text.begin(), text.end()});
}

Tensor bytes_of_unit(const Tensor& x) {
    return (x.detach().to(torch::kCPU, torch::kFloat).nan_to_num(0).clamp(0, 1) * 255)
        .round()
        .to(torch::kByte);
}

/// Bars of a histogram of `values`, 160 x 240, dark on light: [1, 160, 240] in [0, 1].
Tensor bar_chart(const Tensor& values) {
    constexpr std::int64_t height = 160, width = 240, bins = 60;
    const Tensor v = values.index({values.isfinite()});
    Tensor picture = torch::ones({height, width});
    if (v.numel() > 0) {
        const double low = v.min().item<double>(), high = v.max().item<double>();
        const double margin = high > low ? 0 : 1;
        const Tensor counts = torch::histc(v, bins, low - margin, high + margin);
        const double most = counts.max().item<double>();
        for (std::int64_t k = 0; k < bins; ++k) {
            const auto bar = static_cast<std::int64_t>(
                std::lround(counts[k].item<double>() / most * static_cast<double>(height - 10)));
            picture.narrow(1, k * width / bins, width / bins)
                .narrow(0, height - bar, bar)
                .fill_(0.25);
        }
    }
    return picture.unsqueeze(0);
}

constexpr std::int64_t few_bins = 128;

/// Counts [bins, bins] as ink, log(1 + count): one point is seen, and the modes do not drown the
/// rest. The darkest cell is black, where there are `least` points in it.
std::vector<std::byte> inked(const Tensor& counts, double least, const PngText& text) {
    constexpr std::int64_t side = 512;
    const double most = std::max(least, counts.max().item<double>());
    const Tensor ink = counts.log1p() / std::log1p(most);
    const std::int64_t zoom = side / counts.size(0);
    const Tensor picture =
        bytes_of_unit(1 - ink).repeat_interleave(zoom, 0).repeat_interleave(zoom, 1);
    return encoded(picture.unsqueeze(2), text);
}

}  // namespace

Box box_of(const Tensor& points) {
    const Tensor sorted =
        std::get<0>(points.detach().to(torch::kCPU, torch::kDouble).reshape({-1}).sort());
    const std::int64_t m = sorted.numel(),
                       cut = m / 2000;  // a stray point would shrink the picture
    if (m == 0) return {};
    const double low = sorted[cut].item<double>(), high = sorted[m - 1 - cut].item<double>();
    const double margin = high > low ? 0.08 * (high - low) : 1;
    return {low - margin, high + margin};
}

std::vector<std::byte> image_png(const Tensor& image, const PngText& text) {
    PF_CHECK(image.dim() == 3 && (image.size(0) == 1 || image.size(0) == 3 || image.size(0) == 4),
             "image_png", "an image [C, H, W] with C = 1, 3 or 4", image.sizes());
    return encoded(bytes_of_unit(image).permute({1, 2, 0}), text);
}

std::vector<std::byte> image_grid_png(const Tensor& images, std::int64_t columns, std::int64_t zoom,
                                      const PngText& text) {
    PF_CHECK(images.dim() == 4 && images.size(0) > 0 &&
                 (images.size(1) == 1 || images.size(1) == 3 || images.size(1) == 4),
             "image_grid_png", "images [N, C, H, W] with C = 1, 3 or 4", images.sizes());
    const std::int64_t n = images.size(0), c = images.size(1), h = images.size(2),
                       w = images.size(3);
    if (columns <= 0)
        columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(n))));
    columns = std::min(columns, n);
    const std::int64_t rows = (n + columns - 1) / columns;
    if (zoom <= 0) zoom = std::clamp<std::int64_t>(1000 / (columns * w), 1, 8);

    Tensor x = bytes_of_unit(images).permute({0, 2, 3, 1});
    if (zoom > 1) x = x.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2);
    const std::int64_t th = h * zoom + 1, tw = w * zoom + 1;  // a tile and the line after it
    Tensor sheet = torch::full({rows * th + 1, columns * tw + 1, c}, line_grey, torch::kByte);
    if (c == 4) sheet.select(2, 3).fill_(255);
    for (std::int64_t i = 0; i < n; ++i)
        sheet.narrow(0, i / columns * th + 1, h * zoom)
            .narrow(1, i % columns * tw + 1, w * zoom)
            .copy_(x[i]);
    return encoded(sheet, text);
}

std::vector<std::byte> scatter_png(const Tensor& points, double low, double high,
                                   const PngText& text) {
    PF_CHECK(points.dim() == 2 && points.size(1) == 2 && points.size(0) > 0, "scatter_png",
             "points [N, 2]", points.sizes());
    Tensor p = points.detach().to(torch::kCPU, torch::kDouble);
    p = p.index({p.isfinite().all(1)});
    if (!(low < high)) {
        const Box box = box_of(p);
        low = box.low, high = box.high;
    }
    const std::int64_t bins = p.size(0) < 20000 ? few_bins : 2 * few_bins;
    const Tensor cell = ((p - low) * (static_cast<double>(bins) / (high - low))).floor();
    const Tensor inside = ((cell >= 0) & (cell < bins)).all(1);
    const Tensor kept = cell.index({inside}).to(torch::kLong);
    const Tensor counts =
        torch::bincount((bins - 1 - kept.select(1, 1)) * bins + kept.select(1, 0), {}, bins * bins);
    return inked(counts.to(torch::kDouble).view({bins, bins}), 1, text);
}

std::vector<std::byte> density_png(const std::function<Tensor(const Tensor&)>& log_p,
                                   const Box& box, std::int64_t points, const PngText& text) {
    PF_CHECK(box.low < box.high && points > 0, "density_png", "a box and points in it", box.low,
             " to ", box.high, " and ", points);
    constexpr std::int64_t bins = few_bins;
    const double width = (box.high - box.low) / bins;
    const Tensor centres = box.low + width * (torch::arange(bins, torch::kDouble) + 0.5);
    const auto axes = torch::meshgrid({centres.flip(0), centres}, "ij");  // rows are y, downwards
    const Tensor where = torch::stack({axes[1].flatten(), axes[0].flatten()}, 1);
    const Tensor p = log_p(where).detach().to(torch::kCPU, torch::kDouble).exp();
    const Tensor counts = (static_cast<double>(points) * width * width * p).view({bins, bins});
    return inked(counts.nan_to_num(0), 1e-300, text);
}

std::vector<std::byte> picture_png(const Tensor& items, const PngText& text, std::int64_t columns) {
    PF_CHECK(items.dim() >= 1 && items.numel() > 0, "picture_png", "items [N, event...]",
             items.sizes());
    const bool image =
        items.dim() == 4 && (items.size(1) == 1 || items.size(1) == 3 || items.size(1) == 4);
    if (image) return image_grid_png(items, columns, 0, text);
    if (items.dim() == 2 && items.size(1) == 2) return scatter_png(items, 0, 0, text);
    const Tensor flat = items.detach().to(torch::kCPU, torch::kDouble).reshape({items.size(0), -1});
    std::vector<Tensor> tiles;
    for (std::int64_t k = 0; k < std::min<std::int64_t>(8, flat.size(1)); ++k)
        tiles.push_back(bar_chart(flat.select(1, k)));
    return image_grid_png(torch::stack(tiles), std::min<std::int64_t>(4, flat.size(1)), 1, text);
}

}  // namespace pushforward

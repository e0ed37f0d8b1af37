#include "pushforward/base/errors.hpp"
#include "pushforward/base/image.hpp"
#include "pushforward/core/rng.hpp"
#include "pushforward/data/sources.hpp"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <set>

namespace pushforward {
namespace {

/// Decoded pictures are kept in memory up to this size, as bytes.
constexpr std::int64_t cache_budget = std::int64_t{1} << 30;

/// uint8 [H, W, C] of the wanted number of channels: grey is repeated or weighted (ITU-R BT.601),
/// alpha is put before white unless it is kept.
Tensor with_channels(const Image& image, std::int64_t wanted) {
    const std::int64_t c = image.channels;
    Tensor x = torch::from_blob(const_cast<std::uint8_t*>(image.pixels.data()),
                                {image.height, image.width, c}, torch::kByte)
                   .to(torch::kFloat);
    Tensor colour = x.slice(2, 0, c <= 2 ? 1 : 3);
    Tensor alpha = c == 2 || c == 4 ? x.slice(2, c - 1) : torch::full_like(x.slice(2, 0, 1), 255);
    if (wanted == 4) return torch::cat({colour.expand({-1, -1, 3}), alpha}, 2);
    colour = 255 + (colour - 255) * (alpha / 255);
    if (wanted == 1 && c > 2)
        return (colour * torch::tensor({0.299f, 0.587f, 0.114f})).sum(2, true);
    return colour.expand({-1, -1, wanted});
}

/// "9" before "10": runs of digits are compared as numbers.
bool natural_less(const std::string& a, const std::string& b) {
    std::size_t i = 0, j = 0;
    const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    while (i < a.size() && j < b.size()) {
        if (digit(a[i]) && digit(b[j])) {
            std::size_t p = i, q = j;
            while (p < a.size() && digit(a[p])) ++p;
            while (q < b.size() && digit(b[q])) ++q;
            const std::string left = a.substr(i, p - i), right = b.substr(j, q - j);
            const auto trimmed = [](const std::string& s) {
                return s.substr(std::min(s.find_first_not_of('0'), s.size() - 1));
            };
            const std::string l = trimmed(left), r = trimmed(right);
            if (l.size() != r.size()) return l.size() < r.size();
            if (l != r) return l < r;
            i = p, j = q;
        } else {
            if (a[i] != b[j]) return a[i] < b[j];
            ++i, ++j;
        }
    }
    if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
    return a < b;
}

class PictureSource : public Source {
public:
    PictureSource(Pictures pictures, const FileOptions& options)
        : pictures_(std::move(pictures)),
          crop_(options.crop),
          patches_(options.patches),
          seed_(static_cast<std::uint64_t>(options.seed)) {
        auto& files = pictures_.files;
        if (files.empty())
            throw DataError(pictures_.name, "", "expected PNG or JPEG pictures, got none");
        std::sort(files.begin(), files.end(),
                  [](const auto& a, const auto& b) { return natural_less(a.name, b.name); });
        choose_shape(options);
        choose_classes();
        std::int64_t bytes = 0;
        for (const auto& f : files)
            bytes += channels_ * (random() ? f.height * f.width : height_ * width_);
        cached_.resize(bytes <= cache_budget ? files.size() : 0);
    }

    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override {
        return static_cast<std::int64_t>(pictures_.files.size()) * patches_;
    }
    std::string name() const override { return pictures_.name; }
    std::string kind() const override { return pictures_.kind; }
    std::string type() const override { return "uint8"; }
    bool unit_range() const override { return true; }
    std::shared_ptr<const Source> own_test() const override { return pictures_.test; }
    std::vector<std::string> notes() const override { return notes_; }
    std::string stamp() const override {
        std::string out;
        for (const auto& f : pictures_.files)
            out += text(f.name, " ", f.bytes, " ", f.width, "x", f.height, "\n");
        out += text(height_, "x", width_, "x", channels_, " ", crop_);
        return random() ? out + text(" ", patches_, " ", seed_) : out;
    }

    Batch get(std::span<const std::int64_t> rows) const override {
        Batch batch;
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size()));
        const auto n = static_cast<std::int64_t>(rows.size());
        Tensor x = torch::empty({n, channels_, height_, width_}, torch::kByte);
        for (std::int64_t i = 0; i < n; ++i) x[i].copy_(item(rows[static_cast<std::size_t>(i)]));
        batch.x = x.to(torch::kFloat).div_(255);
        if (labels_.defined())
            batch.c.value["label"] = labels_.index_select(0, batch.index.div(patches_, "floor"));
        return batch;
    }

private:
    bool random() const { return crop_ == "random"; }

    void choose_shape(const FileOptions& options) {
        std::int64_t least = 16384, most = 0, colours = 1;
        std::set<std::pair<std::int64_t, std::int64_t>> shapes;
        for (const auto& f : pictures_.files) {
            least = std::min({least, f.height, f.width});
            most = std::max({most, f.height, f.width});
            colours = std::max(colours, f.channels > 2 ? std::int64_t{3} : std::int64_t{1});
            shapes.emplace(f.height, f.width);
        }
        channels_ = options.channels > 0 ? options.channels : colours;
        PF_CHECK(channels_ != 2, pictures_.name + ": channels", "1, 3 or 4", channels_);
        PF_CHECK(random() || patches_ == 1, pictures_.name + ": patches",
                 "1 where crop is not random", patches_);
        PF_CHECK(!random() || (options.size > 0 && options.size <= least),
                 pictures_.name + ": crop=random",
                 text("a size of at most the smallest side, ", least), options.size);
        if (options.size > 0) {
            height_ = width_ = options.size;
        } else if (shapes.size() == 1) {
            std::tie(height_, width_) = *shapes.begin();
        } else {
            height_ = width_ = std::clamp<std::int64_t>(least / 8 * 8, 8, 64);
            notes_.push_back(text("sizes differ (", least, " to ", most, " pixels): made ", height_,
                                  " x ", width_, "; size=N chooses another"));
        }
        spec_.x = {Kind::real, {channels_, height_, width_}};
    }

    void choose_classes() {
        std::vector<std::string> names;
        for (const auto& f : pictures_.files) names.push_back(f.folder);
        std::sort(names.begin(), names.end(), natural_less);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        if (names.size() < 2) return;
        labels_ = torch::empty({static_cast<std::int64_t>(pictures_.files.size())}, torch::kLong);
        for (std::size_t i = 0; i < pictures_.files.size(); ++i)
            labels_.data_ptr<std::int64_t>()[i] =
                std::lower_bound(names.begin(), names.end(), pictures_.files[i].folder,
                                 natural_less) -
                names.begin();
        const auto count = static_cast<std::int64_t>(names.size());
        spec_.conditions = {{"label", {Kind::symbol, {}, count}, std::move(names)}};
    }

    /// uint8 [C, H, W].
    Tensor item(std::int64_t row) const {
        PF_CHECK(0 <= row && row < size(), pictures_.name, text("a row below ", size()), row);
        const Tensor picture = whole(static_cast<std::size_t>(row / patches_));
        if (!random()) return picture;
        // the place is a function of the seed and the row
        Rng rng = Rng(seed_).split(static_cast<std::uint64_t>(row));
        const auto down = rng.integers(0, picture.size(1) - height_ + 1, {1}).item<std::int64_t>();
        const auto right = rng.integers(0, picture.size(2) - width_ + 1, {1}).item<std::int64_t>();
        return picture.narrow(1, down, height_).narrow(2, right, width_);
    }

    /// The picture as rows are cut from it, from memory when it was decoded before.
    Tensor whole(std::size_t i) const {
        if (!cached_.empty()) {
            std::lock_guard lock(mutex_);
            if (cached_[i].defined()) return cached_[i];
        }
        const Tensor made = decode(i);
        if (!cached_.empty()) {
            std::lock_guard lock(mutex_);
            cached_[i] = made;
        }
        return made;
    }

    Tensor decode(std::size_t i) const {
        const Image image = decode_image(pictures_.read(pictures_.files[i].name));
        Tensor x = with_channels(image, channels_).permute({2, 0, 1});
        if (!random() && (x.size(1) != height_ || x.size(2) != width_)) {
            if (crop_ == "center" && height_ == width_) {  // the largest square in the middle
                const std::int64_t side = std::min(x.size(1), x.size(2));
                x = x.narrow(1, (x.size(1) - side) / 2, side)
                        .narrow(2, (x.size(2) - side) / 2, side);
            }
            x = at::_upsample_bilinear2d_aa(x.unsqueeze(0).contiguous(), {height_, width_}, false)
                    .squeeze(0);
        }
        return x.round().clamp(0, 255).to(torch::kByte).contiguous();
    }

    Pictures pictures_;
    std::string crop_;
    std::int64_t patches_;
    std::uint64_t seed_;
    std::int64_t height_ = 0, width_ = 0, channels_ = 0;
    DataSpec spec_;
    Tensor labels_;
    std::vector<std::string> notes_;
    mutable std::mutex mutex_;
    mutable std::vector<Tensor> cached_;
};

}  // namespace

std::shared_ptr<const Source> picture_source(Pictures pictures, const FileOptions& options) {
    return std::make_shared<PictureSource>(std::move(pictures), options);
}

}  // namespace pushforward

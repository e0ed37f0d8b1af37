#include "pushforward/base/cifar.hpp"

#include <cstring>
#include <utility>

namespace pushforward {
namespace {

constexpr std::size_t pixels = 3 * 32 * 32;

/// A record: one label (CIFAR-10), or a coarse and a fine one (CIFAR-100), then the pixels.
struct Layout {
    std::size_t labels;
    int classes;
    std::size_t record() const { return labels + pixels; }
};
constexpr Layout layouts[] = {{1, 10}, {2, 100}};
constexpr int coarse_classes = 20;

/// The first record whose labels are out of range, or the number of records.
std::size_t first_bad(Bytes bytes, const Layout& layout) {
    std::size_t i = 0;
    for (; i < bytes.size() / layout.record(); ++i) {
        const Bytes record = bytes.subspan(i * layout.record());
        if (std::to_integer<int>(record[layout.labels - 1]) >= layout.classes) return i;
        if (layout.labels == 2 && std::to_integer<int>(record[0]) >= coarse_classes) return i;
    }
    return i;
}

bool fits(Bytes bytes, const Layout& layout) {
    return !bytes.empty() && bytes.size() % layout.record() == 0 &&
           first_bad(bytes, layout) == bytes.size() / layout.record();
}

}  // namespace

bool is_cifar(Bytes bytes) {
    return fits(bytes, layouts[0]) || fits(bytes, layouts[1]);
}

Cifar read_cifar(const Blob& blob) {
    const Bytes bytes = blob.bytes;
    const bool whole_10 = bytes.size() % layouts[0].record() == 0;
    const bool whole_100 = bytes.size() % layouts[1].record() == 0;
    if (bytes.empty() || (!whole_10 && !whole_100))
        throw DataError(
            blob.name, "",
            text("expected whole records of 3073 or 3074 bytes, got ", bytes.size(), " bytes"));
    const Layout& layout = whole_100 && !fits(bytes, layouts[0]) ? layouts[1] : layouts[0];
    const std::size_t count = bytes.size() / layout.record();
    if (const std::size_t bad = first_bad(bytes, layout); bad < count) {
        const Bytes record = bytes.subspan(bad * layout.record());
        std::string expected = "expected a label below 10, got ";
        if (layout.labels == 2)
            expected = text("expected labels below 20 and 100, got ",
                            std::to_integer<int>(record[0]), " and ");
        throw DataError(blob.name, text("record ", bad),
                        text(expected, std::to_integer<int>(record[layout.labels - 1])));
    }

    Buffer images(count * pixels), labels(count), coarse(layout.labels == 2 ? count : 0);
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes record = bytes.subspan(i * layout.record(), layout.record());
        labels[i] = record[layout.labels - 1];
        if (layout.labels == 2) coarse[i] = record[0];
        std::memcpy(images.data() + i * pixels, record.data() + layout.labels, pixels);
    }
    const auto n = static_cast<std::int64_t>(count);
    const auto n_coarse = static_cast<std::int64_t>(coarse.size());
    return {make_array(DType::u8, {n, 3, 32, 32}, std::move(images)),
            make_array(DType::u8, {n}, std::move(labels)),
            make_array(DType::u8, {n_coarse}, std::move(coarse)), layout.classes};
}

}  // namespace pushforward

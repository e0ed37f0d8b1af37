#include "pushforward/base/errors.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>

namespace pushforward {
namespace {

/// Pieces [begin, begin + length) of a stream, one a row.
class Pieces : public Source {
public:
    struct Piece {
        std::int64_t begin, length;
    };

    explicit Pieces(std::shared_ptr<const Source> stream)
        : stream_(std::move(stream)), symbols_(stream_->stream()) {}

    const DataSpec& spec() const override { return stream_->spec(); }
    std::string name() const override { return stream_->name(); }
    std::string kind() const override { return stream_->kind(); }
    std::string type() const override { return stream_->type(); }
    std::string stamp() const override { return stream_->stamp(); }
    VocabularyPointer vocabulary() const override { return stream_->vocabulary(); }

    Batch get(std::span<const std::int64_t> rows) const override {
        std::int64_t longest = 0;
        for (const auto row : rows) {
            PF_CHECK(row >= 0 && row < size(), name(), text("a row below ", size()), row);
            longest = std::max(longest, piece(row).length);
        }
        Batch batch;
        batch.x = torch::full({static_cast<std::int64_t>(rows.size()), longest}, -1, torch::kLong);
        auto* to = batch.x.data_ptr<std::int64_t>();
        for (const auto row : rows) {
            const Piece p = piece(row);
            std::copy_n(symbols_.begin() + p.begin, p.length, to);
            to += longest;
        }
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size()));
        return batch;
    }

protected:
    virtual Piece piece(std::int64_t row) const = 0;
    std::shared_ptr<const Source> stream_;
    std::span<const Symbol> symbols_;
};

class Part : public Pieces {
public:
    Part(std::shared_ptr<const Source> stream, std::int64_t begin, std::int64_t end)
        : Pieces(std::move(stream)), begin_(begin), end_(end) {
        symbols_ = symbols_.subspan(static_cast<std::size_t>(begin),
                                    static_cast<std::size_t>(end - begin));
    }
    std::int64_t size() const override { return 1; }
    std::string kind() const override {
        return text("symbols ", begin_, " to ", end_, " of ", stream_->kind());
    }
    std::span<const Symbol> stream() const override { return symbols_; }

protected:
    Piece piece(std::int64_t) const override { return {0, end_ - begin_}; }

private:
    std::int64_t begin_, end_;
};

/// Row numbers fit into memory a few times over.
constexpr std::int64_t kMostWindows = std::int64_t{1} << 22;

class Windows : public Pieces {
public:
    Windows(std::shared_ptr<const Source> stream, std::int64_t length, std::int64_t trained)
        : Pieces(std::move(stream)), length_(std::min(length, trained)), trained_(trained) {
        const std::int64_t places = trained_ - length_ + 1;
        stride_ = (places + kMostWindows - 1) / kMostWindows;
        training_ = (places + stride_ - 1) / stride_;
    }
    std::int64_t size() const override {
        return training_ + (all() - trained_ + length_ - 1) / length_;
    }

protected:
    Piece piece(std::int64_t row) const override {
        if (row < training_) return {row * stride_, length_};
        const std::int64_t begin = trained_ + (row - training_) * length_;
        return {begin, std::min(length_, all() - begin)};
    }

private:
    std::int64_t all() const { return static_cast<std::int64_t>(symbols_.size()); }
    std::int64_t length_, trained_, stride_ = 1, training_ = 0;
};

}  // namespace

std::shared_ptr<const Source> stream_windows(std::shared_ptr<const Source> stream,
                                             std::int64_t length, std::int64_t trained) {
    PF_CHECK(length > 0, "data.window", "at least 1 symbol", length);
    PF_CHECK(trained > 0, stream->name(), "symbols to train on", trained);
    return std::make_shared<Windows>(std::move(stream), length, trained);
}

std::shared_ptr<const Source> stream_part(std::shared_ptr<const Source> stream, std::int64_t begin,
                                          std::int64_t end) {
    return std::make_shared<Part>(std::move(stream), begin, end);
}

}  // namespace pushforward

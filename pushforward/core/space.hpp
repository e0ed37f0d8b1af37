#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pushforward {

/// What the entries of an item are: reals, counts 0, 1, 2, ..., or one of `symbols` symbols.
enum class Kind { real, count, symbol };

/// The set that one item lives in: `event` is its shape without the batch, -1 = varies.
/// Images are [C, H, W], vectors [D], sequences of symbols [L]; where L varies, the symbol -1
/// stands beyond an item's end.
struct Space {
    Kind kind = Kind::real;
    std::vector<std::int64_t> event;
    std::int64_t symbols = 0;  ///< how many symbols, for Kind::symbol
    std::int64_t end = -1;     ///< the symbol after which an item of varying length holds no more

    bool is_image() const { return kind == Kind::real && event.size() == 3; }
    bool is_sequence() const { return kind == Kind::symbol && event.size() == 1; }
    /// The product of the event's sizes (1 for a scalar).
    std::int64_t dimensions() const {
        std::int64_t d = 1;
        for (auto s : event) d *= s;
        return d;
    }
    bool operator==(const Space&) const = default;
};

/// A named condition. A class label has Kind::symbol and an empty event; `names` are its classes.
struct Field {
    std::string name;
    Space space;
    std::vector<std::string> names = {};
    bool operator==(const Field&) const = default;
};

/// The space of the data and of what it may be conditioned on.
struct DataSpec {
    Space x;
    std::vector<Field> conditions = {};

    const Field* condition(const std::string& name) const {
        for (const auto& f : conditions)
            if (f.name == name) return &f;
        return nullptr;
    }
    bool operator==(const DataSpec&) const = default;
};

}  // namespace pushforward

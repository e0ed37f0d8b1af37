#include "pushforward/data/split.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rng.hpp"

#include <algorithm>
#include <cmath>

namespace pushforward {

std::int64_t trained_symbols(std::int64_t n, double validation) {
    return static_cast<std::int64_t>(std::floor((1 - validation) * static_cast<double>(n)));
}

Split split_rows(std::int64_t n, double validation, bool own_test, std::uint64_t seed) {
    PF_CHECK(n > 0, "split", "at least one row", n);
    PF_CHECK(validation >= 0 && validation <= 0.8, "data.validation", "a share from 0 to 0.8",
             validation);
    constexpr std::uint64_t stream = 0x73706c6974;  // "split"
    const auto order = Rng(seed).split(stream).permutation(n);
    const auto count = [&](double share) {
        return static_cast<std::int64_t>(std::floor(share * static_cast<double>(n)));
    };
    const std::int64_t test = own_test || validation == 0 ? 0 : count(kTestShare);
    const std::int64_t held = count(validation), train = n - held - test;
    const auto sorted = [&](std::int64_t begin, std::int64_t end) {
        std::vector<std::int64_t> rows(order.begin() + begin, order.begin() + end);
        std::sort(rows.begin(), rows.end());
        return rows;
    };
    Split split;
    split.train = sorted(0, train);
    split.validation = sorted(train, train + held);
    split.test = sorted(train + held, n);
    split.description =
        text(train, " rows to train, ", held, " to validate",
             own_test ? std::string(", the data's own test set") : text(", ", test, " to test"),
             held + test > 0 ? text(" (chosen by seed ", seed, ")") : std::string());
    return split;
}

}  // namespace pushforward

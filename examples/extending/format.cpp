// A data format of your own: a reader that treats its file as hostile, and rows made of it.
#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/core/dataset.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace pushforward;

// [reader]
/// The decimal numbers of a text, one a line. DataError naming the line that is none.
std::vector<float> read_numbers(const std::string& file, const std::string& content) {
    std::vector<float> numbers;
    for (std::size_t begin = 0, line = 1; begin < content.size(); ++line) {
        const auto end = std::min(content.find('\n', begin), content.size());
        const char *first = content.data() + begin, *last = content.data() + end;
        float number = 0;
        const auto [stop, error] = std::from_chars(first, last, number);
        if (error != std::errc() || stop != last)
            throw DataError(file, text("line ", line),
                            text("expected a number, got '", std::string(first, last), "'"));
        numbers.push_back(number);
        begin = end + 1;
    }
    return numbers;
}
// [reader]

// [dataset]
/// Rows of one number each. `get` is const and may be called from several threads.
class Numbers : public Dataset {
public:
    explicit Numbers(const std::vector<float>& numbers) : x_(torch::tensor(numbers).unsqueeze(1)) {}
    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override { return x_.size(0); }
    Batch get(std::span<const std::int64_t> rows) const override {
        Batch batch;
        batch.index = torch::tensor(std::vector<std::int64_t>(rows.begin(), rows.end()));
        batch.x = x_.index_select(0, batch.index);
        return batch;
    }

private:
    Tensor x_;
    DataSpec spec_{.x = {Kind::real, {1}}};
};
// [dataset]

TEST_CASE("a format of one's own gives rows, and refuses what it does not understand") {
    const Numbers data(read_numbers("a.txt", "1\n2.5\n-3e2\n"));
    const std::vector<std::int64_t> rows = {2, 0};
    CHECK(data.size() == 3);
    CHECK(torch::equal(data.get(rows).x, torch::tensor({-300.0F, 1.0F}).unsqueeze(1)));
    CHECK_THROWS_WITH_AS(read_numbers("a.txt", "1\ntwo\n"),
                         "a.txt: line 2: expected a number, got 'two'", DataError);
}

}  // namespace

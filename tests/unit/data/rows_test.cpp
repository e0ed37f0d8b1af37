#include "files.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/data/description.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <numeric>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::idx;

namespace {

Batch all_of(const Source& source) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(source.size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return source.get(rows);
}

std::string refusal(const std::string& spec) {
    try {
        open_data(spec);
    } catch (const UsageError& e) {
        return e.what();
    }
    return "not refused";
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// 100 rows; row i is (i, -i) and of class "odd" where i % 4 == 3.
std::string table(const Folder& folder) {
    std::string lines = "a,b,kind\n";
    for (int i = 0; i < 100; ++i)
        lines += std::to_string(i) + "," + std::to_string(-i) + (i % 4 == 3 ? ",odd\n" : ",fine\n");
    return folder.write("t.csv", lines);
}

}  // namespace

TEST_CASE("only: the rows of one class, without the label; the test set keeps all") {
    const Folder folder;
    const std::string file = table(folder);
    const auto odd = open_data(file + "?label=kind&only=odd");
    CHECK(odd->size() == 25);
    CHECK(odd->spec().conditions.empty());
    const Batch rows = all_of(*odd);
    CHECK(rows.c.value.empty());
    CHECK(torch::equal(rows.x.select(1, 0), torch::arange(3, 100, 4).to(torch::kFloat)));
    CHECK(open_data(file + "?label=kind&only=0")->size() == 75);  // classes in ascending order
    CHECK(open_data(file + "?label=kind&only=odd&n=7")->size() == 7);

    // After the split: what is left for the test is the split's, of all classes and labelled.
    const auto train = open_data(file + "?label=kind&split=train&only=fine");
    const auto whole = open_data(file + "?label=kind&split=train");
    const Batch split = all_of(*whole);
    CHECK(train->size() == (split.c.value.at("label") == 0).sum().item<std::int64_t>());
    CHECK(train->size() < whole->size());
    REQUIRE(train->own_test());
    const auto prepared = prepare_data(file + "?label=kind&split=train&only=fine");
    CHECK(prepared.description.spec.conditions.empty());
    const auto test = open_data(file + "?label=kind&split=test");
    CHECK(torch::equal(all_of(*prepared.test).x, all_of(*test).x));
    CHECK(torch::equal(all_of(*prepared.test).c.value.at("label"),
                       all_of(*test).c.value.at("label")));
    REQUIRE(prepared.test->spec().condition("label"));

    folder.write("train-images-idx3-ubyte", idx({3, 2, 2}, std::string(12, '\1')));
    folder.write("train-labels-idx1-ubyte", idx({3}, std::string("\x01\x00\x01", 3)));
    CHECK(open_data(folder / "train-images-idx3-ubyte?only=1")->size() == 2);
}

TEST_CASE("only refuses what names no class, or no label") {
    const Folder folder;
    const std::string file = table(folder);
    CHECK(has(refusal(file + "?drop=kind&only=odd"),
              "?only=odd: the data have no label (label=COLUMN"));
    CHECK(has(refusal(file + "?label=kind&only=even"),
              "?only=even: expected a class from 0 to 1, fine or odd"));
    CHECK(has(refusal(file + "?label=kind&only=each"), "?only=each: expected a class"));
    CHECK(has(refusal(file + "?label=kind&only=2"), "expected a class from 0 to 1"));
    write_npz(folder / "a.npz", {{"X", array_of<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
                                 {"y", array_of<std::int64_t>({3}, {0, 3, 3})}});
    CHECK(open_data(folder / "a.npz?label=y&only=3")->size() == 2);
    CHECK(has(refusal(folder / "a.npz?label=y&only=1"), "?only=1: no row is of this class"));
    folder.write("pictures/a/1.png", pushforward::testing::png(2, 2, {9}));
    CHECK(has(refusal(folder / "pictures?only=a"), "only has no meaning for pictures"));
}

TEST_CASE("drop leaves columns out of an npz array by their numbers") {
    const Folder folder;
    write_npz(folder / "a.npz", {{"X", array_of<float>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})},
                                 {"I", array_of<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
                                 {"y", array_of<std::int64_t>({2}, {0, 1})}});
    const auto data = open_data(folder / "a.npz?label=y&drop=0,2");
    CHECK((data->spec().x.event == std::vector<std::int64_t>{2}));
    CHECK((data->columns() == std::vector<std::string>{"1", "3"}));
    CHECK(torch::equal(all_of(*data).x, torch::tensor({{2.0F, 4.0F}, {6.0F, 8.0F}})));
    CHECK(open_data(folder / "a.npz")->columns().empty());
    CHECK(has(refusal(folder / "a.npz?drop=4"), "?drop=4: expected a column from 0 to 3"));
    CHECK(has(refusal(folder / "a.npz?drop=0,1,2,3"), "at least one column to model"));
    CHECK(has(refusal(folder / "a.npz#I?drop=0"), "?drop=: expected an array [N, D]"));
}

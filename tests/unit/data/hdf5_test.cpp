#include "pushforward/base/hdf5.hpp"
#include "files.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/data/export.hpp"
#include "pushforward/data/inspect.hpp"
#include "pushforward/data/source.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <numeric>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::gzipped;

namespace {

Batch all_of(const Source& source) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(source.size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return source.get(rows);
}

}  // namespace

TEST_CASE("HDF5 as data: members, labels, conditions, gzip, inspection, refusals") {
    const Folder folder;
    const std::string file = folder / "a.h5";
    write_hdf5(file, {{"X", array_of<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
                      {"given/y", array_of<std::int64_t>({3}, {7, 9, 7})},
                      {"given/t", array_of<double>({3}, {0.5, 1.5, 2.5})}});
    CHECK(open_data(file)->kind() == "HDF5 float32 [3, 2]");
    CHECK(open_data(file)->spec().conditions.empty());
    const auto data = open_data(file + "#X?label=given/y&context=given/t");
    const Batch b = all_of(*data);
    CHECK(torch::equal(b.x, torch::tensor({{1.0f, 2.0f}, {3.0f, 4.0f}, {5.0f, 6.0f}})));
    CHECK(torch::equal(b.c.value.at("label"), torch::tensor({0, 1, 0}, torch::kLong)));
    CHECK(torch::equal(b.c.value.at("given/t"), torch::tensor({0.5f, 1.5f, 2.5f})));
    CHECK(open_data(file + "#/given/t")->spec().x.event.at(0) == 1);
    const std::string packed = folder.write("b.gz", gzipped(std::string(read_file(file).text())));
    CHECK(torch::equal(all_of(*open_data(packed + "#X")).x, b.x));
    const std::string seen = to_text(inspect_data(file + "#X"));
    CHECK(seen.find("HDF5 float32 [3, 2]") != std::string::npos);
    CHECK(seen.find("items   3") != std::string::npos);

    CHECK_THROWS_WITH_AS(open_data(file + "#x"), doctest::Contains("a.h5#x: no such array"),
                         UsageError);
    CHECK_THROWS_WITH_AS(open_data(file + "?size=8"), doctest::Contains("no meaning for HDF5"),
                         UsageError);
    const std::string image = folder.write("bad.h5", "\x89HDF\r\n\x1a\n and no more");
    CHECK_THROWS_WITH_AS(open_data(image), doctest::Contains("bad.h5: malformed HDF5"), DataError);
    const std::string mixed = PF_SOURCE_DIR "/tests/reference/data/h5py.h5";
    CHECK_THROWS_WITH_AS(open_data(mixed), doctest::Contains("expected #member, one of alias"),
                         UsageError);
    write_hdf5(folder / "none.h5", {});
    CHECK_THROWS_WITH_AS(open_data(folder / "none.h5"), doctest::Contains("found none"), DataError);
    CHECK_THROWS_WITH_AS(open_data(mixed + "#bad/text"), doctest::Contains("got texts"), DataError);
}

TEST_CASE("HDF5 out holds what npz out does") {
    const Folder folder;
    Space pictures{Kind::real, {1, 2, 2}};
    const Tensor items = torch::arange(8, torch::kFloat).reshape({2, 1, 2, 2}) / 8;
    const std::vector<std::pair<std::string, Tensor>> extras = {
        {"label", torch::tensor({3, 1}, torch::kLong)},
        {"log_prob", torch::tensor({-1.5, 2.5}, torch::kDouble)}};
    CHECK_NOTHROW(check_export(folder / "s.h5", pictures));
    export_items(folder / "s.npz", items, pictures, extras);
    export_items(folder / "s.h5", items, pictures, extras);
    const Blob blob = map_file(folder / "s.h5");
    for (const auto& [name, array] : read_npz(map_file(folder / "s.npz"))) {
        CAPTURE(name);
        const Array same = read_hdf5(blob, name);
        CHECK(same.dtype == array.dtype);
        CHECK(same.shape == array.shape);
        CHECK(std::equal(same.view().begin(), same.view().end(), array.view().begin(),
                         array.view().end()));
    }
    CHECK(list_hdf5(blob).size() == 3);
    CHECK(open_data(folder / "s.h5")->spec().x.event == items.sizes().slice(1).vec());
}

TEST_CASE("an MDTraj HDF5 file's coordinates") {
    const std::string file =
        PF_SOURCE_DIR "/../shared/data/boltzmann_samples/aldp_500K_train_mini.h5";
    if (!std::filesystem::exists(file)) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    const Array array = read_hdf5(map_file(file), "coordinates");
    CHECK(array.dtype == DType::f32);
    CHECK((array.shape == Shape{2000, 22, 3}));
    CHECK(open_data(file + "#coordinates")->size() == 2000);
    CHECK_THROWS_WITH_AS(open_data(file + "#topology"), doctest::Contains("got texts"), DataError);
}

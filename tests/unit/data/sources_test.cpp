#include "files.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/base/zip.hpp"
#include "pushforward/data/source.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <numeric>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::gzipped;
using pushforward::testing::idx;
using pushforward::testing::png;

namespace {

Batch all_of(const Source& source) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(source.size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return source.get(rows);
}

std::string counting(int n, int start = 0) {
    std::string bytes;
    for (int i = 0; i < n; ++i) bytes += static_cast<char>((start + i) % 256);
    return bytes;
}

}  // namespace

TEST_CASE("IDX: a folder with its test set and labels, plain or gzip, and a single file") {
    const Folder folder;
    folder.write("train-images-idx3-ubyte.gz", gzipped(idx({3, 2, 4}, counting(24))));
    folder.write("train-labels-idx1-ubyte", idx({3}, std::string("\x02\x00\x01", 3)));
    folder.write("t10k-images-idx3-ubyte", idx({2, 2, 4}, counting(16, 100)));
    folder.write("t10k-labels-idx1-ubyte.gz", gzipped(idx({2}, std::string("\x01\x01", 2))));
    const auto train = open_data(folder.path());
    CHECK((train->spec().x.event == std::vector<std::int64_t>{1, 2, 4}));
    CHECK(train->type() == "uint8");
    CHECK(train->size() == 3);
    REQUIRE(train->spec().condition("label"));
    CHECK(train->spec().condition("label")->space.symbols == 3);
    const Batch b = all_of(*train);
    CHECK(torch::equal(b.x.flatten(), torch::arange(24, torch::kFloat) / 255));
    CHECK(torch::equal(b.c.value.at("label"), torch::tensor({2, 0, 1}, torch::kLong)));
    const auto test = open_data(folder.path() + "?split=test");
    CHECK(test->size() == 2);
    CHECK(all_of(*test).x.flatten()[0].item<float>() == doctest::Approx(100.0 / 255));
    CHECK(train->own_test()->size() == 2);
    const auto file = open_data(folder / "train-images-idx3-ubyte.gz");
    CHECK(file->size() == 3);
    CHECK(file->spec().condition("label") != nullptr);
}

TEST_CASE("CIFAR: records, class names, test files; the planes are red, green, blue") {
    const Folder folder;
    std::string record = std::string(1, '\x07') + std::string(1024, '\xff') +
                         std::string(1024, '\x33') + std::string(1024, '\0');
    folder.write("data_batch_1.bin", record + record);
    folder.write("data_batch_2.bin.gz", gzipped(record));
    folder.write("test_batch.bin", record);
    folder.write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nhorse\ni\nj\n\n");
    const auto data = open_data(folder.path());
    CHECK(data->size() == 3);
    CHECK(data->own_test()->size() == 1);
    const Field* label = data->spec().condition("label");
    REQUIRE(label);
    CHECK(label->names.at(7) == "horse");
    const Batch b = all_of(*data);
    CHECK((b.x.sizes().vec() == std::vector<std::int64_t>{3, 3, 32, 32}));
    CHECK(torch::allclose(b.x.mean({0, 2, 3}), torch::tensor({1.0f, 0.2f, 0.0f})));
    CHECK((b.c.value.at("label") == 7).all().item<bool>());
}

TEST_CASE(
    "pictures: classes by folder in natural order, mixed sizes and colours, cropped, cached") {
    const Folder folder;
    folder.write("class 10/a.png", png(8, 8, {200, 200, 200}));
    folder.write("class 9/b.png", png(16, 24, {100}));
    folder.write("class 9/deep.png", png(9, 9, {10, 20, 30, 0}));
    folder.write("notes.txt", "not a picture");
    folder.write(".hidden/c.png", "ignored");
    const auto data = open_data(folder.path());
    CHECK(data->size() == 3);
    CHECK((data->spec().x.event == std::vector<std::int64_t>{3, 8, 8}));
    CHECK(data->notes().size() == 1);  // sizes differ
    const Field* label = data->spec().condition("label");
    REQUIRE(label);
    CHECK((label->names == std::vector<std::string>{"class 9", "class 10"}));
    const Batch b = all_of(*data);
    CHECK(torch::equal(b.c.value.at("label"), torch::tensor({0, 0, 1}, torch::kLong)));
    CHECK(b.x[0].mean().item<float>() == doctest::Approx(100.0 / 255));
    CHECK(b.x[1].mean().item<float>() == 1.0f);  // nothing but alpha 0: the white behind it
    CHECK(torch::equal(all_of(*data).x, b.x));   // from memory the second time
    const auto grey = open_data(folder.path() + "?size=4&channels=1");
    CHECK((grey->spec().x.event == std::vector<std::int64_t>{1, 4, 4}));
    CHECK(all_of(*grey).x[2].mean().item<float>() == doctest::Approx(200.0 / 255));
    const auto clear = open_data(folder.path() + "?channels=4");
    CHECK(all_of(*clear).x[1][3].max().item<float>() == 0.0f);
}

TEST_CASE("pictures: crop=center cuts, crop=none stretches") {
    const Folder folder;
    Image wide{4, 8, 1, std::vector<std::uint8_t>(32, 255)};
    for (std::size_t i = 0; i < 32; ++i)
        if (i % 8 < 2 || i % 8 >= 6) wide.pixels[i] = 0;  // dark margins of two pixels
    const Buffer bytes = encode_png(wide);
    folder.write("wide.png", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    CHECK(all_of(*open_data(folder / "wide.png?size=4")).x.min().item<float>() == 1.0f);
    CHECK(all_of(*open_data(folder / "wide.png?size=4&crop=none")).x.mean().item<float>() ==
          doctest::Approx(0.5).epsilon(0.01));
}

TEST_CASE("pictures: crop=random cuts squares anywhere, the same ones each time") {
    const Folder folder;
    Image ramp{12, 20, 1, std::vector<std::uint8_t>(240)};  // a pixel is its place
    for (std::size_t i = 0; i < 240; ++i) ramp.pixels[i] = static_cast<std::uint8_t>(i);
    const Buffer bytes = encode_png(ramp);
    folder.write("a/ramp.png", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    folder.write("b/flat.png", png(16, 16, {9}));
    const std::string spec = folder.path() + "?size=4&crop=random&patches=400";
    const auto data = open_data(spec);
    CHECK(data->size() == 800);
    const Batch b = all_of(*data);
    const Tensor x = b.x.slice(0, 0, 400).mul(255).round();
    // neighbours in a cut are neighbours in the picture, and all 9 x 17 places are found
    CHECK((x.slice(3, 1) - x.slice(3, 0, 3) == 1).all().item<bool>());
    CHECK((x.slice(2, 1) - x.slice(2, 0, 3) == 20).all().item<bool>());
    CHECK(std::get<0>(torch::_unique2(x.select(3, 0).select(2, 0).flatten())).size(0) > 120);
    CHECK((b.x.slice(0, 400) * 255 == 9).all().item<bool>());
    CHECK(b.c.value.at("label").sum().item<std::int64_t>() == 400);
    CHECK(torch::equal(all_of(*open_data(spec)).x, b.x));
    CHECK(!torch::equal(all_of(*open_data(spec + "&seed=1")).x, b.x));
    const auto refused = [&](const std::string& keys) {
        try {
            open_data(folder.path() + keys);
        } catch (const UsageError& e) {
            return std::string(e.what());
        }
        return std::string("not refused");
    };
    CHECK(refused("?crop=random").find("a size of at most the smallest side, 12, got 0") !=
          std::string::npos);
    CHECK(refused("?crop=random&size=13").find("12, got 13") != std::string::npos);
    CHECK(refused("?patches=3").find("1 where crop is not random, got 3") != std::string::npos);
}

TEST_CASE("pictures: a train and a test folder, and a zip of folders") {
    const Folder folder;
    for (const char* name : {"train/a/1.png", "train/b/2.png", "train/b/3.png", "test/a/4.png"})
        folder.write(name, png(8, 8, {50}));
    const auto data = open_data(folder.path());
    CHECK(data->size() == 3);
    CHECK(data->own_test()->size() == 1);
    CHECK((data->spec().condition("label")->names == std::vector<std::string>{"a", "b"}));
    const std::string one = png(8, 8, {255}), two = png(8, 8, {0});
    write_zip(folder / "all.zip",
              {{"top/x/1.png", {bytes_of(one)}}, {"top/y/2.png", {bytes_of(two)}}});
    const auto zip = open_data(folder / "all.zip");
    CHECK((zip->spec().condition("label")->names == std::vector<std::string>{"x", "y"}));
    CHECK(torch::equal(all_of(*zip).x.mean({1, 2, 3}), torch::tensor({1.0f, 0.0f})));
}

TEST_CASE("npy: layouts are told apart, rows come from the mapped file") {
    const Folder folder;
    const auto event = [&](Shape shape, DType type) {
        const auto bytes = byte_count(type, shape, "", "");
        write_npy(folder / "a.npy", make_array(type, shape, Buffer(bytes)));
        return open_data(folder / "a.npy")->spec().x.event;
    };
    using Event = std::vector<std::int64_t>;
    CHECK((event({5}, DType::f64) == Event{1}));
    CHECK((event({5, 7}, DType::f32) == Event{7}));
    CHECK((event({5, 8, 9}, DType::u8) == Event{1, 8, 9}));
    CHECK((event({5, 3, 8, 9}, DType::u8) == Event{3, 8, 9}));
    CHECK((event({5, 8, 9, 3}, DType::f32) == Event{3, 8, 9}));
    write_npy(folder / "v.npy", array_of<std::uint16_t>({2, 2}, {1, 2, 3, 65535}));
    CHECK(torch::equal(all_of(*open_data(folder / "v.npy")).x,
                       torch::tensor({{1.0f, 2.0f}, {3.0f, 65535.0f}})));
    write_npy(folder / "last.npy", array_of<std::uint8_t>({1, 1, 2, 3}, {0, 51, 255, 255, 51, 0}));
    // [N, C, H, W] wins where both would do
    CHECK((open_data(folder / "last.npy")->spec().x.event == Event{1, 2, 3}));
    write_npy(folder / "rgb.npy", array_of<std::uint8_t>({1, 2, 1, 3}, {0, 51, 255, 255, 51, 0}));
    const Tensor x = all_of(*open_data(folder / "rgb.npy")).x;
    CHECK(
        torch::allclose(x, torch::tensor({0.0f, 1.0f, 0.2f, 0.2f, 1.0f, 0.0f}).view({1, 3, 2, 1})));
}

TEST_CASE("npy: a file larger than what is read stays on the disk") {
    const Folder folder;
    const Buffer header = npy_header({DType::f32, {1000000, 1024}, nullptr, nullptr, 0});
    folder.write("large.npy", {reinterpret_cast<const char*>(header.data()), header.size()});
    std::error_code error;  // a hole of 4 GB, which takes no room
    std::filesystem::resize_file(folder / "large.npy", header.size() + 4096000000u, error);
    if (error) {
        MESSAGE("skipped: no sparse files here");
        return;
    }
    const auto resident = [] {
        std::ifstream in("/proc/self/statm");
        std::int64_t size = 0, pages = 0;
        in >> size >> pages;
        return pages * 4096;
    };
    const std::int64_t before = resident();
    const auto data = open_data(folder / "large.npy");
    const std::vector<std::int64_t> rows = {999999, 0, 123456};
    CHECK(data->get(rows).x.sum().item<float>() == 0.0f);
    CHECK(data->size() == 1000000);
    CHECK(resident() - before < 64 << 20);
}

TEST_CASE("npz: members, labels and conditions") {
    const Folder folder;
    write_npz(folder / "a.npz", {{"X", array_of<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
                                 {"y", array_of<std::int64_t>({3}, {7, 9, 7})},
                                 {"t", array_of<double>({3}, {0.5, 1.5, 2.5})}});
    CHECK(open_data(folder / "a.npz")->spec().conditions.empty());
    const auto data = open_data((folder / "a.npz#X") + "?label=y&context=t");
    const Batch b = all_of(*data);
    CHECK(torch::equal(b.x, torch::tensor({{1.0f, 2.0f}, {3.0f, 4.0f}, {5.0f, 6.0f}})));
    CHECK(torch::equal(b.c.value.at("label"), torch::tensor({0, 1, 0}, torch::kLong)));
    CHECK((data->spec().condition("label")->names == std::vector<std::string>{"7", "9"}));
    CHECK(torch::equal(b.c.value.at("t"), torch::tensor({0.5f, 1.5f, 2.5f})));
    CHECK(open_data(folder / "a.npz#t")->spec().x.event.at(0) == 1);
}

TEST_CASE("tables: labels, conditions, dropped columns and rows, gzip") {
    const Folder folder;
    const std::string csv =
        "a,b,kind,when,note\n1,10,cat,0.5,x\n2,20,dog,1.5,y\n3,,cat,2.5,z\n4,40,ant,3.5,w\n";
    folder.write("t.csv.gz", gzipped(csv));
    const auto data =
        open_data((folder / "t.csv.gz") + "?label=kind&context=when&drop=note&missing=drop");
    CHECK((data->columns() == std::vector<std::string>{"a", "b"}));
    CHECK(
        (data->spec().condition("label")->names == std::vector<std::string>{"ant", "cat", "dog"}));
    const Batch b = all_of(*data);
    CHECK(torch::equal(b.x, torch::tensor({{1.0f, 10.0f}, {2.0f, 20.0f}, {4.0f, 40.0f}})));
    CHECK(torch::equal(b.c.value.at("label"), torch::tensor({1, 2, 0}, torch::kLong)));
    CHECK(torch::equal(b.c.value.at("when"), torch::tensor({0.5f, 1.5f, 3.5f})));
    CHECK(data->notes().at(0) == "1 rows with missing values left out");
    folder.write("t.txt", "  1.0   2.0\n  3.0   4.0\n");
    CHECK(torch::equal(all_of(*open_data(folder / "t.txt")).x,
                       torch::tensor({{1.0f, 2.0f}, {3.0f, 4.0f}})));
    folder.write("t.tsv", "x\ty\n1\t2\n");
    CHECK((open_data(folder / "t.tsv")->columns() == std::vector<std::string>{"x", "y"}));
    const auto grouped = open_data((folder / "t.csv.gz") + "?context=kind,when&drop=note,b");
    CHECK(grouped->spec().condition("kind")->space.kind == Kind::symbol);
    CHECK((grouped->columns() == std::vector<std::string>{"a"}));
}

TEST_CASE("split, n and seed choose rows; a simulator's splits are other items") {
    const Folder folder;
    std::string csv = "a\n";
    for (int i = 0; i < 200; ++i) csv += std::to_string(i) + "\n";
    const std::string file = folder.write("t.csv", csv);
    std::vector<Tensor> parts;
    for (const auto& [split, n] : std::vector<std::pair<std::string, std::int64_t>>{
             {"train", 160}, {"validation", 20}, {"test", 20}}) {
        const auto data = open_data(file + "?split=" + split);
        CHECK(data->size() == n);
        parts.push_back(all_of(*data).x);
    }
    CHECK(torch::equal(std::get<0>(torch::cat(parts).flatten().sort()),
                       torch::arange(200, torch::kFloat)));
    const Tensor some = all_of(*open_data(file + "?n=50")).x;
    CHECK(std::get<0>(torch::_unique(some)).size(0) == 50);
    CHECK_FALSE(torch::equal(some, all_of(*open_data(file + "?n=50&seed=1")).x));
    CHECK_FALSE(torch::equal(parts[2], all_of(*open_data(file + "?split=test&seed=1")).x));

    const auto ring = open_data("sim:ring?n=100&radius=5&seed=3");
    CHECK(ring->size() == 100);
    CHECK(all_of(*ring).x.norm(2, 1).mean().item<float>() == doctest::Approx(5).epsilon(0.02));
    const auto test = open_data("sim:ring?n=100&radius=5&seed=3&split=test");
    CHECK(torch::cdist(all_of(*ring).x, all_of(*test).x).min().item<float>() > 0);
    CHECK(torch::equal(all_of(*test).index, torch::arange(100)));
    CHECK(torch::equal(all_of(*ring->own_test()).x, all_of(*test).x.slice(0, 0, 16)));
    CHECK(ring->simulator() != nullptr);
}

TEST_CASE("real files: Fashion-MNIST, CIFAR, Omniglot, photographs, tables") {
    const std::string root = std::string(PF_SOURCE_DIR) + "/../shared/data/";
    if (!std::filesystem::exists(root)) {
        MESSAGE("skipped: no real data beside the checkout");
        return;
    }
    const auto fashion = open_data(root + "fashion_mnist");
    CHECK(fashion->size() == 60000);
    CHECK(fashion->own_test()->size() == 10000);
    CHECK(all_of(*fashion->own_test()).x.mean().item<double>() ==
          doctest::Approx(0.2868).epsilon(0.001));
    const auto cifar = open_data(root + "cifar10_subset");
    CHECK(cifar->size() == 10000);
    CHECK(cifar->spec().condition("label")->names.at(0) == "airplane");
    const std::vector<std::int64_t> some = {0, 1, 12, 9999};
    CHECK(torch::equal(cifar->get(some).c.value.at("label"),
                       torch::tensor({0, 1, 2, 9}, torch::kLong)));
    const auto omniglot = open_data(root + "omniglot_small/images_background_small1.zip?size=28");
    CHECK(omniglot->size() == 2720);
    CHECK(omniglot->spec().condition("label")->space.symbols == 136);
    const auto photographs = open_data(root + "skimage_images?size=32");
    CHECK(photographs->size() == 16);
    const std::vector<std::int64_t> all = {0, 3, 15};
    const Tensor x = photographs->get(all).x;
    CHECK((x.sizes().vec() == std::vector<std::int64_t>{3, 3, 32, 32}));
    CHECK(x.std().item<double>() > 0.1);
    CHECK(open_data(root + "adbench/14_glass.npz#X?label=y")->spec().x.event.at(0) == 7);
}

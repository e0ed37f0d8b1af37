#include "pushforward/base/hdf5.hpp"

#include <chrono>
#include <random>
#include <thread>

#include "pushforward/base/gzip.hpp"
#include "pushforward/base/sniff.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

template <class T>
std::vector<T> values(const Array& array) {
    const auto all = array.as<T>();
    return {all.begin(), all.end()};
}

/// What tools/make_hdf5_fixture.py made h5py write.
const Blob& by_h5py() {
    static const Blob blob = map_file(PF_SOURCE_DIR "/tests/reference/data/h5py.h5");
    return blob;
}

ArrayEntry entry_of(const std::vector<ArrayEntry>& list, const std::string& name) {
    for (const auto& entry : list)
        if (entry.name == name) return entry;
    return {"", DType::f32, {}, "absent"};
}

/// 1 to 6 but for a 100 at the end, in the type T and in both byte orders.
template <class T>
void check_type(const std::string& code, DType dtype, const std::vector<T>& expected) {
    for (const std::string order : {"little/", "big/"}) {
        CAPTURE(order + code);
        const Array array = read_hdf5(by_h5py(), order + code);
        CHECK(array.dtype == dtype);
        CHECK(array.shape == Shape{2, 3});
        CHECK(values<T>(array) == expected);
    }
}
template <class T>
void check_type(const std::string& code) {
    check_type<T>(code, dtype_of<T>(), {1, 2, 3, 4, 5, 100});
}

}  // namespace

TEST_CASE("HDF5 comes back as it was written, equal arrays in equal files") {
    const Scratch scratch;
    std::vector<double> many(400'000);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i * i % 1009) / 7;
    const NamedArrays arrays{
        {"samples", array_of<float>({2, 2}, {1, 2, 3, 4})},
        {"bool", make_array(DType::boolean, {3}, {std::byte{1}, std::byte{0}, std::byte{1}})},
        {"u8", array_of<std::uint8_t>({2}, {0, 255})},
        {"i8", array_of<std::int8_t>({2}, {-128, 127})},
        {"i16", array_of<std::int16_t>({2}, {-32768, 2})},
        {"u16", array_of<std::uint16_t>({2}, {65535, 2})},
        {"i32", array_of<std::int32_t>({1, 2}, {-5, 1 << 30})},
        {"u32", array_of<std::uint32_t>({2}, {0xffffffff, 2})},
        {"i64", array_of<std::int64_t>({2}, {-1, std::int64_t{1} << 62})},
        {"u64", array_of<std::uint64_t>({1}, {~std::uint64_t{0}})},
        {"f16", make_array(DType::f16, {1}, {std::byte{0xff}, std::byte{0xfb}})},
        {"bf16", make_array(DType::bf16, {1}, {std::byte{0x80}, std::byte{0x3f}})},
        {"f64/scalar", array_of<double>({}, {0.5})},
        {"f64/many", array_of<double>({800, 500}, many)},
        {"nothing", array_of<float>({0, 3}, {})}};
    write_hdf5(scratch / "a.h5", arrays);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // a clock of seconds would show
    write_hdf5(scratch / "b.h5", arrays);
    CHECK(content_of(scratch / "a.h5") == content_of(scratch / "b.h5"));
    CHECK_FALSE(std::filesystem::exists(scratch / "a.h5.tmp"));
    const Blob blob = map_file(scratch / "a.h5");
    CHECK(sniff(blob.bytes) == FileKind::hdf5);
    CHECK(blob.bytes.size() < many.size() * 8 / 2);  // it is deflated
    const auto list = list_hdf5(blob);
    CHECK(list.size() == arrays.size());
    for (const auto& [name, array] : arrays) {
        CAPTURE(name);
        CHECK(entry_of(list, name).problem.empty());
        CHECK(entry_of(list, name).dtype == array.dtype);
        CHECK(entry_of(list, name).shape == array.shape);
        const Array back = read_hdf5(blob, name);
        CHECK(back.dtype == array.dtype);
        CHECK(back.shape == array.shape);
        CHECK(std::equal(back.view().begin(), back.view().end(), array.view().begin(),
                         array.view().end()));
    }
}

TEST_CASE("HDF5 of another writer: integers and floats in either byte order") {
    check_type<std::int8_t>("i1");
    check_type<std::int16_t>("i2");
    check_type<std::int32_t>("i4");
    check_type<std::int64_t>("i8");
    check_type<std::uint8_t>("u1");
    check_type<std::uint16_t>("u2");
    check_type<std::uint32_t>("u4");
    check_type<std::uint64_t>("u8");
    check_type<std::uint16_t>("f2", DType::f16, {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x5640});
    check_type<float>("f4");
    check_type<double>("f8");
}

TEST_CASE("HDF5 of another writer: booleans, enumerations, bit fields, chunks, links") {
    const Blob& blob = by_h5py();
    const Array truth = read_hdf5(blob, "bool");
    CHECK(truth.dtype == DType::boolean);
    CHECK(std::to_integer<int>(truth.data[0]) == 1);
    CHECK(std::to_integer<int>(truth.data[1]) == 0);
    CHECK(values<std::int16_t>(read_hdf5(blob, "kind")) == std::vector<std::int16_t>{7, -3, 7});
    CHECK(values<std::uint8_t>(read_hdf5(blob, "bits")) == std::vector<std::uint8_t>{1, 0, 255});
    CHECK(read_hdf5(blob, "scalar").shape.empty());
    CHECK(read_hdf5(blob, "scalar").as<double>()[0] == 0.5);
    CHECK(read_hdf5(blob, "empty").shape == Shape{0, 3});
    const Array packed = read_hdf5(blob, "packed");
    CHECK(packed.shape == Shape{40, 100});
    bool counting_up = true;
    for (std::int32_t i = 0; i < 4000; ++i)
        counting_up &= packed.as<std::int32_t>()[static_cast<std::size_t>(i)] == i;
    CHECK(counting_up);
    CHECK(read_hdf5(blob, "alias").as<float>()[5] == 100);
    const auto list = list_hdf5(blob);
    CHECK(entry_of(list, "dangling").problem == "absent");
    CHECK(entry_of(list, "elsewhere").problem == "absent");
}

TEST_CASE("HDF5 data sets that cannot be read leave the others readable and say why") {
    const auto list = list_hdf5(by_h5py());
    const auto problem = [&](const std::string& name, const std::string& part) {
        CAPTURE(name);
        const std::string why = entry_of(list, name).problem;
        CHECK_MESSAGE(contains(why, part), why);
        CHECK_SAYS(read_hdf5(by_h5py(), name), "h5py.h5#" + name + ": " + why);
    };
    problem("bad/text", "got texts");
    problem("bad/varying", "got rows of varying length");
    problem("bad/complex", "got structures");
    problem("bad/arrays", "got arrays as elements");
    problem("bad/long", "got floats of 16 bytes");
    problem("bad/outside", "in another file");
    problem("bad/virtual", "in another file");
    problem("bad/huge", "declares 8796093022208 bytes, which a file of");
    problem("bad/lzf", "needs the filter 32000 (lzf)");
    problem("null", "holds no values");
    CHECK_SAYS(read_hdf5(by_h5py(), "elsewhere"), "expected one of its data sets (alias, bad/");
    CHECK_SAYS(read_hdf5(by_h5py(), "labels"), "big/f4");
    CHECK_SAYS(read_hdf5(by_h5py(), "labels"), "), got \"labels\"");
    CHECK_SAYS(read_hdf5(by_h5py(), "packed", 15999), "expected at most 15999 bytes, it declares");
}

TEST_CASE("HDF5 behind a user block, under gzip, and from many threads") {
    const std::string plain(by_h5py().text());
    for (const std::size_t before : {512, 1024, 4096}) {
        const Blob blob = blob_of("u.h5", std::string(before, 'M') + plain);
        CHECK(sniff(blob.bytes) == FileKind::hdf5);
        CHECK(read_hdf5(blob, "little/f4").as<float>()[5] == 100);
    }
    CHECK(sniff(bytes_of(std::string(513, 'M') + plain)) == FileKind::unknown);
    const Blob inside = unpack(blob_of("f.h5.gz", gzipped(plain)));
    CHECK(values<float>(read_hdf5(inside, "big/f4"))[4] == 5);
    std::vector<int> right(4);
    std::vector<std::thread> threads;
    for (auto& r : right)
        threads.emplace_back([&r] {
            for (int i = 0; i < 5; ++i)
                r += read_hdf5(by_h5py(), "packed").as<std::int32_t>()[3999] == 3999;
        });
    for (auto& thread : threads) thread.join();
    CHECK(right == std::vector<int>{5, 5, 5, 5});
}

TEST_CASE("HDF5 that is none, is cut, or lies about its sizes") {
    const std::string plain(by_h5py().text());
    CHECK_SAYS(list_hdf5(blob_of("f", "")), "f: expected an HDF5 file, got no bytes");
    CHECK_SAYS(list_hdf5(blob_of("f", "\x89HDF nothing")), "f: malformed HDF5: ");
    CHECK_SAYS(list_hdf5(blob_of("f", plain.substr(0, 700))), "truncated file");
    // A dimension of 41 rows where 40 are kept, and of more than can be addressed: the dataspace
    // message of "packed" is its sizes [40, 100], then their limits [unlimited, 100].
    const std::string sizes = low_first(40, 8) + low_first(100, 8) + std::string(8, '\xff');
    const std::size_t at = plain.find(sizes);
    REQUIRE(at != std::string::npos);
    REQUIRE(plain.find(sizes, at + 1) == std::string::npos);
    const auto with = [&](std::uint64_t rows) {
        std::string lying = plain;
        return blob_of("f", lying.replace(at, 8, low_first(rows, 8)));
    };
    CHECK(read_hdf5(with(40), "packed").count() == 4000);
    CHECK_SAYS(read_hdf5(with(std::uint64_t{1} << 40), "packed"), "cannot hold");
    CHECK_SAYS(read_hdf5(with(std::uint64_t{1} << 62), "packed"), "f#packed: expected a shape");
    CHECK_SAYS(read_hdf5(with(100'000), "packed", 1 << 20), "it declares 40000000");
    // Deflated bytes that are damaged: the checksum behind them says so.
    std::string damaged = plain;
    const std::size_t deflated = plain.find("x\x5e");
    REQUIRE(deflated != std::string::npos);
    damaged[deflated + 30] ^= 0x10;
    CHECK_SAYS(read_hdf5(blob_of("f", damaged), "packed"), "f#packed: malformed HDF5: ");
}

TEST_CASE("300 damaged HDF5 files are read or refused, each within two seconds") {
    const Scratch scratch;
    std::vector<float> numbers(3000);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i % 77);
    write_hdf5(scratch / "a.h5", {{"samples", array_of<float>({1000, 3}, numbers)},
                                  {"group/label", array_of<std::int64_t>({4}, {1, 2, 3, 4})}});
    const std::string files[] = {content_of(scratch / "a.h5"), std::string(by_h5py().text())};
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    int refused = 0, died = 0;
    double longest = 0;
    for (int i = 0; i < 300; ++i) {
        CAPTURE(i);
        std::string bytes = files[i % 2];
        // Most of the structure lies at the front; a byte, a huge number, a cut.
        for (std::size_t k = 1 + below(8); k > 0 && !bytes.empty(); --k) {
            const std::size_t at =
                below(below(2) ? std::min<std::size_t>(3000, bytes.size()) : bytes.size());
            const std::size_t what = below(16);
            if (what == 0)
                bytes.resize(at);
            else if (what < 4)
                bytes.replace(at, std::min<std::size_t>(4, bytes.size() - at), 4, '\xff');
            else
                bytes[at] = static_cast<char>(random());
        }
        const Blob blob = blob_of("damaged", bytes);
        const auto begun = std::chrono::steady_clock::now();
        try {
            for (const auto& entry : list_hdf5(blob))
                if (entry.problem.empty() && below(8) == 0) read_hdf5(blob, entry.name, 1 << 24);
        } catch (const DataError& error) {
            ++refused;
            died += contains(error.what(), "died of signal");
            CHECK(contains(error.what(), "damaged"));
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
        longest = std::max(longest, took.count());
        CHECK(took.count() < 2);
    }
    CHECK(refused > 30);
    MESSAGE(refused, " refused, of which ", died, " killed their reader; the longest took ",
            longest, " s");
}

TEST_CASE("HDF5 that cannot be written") {
    const Scratch scratch;
    const Array one = array_of<float>({1}, {1});
    CHECK(contains(
        message_of<UsageError>([&] { write_hdf5(scratch / "a.h5", {{"x", one}, {"x", one}}); }),
        "expected arrays that HDF5 can hold, got array x: name already exists"));
    CHECK(contains(
        message_of<UsageError>([&] { write_hdf5(scratch / "a.h5", {{"x", one}, {"x/y", one}}); }),
        "array x/y: "));
    CHECK(contains(message_of<StorageError>([&] { write_hdf5(scratch / "no/a.h5", {{"x", one}}); }),
                   "No such file"));
    CHECK_FALSE(std::filesystem::exists(scratch / "a.h5"));
}

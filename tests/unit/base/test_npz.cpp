#include "pushforward/base/npz.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "pushforward/base/npy.hpp"
#include "pushforward/base/zip.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000,)}";

std::string zip_of(const Scratch& scratch,
                   const std::vector<std::pair<std::string, std::string>>& all) {
    std::vector<ZipEntry> entries;
    for (const auto& [name, text] : all) entries.push_back({name, {bytes_of(text)}});
    write_zip(scratch / "z.zip", entries);
    return content_of(scratch / "z.zip");
}

/// The declared size of the only member replaced, in its local and its central header.
std::string declaring(std::string zip, std::uint32_t size) {
    const std::size_t central = zip.find("PK\x01\x02");
    zip.replace(22, 4, low_first(size, 4));
    zip.replace(central + 24, 4, low_first(size, 4));
    return zip;
}

std::size_t resident_bytes() {
    std::size_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("npz comes back as it was written, equal arrays in equal files") {
    const Scratch scratch;
    const NamedArrays arrays{{"samples", array_of<float>({2, 2}, {1, 2, 3, 4})},
                             {"label", array_of<std::int64_t>({2}, {7, 8})},
                             {"scalar", array_of<double>({}, {0.5})}};
    write_npz(scratch / "a.npz", arrays);
    write_npz(scratch / "b.npz", arrays);
    CHECK(content_of(scratch / "a.npz") == content_of(scratch / "b.npz"));
    CHECK_FALSE(std::filesystem::exists(scratch / "a.npz.tmp"));
    const Blob blob = map_file(scratch / "a.npz");
    const NamedArrays back = read_npz(blob);
    REQUIRE(back.size() == 3);
    CHECK(back[0].first == "samples");
    CHECK(back[0].second.shape == Shape{2, 2});
    CHECK(back[0].second.as<float>()[3] == 4);
    CHECK(read_npz(blob, "label").as<std::int64_t>()[1] == 8);
    CHECK(read_npz(blob, "scalar").shape.empty());
    const auto list = list_npz(blob);
    CHECK(list[1].name == "label");
    CHECK(list[1].dtype == DType::i64);
    CHECK(list[1].shape == Shape{2});
    CHECK(list[1].problem.empty());
    CHECK_SAYS(read_npz(blob, "labels"), "(samples.npy, label.npy, scalar.npy), got \"labels\"");
}

TEST_CASE("an npz member that cannot be read leaves the others readable") {
    const Scratch scratch;
    const std::string zip =
        zip_of(scratch, {{"names.npy", npy_of("{'descr': '<U3', 'fortran_order': False, "
                                              "'shape': (0,)}",
                                              "")},
                         {"x.npy", npy_of(header, std::string(1000, 'x'))},
                         {"notes.txt", "hello, this is no array"}});
    const Blob blob = blob_of("a.npz", zip);
    CHECK(read_npz(blob, "x").count() == 1000);
    const auto list = list_npz(blob);
    CHECK(contains(list[0].problem, "a.npz#names: npy header"));
    CHECK(list[1].problem.empty());
    CHECK(contains(list[2].problem, "NUMPY"));
    CHECK_SAYS(read_npz(blob), "'<U3'");
}

TEST_CASE("an npz whose sizes lie is refused") {
    const Scratch scratch;
    const auto npz = [&](std::size_t bytes) {
        return zip_of(scratch, {{"x.npy", npy_of(header, std::string(bytes, 'x'))}});
    };
    CHECK(read_npz(blob_of("f", npz(1000)), "x").count() == 1000);
    CHECK_SAYS(read_npz(blob_of("f", npz(999)), "x"), "f#x: expected 1068 bytes for uint8 [1000]");
    CHECK_SAYS(read_npz(blob_of("f", npz(1001)), "x"), "the archive declares 1069");
    // The directory agrees with the array's header, but the deflated bytes hold more or fewer.
    CHECK_SAYS(read_npz(blob_of("f", declaring(npz(1300), 1068)), "x"), "member \"x.npy\"");
    CHECK_SAYS(read_npz(blob_of("f", declaring(npz(900), 1068)), "x"), "member \"x.npy\"");
    CHECK_SAYS(read_npz(blob_of("f", declaring(npz(1000), 0xfffffff0)), "x"), "cannot hold");
    std::string larger = declaring(npz(1000), 0x30000000);  // and a packed size to match it
    larger.replace(18, 4, low_first(0x1000000, 4));
    larger.replace(larger.find("PK\x01\x02") + 20, 4, low_first(0x1000000, 4));
    CHECK_SAYS(ZipArchive(blob_of("f", larger)), "16777216 deflated bytes cannot hold");
    CHECK_SAYS(read_npz(blob_of("f", npz(1000)), "x", 1000), "at most 1000 bytes");
    CHECK_SAYS(list_npz(blob_of("f", npz(1000)), 1000), "at most 1000 bytes");
    CHECK_SAYS(read_npz(blob_of("f", "PK\x03\x04 nothing"), "x"), "expected a zip archive");
    const std::string whole = npz(1000);
    CHECK_SAYS(read_npz(blob_of("f", whole.substr(0, whole.size() - 30)), "x"), "zip archive");
}

TEST_CASE("a zip bomb is refused quickly and with little memory") {
    const Scratch scratch;
    // Two members of 24 MB of zeros against a cap of 40 MB, and one within the cap whose array
    // asks for less than it holds.
    const std::string zeros(24'000'000, '\0');
    const std::string two = zip_of(scratch, {{"a.npy", zeros}, {"b.npy", zeros}});
    const std::string one = zip_of(scratch, {{"x.npy", npy_of(header, zeros)}});
    const std::size_t before = resident_bytes();
    CHECK_SAYS(read_npz(blob_of("f", two), "a", 40'000'000), "members declare more");
    CHECK_SAYS(read_npz(blob_of("f", one), "x"), "the archive declares 24000068");
    CHECK(resident_bytes() < before + (8 << 20));
}

TEST_CASE("zip members are listed, capped and checked") {
    const Scratch scratch;
    const std::string zip = zip_of(scratch, {{"cat/1.txt", "meow"}, {"dog/2.txt", "woof"}});
    const ZipArchive archive(blob_of("f.zip", zip));
    REQUIRE(archive.members().size() == 2);
    CHECK(archive.members()[0].name == "cat/1.txt");
    CHECK(archive.members()[0].size == 4);
    CHECK(blob_of("", archive.read(archive.find("dog/2.txt"))).text() == "woof");
    CHECK(blob_of("", archive.head(archive.find("dog/2.txt"), 2)).text() == "wo");
    CHECK_SAYS(archive.read(archive.find("dog/2.txt"), 3), "at most 3 bytes, it declares 4");
    CHECK_SAYS(archive.find("x"), "(cat/1.txt, dog/2.txt), got \"x\"");
    std::string broken = zip_of(scratch, {{"cat/1.txt", counting(250) + counting(250)}});
    broken[100] ^= 4;
    const ZipArchive corrupt(blob_of("f.zip", broken));
    CHECK_SAYS(corrupt.read(corrupt.find("cat/1.txt")), "member \"cat/1.txt\": corrupt");
    for (const char* name : {"../x", "/x", "a/../../x", "a\\b"})
        CHECK_SAYS(ZipArchive(blob_of("f", zip_of(scratch, {{name, "x"}}))), "inside the archive");
}

TEST_CASE("an npz that does not fit on the disk leaves the old one intact") {
    const Scratch scratch;
    std::filesystem::create_directory(scratch / "disk");
    if (::mount("none", (scratch / "disk").c_str(), "tmpfs", 0, "size=64k") != 0) {
        MESSAGE("skipped: a small tmpfs cannot be mounted here");
        return;
    }
    const auto target = scratch / "disk/a.npz";
    write_npz(target, {{"x", array_of<float>({1}, {7})}});
    std::vector<std::uint32_t> noise(25000);
    std::uint32_t state = 7;
    for (auto& n : noise) n = state = state * 1664525 + 1013904223;
    CHECK(contains(message_of<StorageError>([&] {
                       write_npz(target, {{"x", array_of<std::uint32_t>({25000}, noise)}});
                   }),
                   "a.npz: No space left on device"));
    CHECK(read_npz(map_file(target), "x").as<float>()[0] == 7);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(scratch / "disk"))
        ++files;
    CHECK(files == 1);
    CHECK(::umount((scratch / "disk").c_str()) == 0);
}

TEST_CASE("a zip that cannot be written is a StorageError and leaves nothing") {
    const Scratch scratch;
    CHECK(contains(message_of<StorageError>([&] { write_zip(scratch / "no/a.zip", {}); }),
                   "No such file"));
    std::filesystem::create_directory(scratch / "a.npz");
    std::ofstream(scratch / "a.npz/file") << "x";
    CHECK(contains(message_of<StorageError>([&] {
                       write_npz(scratch / "a.npz", {{"x", array_of<float>({1}, {1})}});
                   }),
                   "directory"));
    CHECK_FALSE(std::filesystem::exists(scratch / "a.npz.tmp"));
    const NamedArrays noise{
        {"x", array_of<std::uint8_t>({300}, std::vector<std::uint8_t>(300, 3))}};
    write_npz(scratch / "b.npz", noise);
    CHECK(read_npz(map_file(scratch / "b.npz"), "x").count() == 300);
}

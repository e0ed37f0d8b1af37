#include "pushforward/base/cifar.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/base/idx.hpp"
#include "pushforward/base/sniff.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

std::string idx_of(char type, const std::vector<std::uint32_t>& shape, const std::string& data) {
    std::string out{'\0', '\0', type, static_cast<char>(shape.size())};
    for (const auto n : shape) out += high_first(n);
    return out + data;
}

Array idx(const std::string& bytes) {
    return read_idx(blob_of("f", bytes));
}

}  // namespace

TEST_CASE("IDX of every type is read") {
    const Blob blob = blob_of("f", idx_of(8, {2, 3}, "abcdef"));
    const Array a = read_idx(blob);
    CHECK(a.shape == Shape{2, 3});
    CHECK(a.as<std::uint8_t>()[5] == 'f');
    CHECK(a.data == blob.bytes.data() + 12);
    CHECK(idx(idx_of(9, {1}, "\xff")).as<std::int8_t>()[0] == -1);
    CHECK(idx(idx_of(11, {2}, std::string("\xff\xfe\x01\x02", 4))).as<std::int16_t>()[0] == -2);
    CHECK(idx(idx_of(11, {2}, std::string("\xff\xfe\x01\x02", 4))).as<std::int16_t>()[1] == 258);
    CHECK(idx(idx_of(12, {1}, std::string("\0\1\0\2", 4))).as<std::int32_t>()[0] == 65538);
    CHECK(idx(idx_of(13, {1}, std::string("\x3f\x80\0\0", 4))).as<float>()[0] == 1.0F);
    CHECK(idx(idx_of(14, {1}, std::string("\x3f\xf0\0\0\0\0\0\0", 8))).as<double>()[0] == 1.0);
    CHECK(idx(idx_of(8, {0}, "")).count() == 0);
}

TEST_CASE("a malformed IDX is refused with the bytes expected and got") {
    CHECK_SAYS(idx(idx_of(8, {2, 3}, "abcde")), "expected 18 bytes for uint8 [2, 3], got 17");
    CHECK_SAYS(idx(idx_of(8, {2, 3}, "abcdefg")), "got 19");
    CHECK_SAYS(idx(std::string("\0\0\x08", 3)), "IDX header: expected 4 bytes, got 3");
    CHECK_SAYS(idx(std::string("\0\0\x08\x03", 4) + high_first(1)), "expected 16 bytes, got 8");
    CHECK_SAYS(idx(idx_of(10, {1}, "x")), "a type of 8, 9 or 11 to 14");
    CHECK_SAYS(idx(idx_of(8, {}, "")), "1 or more dimensions");
    CHECK_SAYS(idx("\1" + idx_of(8, {1}, "x").substr(1)), "expected 0, 0");
    const std::uint32_t huge = 0xffffffff;
    CHECK_SAYS(idx(idx_of(8, {huge, huge, huge}, "x")), "shape that can be addressed");
    CHECK_SAYS(idx(idx_of(8, {huge, 1 << 30}, "x")), "bytes for uint8 [4294967295, 1073741824]");
    CHECK_SAYS(idx(idx_of(8, std::vector<std::uint32_t>(65, 1), "x")), "at most 64 dimensions");
}

TEST_CASE("CIFAR records of both kinds are read") {
    const std::string pixels = counting(3072);
    const Cifar ten = read_cifar(blob_of("f", '\3' + pixels + '\x09' + pixels));
    CHECK(ten.classes == 10);
    CHECK(ten.images.shape == Shape{2, 3, 32, 32});
    CHECK(ten.labels.as<std::uint8_t>()[1] == 9);
    CHECK(ten.coarse_labels.count() == 0);
    CHECK(ten.images.as<std::uint8_t>()[3072 + 1024 + 5] == 5);
    const Cifar hundred = read_cifar(blob_of("f", std::string("\x13\x63", 2) + pixels));
    CHECK(hundred.classes == 100);
    CHECK(hundred.labels.as<std::uint8_t>()[0] == 99);
    CHECK(hundred.coarse_labels.as<std::uint8_t>()[0] == 19);
    CHECK(hundred.images.as<std::uint8_t>()[3071] == 255);
    CHECK(is_cifar(bytes_of('\3' + pixels)));
    CHECK_FALSE(is_cifar(bytes_of('\x0a' + pixels)));
    CHECK_FALSE(is_cifar({}));
}

TEST_CASE("malformed CIFAR is refused with the record") {
    const std::string pixels(3072, 'x');
    CHECK_SAYS(read_cifar(blob_of("f", "")), "got 0 bytes");
    CHECK_SAYS(read_cifar(blob_of("f", '\1' + pixels + "12")), "got 3075 bytes");
    CHECK_SAYS(read_cifar(blob_of("f", '\1' + pixels + '\x0a' + pixels)),
               "f: record 1: expected a label below 10, got 10");
    CHECK_SAYS(read_cifar(blob_of("f", std::string("\x14\x01", 2) + pixels)),
               "record 0: expected labels below 20 and 100, got 20 and 1");
    CHECK_SAYS(read_cifar(blob_of("f", std::string("\x01\x64", 2) + pixels)), "got 1 and 100");
}

TEST_CASE("the real Fashion-MNIST and CIFAR-10 files are read") {
    const std::filesystem::path data = std::filesystem::path(PF_SOURCE_DIR) / "../shared/data";
    if (!std::filesystem::exists(data / "fashion_mnist")) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    for (const auto& file : std::filesystem::directory_iterator(data / "fashion_mnist")) {
        if (!contains(file.path().filename().string(), "ubyte")) continue;
        const Blob blob = open_file(file.path());
        CHECK(sniff(blob.bytes) == FileKind::idx);
        const Array array = read_idx(blob);
        CHECK(array.shape[0] % 10000 == 0);
        if (array.shape.size() == 3) CHECK(array.shape[2] == 28);
    }
    const Cifar cifar = read_cifar(open_file(data / "cifar10_subset/test_2000.bin.gz"));
    CHECK(cifar.labels.count() == 2000);
    CHECK(cifar.classes == 10);
}

TEST_CASE("the kind of a file is told from its first bytes") {
    const auto kind = [](const std::string& bytes) { return sniff(bytes_of(bytes)); };
    CHECK(kind(gzipped("x")) == FileKind::gzip);
    CHECK(kind("PK\x03\x04") == FileKind::zip);
    CHECK(kind("\x89PNG\r\n\x1a\n") == FileKind::png);
    CHECK(kind("\xff\xd8\xff\xe0") == FileKind::jpeg);
    CHECK(kind("\x93NUMPY\x01") == FileKind::npy);
    CHECK(kind("\x89HDF\r\n\x1a\n") == FileKind::hdf5);
    CHECK(kind(std::string(2048, ' ') + "\x89HDF\r\n\x1a\n") == FileKind::hdf5);
    CHECK(kind("RIFF....WAVEfmt ") == FileKind::wav);
    CHECK(kind(safetensors_of("{}", "")) == FileKind::safetensors);
    CHECK(kind(idx_of(8, {1}, "x")) == FileKind::idx);
    CHECK(kind("a,b\n1,2\n") == FileKind::text);
    CHECK(kind("\xef\xbb\xbfné,b\n") == FileKind::text);
    CHECK(kind(std::string(4095, 'x') + "é") == FileKind::text);
    CHECK(kind("caf\xe9") == FileKind::unknown);
    CHECK(kind(std::string("a\0b", 3)) == FileKind::unknown);
    CHECK(kind("") == FileKind::unknown);
    CHECK(std::string(name_of(FileKind::safetensors)) == "safetensors");
    CHECK(std::string(name_of(FileKind::text)) == "text");
}

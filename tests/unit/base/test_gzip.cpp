#include "pushforward/base/gzip.hpp"

#include "pushforward/base/npy.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

TEST_CASE("gzip is told from content, members are joined, sizes are exact") {
    std::string text;
    for (int i = 0; i < 50000; ++i) text += std::to_string(i * 7919 % 10007);
    const std::string packed = gzipped(text);
    CHECK(is_gzip(bytes_of(packed)));
    CHECK_FALSE(is_gzip(bytes_of("x")));
    CHECK(gunzip(blob_of("f", packed)).text() == text);
    CHECK(gunzip(blob_of("f", packed + gzipped("tail"))).text() == text + "tail");
    CHECK(gunzip(blob_of("f", gzipped(""))).bytes.empty());
    CHECK(gunzip(blob_of("f", packed), text.size()).text() == text);
    CHECK_SAYS(gunzip(blob_of("f", packed), text.size() - 1), "expected at most");
    const Buffer head = gunzip_head(blob_of("f", packed), 100);
    CHECK(blob_of("", head).text() == text.substr(0, 100));
    CHECK(gunzip_head(blob_of("f", packed), 1 << 22).size() == text.size());
    const Scratch scratch;
    write_atomic(scratch / "f.gz", packed);
    CHECK(open_file(scratch / "f.gz").text() == text);
    write_atomic(scratch / "plain.gz", "not packed");
    CHECK(open_file(scratch / "plain.gz").text() == "not packed");
}

TEST_CASE("a cut or corrupt gzip is refused with the byte") {
    const std::string packed = gzipped(counting(5000) + std::string(5000, 'y'));
    for (std::size_t n = 2; n < packed.size(); ++n)
        CHECK_SAYS(gunzip(blob_of("f.gz", packed.substr(0, n))),
                   text("f.gz: gzip, byte ", n, ": expected more, the file is cut short"));
    std::string flipped = packed;
    flipped[flipped.size() - 6] ^= 1;
    CHECK_SAYS(gunzip(blob_of("f", flipped)), "incorrect data check");
    flipped = packed;
    flipped[flipped.size() - 2] ^= 1;
    CHECK_SAYS(gunzip(blob_of("f", flipped)), "incorrect length check");
    CHECK_SAYS(gunzip(blob_of("f", packed + "rest")), text("byte ", packed.size() + 2));
}

TEST_CASE("a gzip bomb and an inner header that lies are refused") {
    const std::string zeros = gzipped(std::string(80 << 20, '\0'));
    CHECK_SAYS(gunzip(blob_of("bomb.gz", zeros)), "got a bomb");
    const auto lying = [](const std::string& shape, std::size_t bytes) {
        return blob_of(
            "f.gz",
            gzipped(npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + "}",
                           std::string(bytes, 'x'))));
    };
    CHECK(read_npy(unpack(lying("(1000,)", 1000))).count() == 1000);
    CHECK_SAYS(unpack(lying("(1099511627776,)", 1000)), "its header declares 1099511627");
    CHECK_SAYS(unpack(lying("(1000,)", 5000000)), "expected at most 10");
    CHECK_SAYS(read_npy(unpack(lying("(1000,)", 999))), "got 999");
    const std::string idx = std::string("\0\0\x08\x01", 4) + high_first(10);
    CHECK_SAYS(unpack(blob_of("f.gz", gzipped(idx + std::string(1 << 20, 'x')))),
               "at most 18 bytes");
}

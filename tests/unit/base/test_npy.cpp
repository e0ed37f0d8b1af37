#include "pushforward/base/npy.hpp"

#include <numeric>

#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

Array read(const std::string& bytes) {
    return read_npy(blob_of("a.npy", bytes));
}

std::string header(const std::string& descr, const std::string& shape,
                   const std::string& fortran = "False") {
    return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class T>
std::vector<T> values(const Array& array) {
    return {array.as<T>().begin(), array.as<T>().end()};
}

}  // namespace

TEST_CASE("npy comes back as it was written, its data at a multiple of 64") {
    const Scratch scratch;
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 3}, Shape{0, 5}, Shape{1, 1, 7}}) {
        const auto n =
            std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
        std::vector<double> numbers(static_cast<std::size_t>(n));
        std::iota(numbers.begin(), numbers.end(), 0.5);
        write_npy(scratch / "a.npy", array_of<double>(shape, numbers));
        const Blob blob = map_file(scratch / "a.npy");
        CHECK(read_npy_header(blob).offset % 64 == 0);
        const Array back = read_npy(blob);
        CHECK(back.shape == shape);
        CHECK(values<double>(back) == numbers);
        if (n > 0) CHECK(back.data == blob.bytes.data() + read_npy_header(blob).offset);
    }
    CHECK(contains(
        message_of<UsageError>([] { npy_header(make_array(DType::bf16, {1}, Buffer(2))); }),
        "bfloat16"));
}

TEST_CASE("npy of other orders and versions is turned into ours") {
    const std::string data = std::string("\0\1\0\2\0\3\0\4\0\5\0\6", 12);
    const std::vector<std::int16_t> plain{1, 2, 3, 4, 5, 6}, turned{1, 3, 5, 2, 4, 6};
    CHECK(values<std::int16_t>(read(npy_of(header(">i2", "(2, 3)"), data))) == plain);
    CHECK(values<std::int16_t>(read(npy_of(header(">i2", "(2, 3)", "True"), data))) == turned);
    CHECK(values<std::uint8_t>(read(npy_of(header("|u1", "(2, 2)", "True"), "abcd"))) ==
          std::vector<std::uint8_t>{'a', 'c', 'b', 'd'});
    // Three dimensions: element (i, j, k) of a Fortran array lies at i + 2 j + 4 k.
    CHECK(values<std::uint8_t>(read(npy_of(header("|u1", "(2, 2, 2)", "True"), counting(8)))) ==
          std::vector<std::uint8_t>{0, 4, 2, 6, 1, 5, 3, 7});
    const std::string text = "{\"shape\":(2L,),\"fortran_order\":True,\"descr\":\"|b1\"}\n";
    CHECK(read(npy_of(text, std::string("\1\0", 2))).dtype == DType::boolean);
    for (const char version : {'\2', '\3'})
        CHECK(read(std::string("\x93NUMPY") + version + '\0' + low_first(text.size(), 4) + text +
                   std::string("\1\0", 2))
                  .count() == 2);
    CHECK(read(npy_of(header("<f4", "()"), std::string(4, '\0'))).shape.empty());
}

TEST_CASE("malformed and foreign npy is refused with its place") {
    const auto refuse = [](const std::string& text, const std::string& part) {
        CHECK_SAYS(read(npy_of(text, "")), part);
    };
    CHECK_SAYS(read("\x93NUM"), "expected 10 bytes, got 4");
    CHECK_SAYS(read(std::string(20, 'x')), "begin with \\x93NUMPY");
    CHECK_SAYS(read(std::string("\x93NUMPY\x04\x00\x00\x00", 10)), "got 4.0");
    CHECK_SAYS(read(std::string("\x93NUMPY\x01\x00\xff\xff", 10)), "expected 65545 bytes, got 10");
    CHECK_SAYS(read(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)), "at most 65536");
    refuse(header("|O", "(1,)"), "got type '|O'");
    refuse(header("<U5", "(1,)"), "got type '<U5'");
    refuse(header("<c8", "(1,)"), "got type '<c8'");
    refuse(header("<f16", "(1,)"), "got type '<f16'");
    refuse(header("|f8", "(1,)"), "got type '|f8'");
    refuse(header("", "(1,)"), "got type ''");
    refuse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured");
    refuse(header("<f4", "(-1,)"), "dimension of 0 or more");
    refuse(header("<f4", "(1.5,)"), "expected ')'");
    refuse(header("<f4", "(99999999999999999999,)"), "dimension of 0 or more");
    refuse(header("<f4", "(4611686018427387904, 8)"), "shape that can be addressed");
    refuse(header("<f4", "(0, 4611686018427387904, 8)"), "shape that can be addressed");
    refuse(header("<f4", "__import__('os')"), "expected '('");
    refuse(header("<f4", "(1,)", "1"), "True or False");
    refuse(header("<f4", "(1,)") + " x", "and nothing else");
    refuse("{'descr': '<f4', 'shape': (1,)}", "fortran_order");
    refuse("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "'descr'");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "'x'");
    refuse("{'descr': '<f4", "closing quote");
    refuse("", "expected '{'");
    CHECK_SAYS(read(npy_of(header("<f4", "(3,)"), std::string(11, '\0'))),
               "expected 12 bytes of float32 [3], got 11");
    CHECK_SAYS(read(npy_of(header("<f4", "(3,)"), std::string(13, '\0'))), "got 13");
    CHECK_SAYS(read(npy_of(header("<f8", "(137438953472,)"), "")), "got 0");
    CHECK_SAYS(read(npy_of(header("|b1", "(2,)"), "\1\2")), "booleans of 0 or 1");
}

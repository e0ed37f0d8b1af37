#include "pushforward/base/array.hpp"

#include "tests/unit/base/scratch.hpp"

using namespace pushforward;

TEST_CASE("an array counts, views and refuses the wrong type") {
    const Array a = array_of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
    CHECK(a.count() == 6);
    CHECK(a.bytes == 24);
    CHECK(a.as<float>()[5] == 6);
    CHECK(contains(message_of<UsageError>([&] { a.as<double>(); }), "float64"));
    CHECK(contains(message_of<UsageError>([&] { array_of<float>({2}, {1}); }), "8 bytes"));
    CHECK(array_of<float>({}, {1}).count() == 1);
    CHECK(array_of<float>({0, 3}, {}).count() == 0);
    CHECK(shape_text({2, 3}) == "[2, 3]");
    CHECK(shape_text({}) == "[]");
}

TEST_CASE("sizes that cannot be addressed are refused, also behind a zero") {
    const std::int64_t large = std::int64_t{1} << 62;
    CHECK_SAYS(byte_count(DType::f32, {large, 8}, "f", "tensor"), "f: tensor: expected a shape");
    CHECK_SAYS(byte_count(DType::f32, {0, large, 8}, "f", ""), "4611686018427387904");
    CHECK_SAYS(byte_count(DType::f32, {-1}, "f", ""), "[-1]");
    CHECK_SAYS(byte_count(DType::u8, Shape(65, 1), "f", ""), "at most 64 dimensions");
    CHECK(byte_count(DType::f64, {3, 5}, "f", "") == 120);
    CHECK(byte_count(DType::u8, Shape(64, 1), "f", "") == 1);
}

TEST_CASE("a view keeps its owner, and copies only what is not aligned") {
    const Blob blob = blob_of("b", Buffer(17));
    const Array aligned = view_array(DType::f32, {4}, blob.bytes.first(16), blob.owner);
    CHECK(aligned.data == blob.bytes.data());
    const Array moved = view_array(DType::f32, {4}, blob.bytes.subspan(1), blob.owner);
    CHECK(moved.data != blob.bytes.data() + 1);
    CHECK(reinterpret_cast<std::uintptr_t>(moved.data) % 4 == 0);
}

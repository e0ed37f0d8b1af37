#include "pushforward/base/safetensors.hpp"

#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

Safetensors read(const std::string& bytes) {
    return read_safetensors(blob_of("m", bytes));
}

/// A file of one float32 tensor of two elements, with its entry replaced.
std::string with_entry(const std::string& entry, std::size_t data = 8) {
    return safetensors_of("{\"w\":" + entry + "}", std::string(data, '\0'));
}

}  // namespace

TEST_CASE("safetensors come back as they were written") {
    const Scratch scratch;
    Safetensors file;
    file.metadata = {{"recipe", "abc"}, {"note", "é \"quoted\""}};
    file.tensors["b.weight"] = array_of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
    file.tensors["a.mask"] =
        make_array(DType::boolean, {3}, {std::byte{1}, std::byte{0}, std::byte{1}});
    file.tensors["step"] = array_of<std::int64_t>({}, {-7});
    file.tensors["empty"] = array_of<double>({0, 4}, {});
    file.tensors["half"] = make_array(DType::bf16, {1}, Buffer(2));
    write_safetensors(scratch / "m.safetensors", file);
    const Safetensors back = read_safetensors(map_file(scratch / "m.safetensors"));
    CHECK(back.metadata.at("recipe") == "abc");
    CHECK(back.metadata.at("note") == "é \"quoted\"");
    CHECK(back.metadata.at("format") == "pt");
    REQUIRE(back.tensors.size() == 5);
    for (const auto& [name, array] : file.tensors) {
        const Array& other = back.tensors.at(name);
        CHECK(other.dtype == array.dtype);
        CHECK(other.shape == array.shape);
        CHECK(std::equal(array.view().begin(), array.view().end(), other.view().begin(),
                         other.view().end()));
    }
    CHECK(back.tensors.at("step").as<std::int64_t>()[0] == -7);
}

TEST_CASE("a written header is padded to 8 bytes and equal tensors give equal files") {
    const Scratch scratch;
    for (std::size_t n = 1; n < 9; ++n) {
        Safetensors file;
        file.tensors[std::string(n, 'x')] = array_of<std::uint8_t>({1}, {5});
        write_safetensors(scratch / "a", file);
        write_safetensors(scratch / "b", file);
        const std::string bytes = content_of(scratch / "a");
        CHECK((bytes.size() - 1) % 8 == 0);
        CHECK(bytes == content_of(scratch / "b"));
        CHECK(read(bytes).tensors.at(std::string(n, 'x')).as<std::uint8_t>()[0] == 5);
    }
}

TEST_CASE("valid edges of safetensors are read") {
    CHECK(read(safetensors_of("{}", "")).tensors.empty());
    CHECK(read(safetensors_of("{}      ", "")).tensors.empty());
    CHECK(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})")).tensors.size() ==
          1);
    CHECK(read(with_entry(R"({"data_offsets":[0,4],"shape":[],"dtype":"I32"})", 4))
              .tensors.at("w")
              .count() == 1);
    CHECK(read(with_entry(R"({"dtype":"F32","shape":[5,0],"data_offsets":[0,0]})", 0))
              .tensors.at("w")
              .count() == 0);
    // A tensor that does not begin at a multiple of its element's size is copied.
    const Safetensors odd =
        read(safetensors_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                            R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                            std::string("\x07\x00\x00\x80\x3f", 5)));
    CHECK(odd.tensors.at("a").as<std::uint8_t>()[0] == 7);
    CHECK(odd.tensors.at("b").as<float>()[0] == 1.0F);
}

TEST_CASE("every malformed class of safetensors is refused with its place") {
    const auto two = [](const std::string& a, const std::string& b) {
        return safetensors_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
                                  R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
                              std::string(8, '\0'));
    };
    CHECK(read(two("[4,8]", "[0,4]")).tensors.size() == 2);
    CHECK_SAYS(read(""), "m: header: expected at least 8 bytes, got 0");
    CHECK_SAYS(read("1234567"), "at least 8 bytes");
    CHECK_SAYS(read(low_first(100'000'001, 8) + "{}"), "expected a length of at most");
    CHECK_SAYS(read(low_first(3, 8) + "{}"), "expected a length of at most 2, got 3");
    CHECK_SAYS(read(low_first(~std::uint64_t{0}, 8) + "{}"), "18446744073709551615");
    CHECK_SAYS(read(safetensors_of("", "")), "begin with {");
    CHECK_SAYS(read(safetensors_of(" {}", "")), "begin with {");
    CHECK_SAYS(read(safetensors_of("[]", "")), "begin with {");
    CHECK_SAYS(read(safetensors_of("{", "")), "m: header: line 1");
    CHECK_SAYS(read(safetensors_of("{} x", "")), "expected JSON");
    CHECK_SAYS(read(safetensors_of("{\"\xff\":1}", "")), "expected JSON");
    CHECK_SAYS(read(safetensors_of(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                   R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                                   "x")),
               "got \"w\" again");
    CHECK_SAYS(read(safetensors_of("{\"w\":" + std::string(500, '['), "")), "deep");
    CHECK_SAYS(read(two("[0,4]", "[5,9]")), "(a hole)");
    CHECK_SAYS(read(two("[0,4]", "[3,7]")), "(an overlap)");
    CHECK_SAYS(read(two("[1,5]", "[5,9]")), "begin at byte 0");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 9)),
               "data: expected 8 bytes as the header says, got 9");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7)), "got 7");
    CHECK_SAYS(read(safetensors_of("{}", "x")), "got 1");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})")),
               "expected 12 bytes for F32 [3], got offsets of 8");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})")),
               "data_offsets [begin, end]");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})")),
               "data_offsets [begin, end]");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8.0]})")),
               "data_offsets [begin, end]");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})")),
               "dimensions of 0 or more, got -2");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})")),
               "dimensions of 0 or more, got 2.5");
    CHECK_SAYS(
        read(with_entry(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})")),
        "dimensions of 0 or more");
    CHECK_SAYS(read(with_entry(
                   R"({"dtype":"F32","shape":[0,4611686018427387904,8],"data_offsets":[0,0]})", 0)),
               "shape that can be addressed");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})")), "a list");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})")),
               "got F8_E4M3");
    CHECK_SAYS(read(with_entry(R"({"dtype":7,"shape":[8],"data_offsets":[0,8]})")), "a text");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2]})")), "exactly dtype");
    CHECK_SAYS(read(with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})")),
               "exactly dtype");
    CHECK_SAYS(read(with_entry("3")), "tensor \"w\": expected exactly");
    CHECK_SAYS(read(safetensors_of(R"({"__metadata__":{"a":1}})", "")), "a text under \"a\"");
    CHECK_SAYS(read(safetensors_of(R"({"__metadata__":[]})", "")), "a map of texts");
    CHECK_SAYS(
        read(safetensors_of(R"({"w":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", "\x02")),
        "booleans of 0 or 1, got 2 at index 0");
    std::string deep = "[1";
    for (int i = 0; i < 64; ++i) deep += ",1";
    CHECK_SAYS(
        read(with_entry(R"({"dtype":"U8","shape":)" + deep + R"(],"data_offsets":[0,1]})", 1)),
        "at most 64 dimensions, got 65");
}

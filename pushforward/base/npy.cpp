#include "pushforward/base/npy.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "pushforward/base/byte_order.hpp"

namespace pushforward {
namespace {

constexpr std::size_t max_header = 65536;

constexpr std::pair<const char*, DType> codes[] = {
    {"b1", DType::boolean}, {"u1", DType::u8},  {"i1", DType::i8},  {"i2", DType::i16},
    {"u2", DType::u16},     {"i4", DType::i32}, {"u4", DType::u32}, {"i8", DType::i64},
    {"u8", DType::u64},     {"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}};

/// Reads the one literal that the header may be: {'key': 'text' | True | False | (n, n), ...}.
class Literal {
public:
    Literal(const std::string& file, std::string_view text) : file_(file), text_(text) {}

    void read(NpyHeader& out) {
        bool descr = false, order = false, shape = false;
        expect('{');
        while (!take('}')) {
            const std::string key = quoted();
            expect(':');
            if (key == "descr" && !std::exchange(descr, true))
                type(out);
            else if (key == "fortran_order" && !std::exchange(order, true))
                out.fortran_order = truth();
            else if (key == "shape" && !std::exchange(shape, true))
                out.shape = tuple();
            else
                fail("expected descr, fortran_order and shape once each, got '" + key + "'");
            if (!take(',')) {
                expect('}');
                break;
            }
        }
        blanks();
        if (at_ != text_.size() || !descr || !order || !shape)
            fail("expected descr, fortran_order and shape, and nothing else");
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw DataError(file_, text("npy header, character ", at_), what);
    }
    void blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }
    bool take(char c) {
        blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!take(c)) fail(std::string("expected '") + c + "'");
    }
    std::string quoted() {
        const char quote = take('"') ? '"' : '\'';
        if (quote == '\'') expect('\'');
        const std::size_t end = text_.find(quote, at_);
        if (end == std::string_view::npos) fail("expected a closing quote");
        const std::string out(text_.substr(at_, end - at_));
        at_ = end + 1;
        return out;
    }
    bool truth() {
        blanks();
        for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)})
            if (text_.substr(at_).starts_with(word)) {
                at_ += std::strlen(word);
                return value;
            }
        fail("expected True or False");
    }
    Shape tuple() {
        Shape out;
        expect('(');
        while (!take(')')) {
            blanks();
            std::int64_t n = 0;
            const char* first = text_.data() + at_;
            const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), n);
            if (error != std::errc() || n < 0) fail("expected a dimension of 0 or more");
            at_ += static_cast<std::size_t>(end - first);
            take('L');  // Python 2 wrote long integers so
            out.push_back(n);
            if (!take(',')) {
                expect(')');
                break;
            }
        }
        return out;
    }
    void type(NpyHeader& out) {
        if (take('[')) fail("expected numbers or booleans, got a structured type");
        const std::string descr = quoted();
        const auto code = std::find_if(std::begin(codes), std::end(codes), [&](const auto& c) {
            return descr.size() == 3 && descr.substr(1) == c.first;
        });
        const char order = descr.empty() ? ' ' : descr[0];
        if (code == std::end(codes) || std::strchr("<>|=", order) == nullptr ||
            (order == '|' && size_of(code->second) > 1))
            fail("expected numbers or booleans of at most 64 bits, got type '" + descr + "'");
        out.dtype = code->second;
        out.big_endian = order == '>' && size_of(out.dtype) > 1;
    }

    const std::string& file_;
    std::string_view text_;
    std::size_t at_ = 0;
};

/// From Fortran order (the first index runs fastest) to C order.
Buffer to_c_order(Bytes bytes, const Shape& shape, std::size_t size) {
    const std::size_t rank = shape.size();
    std::vector<std::size_t> stride(rank), index(rank, 0), extent(shape.begin(), shape.end());
    std::size_t step = size;
    for (std::size_t d = 0; d < rank; ++d) {
        stride[d] = step;
        step *= extent[d];
    }
    Buffer out(bytes.size());
    std::size_t from = 0;
    for (std::size_t to = 0; to < out.size(); to += size) {
        std::memcpy(out.data() + to, bytes.data() + from, size);
        for (std::size_t d = rank; d-- > 0;) {
            from += stride[d];
            if (++index[d] < extent[d]) break;
            from -= stride[d] * extent[d];
            index[d] = 0;
        }
    }
    return out;
}

}  // namespace

NpyHeader read_npy_header(const Blob& blob) {
    const Bytes bytes = blob.bytes;
    const auto need = [&](std::size_t n) {
        if (bytes.size() < n)
            throw DataError(blob.name, "npy header",
                            text("expected ", n, " bytes, got ", bytes.size()));
    };
    need(10);
    if (!blob.text().starts_with("\x93NUMPY"))
        throw DataError(blob.name, "npy header", "expected it to begin with \\x93NUMPY");
    const int version = std::to_integer<int>(bytes[6]);
    if (version < 1 || version > 3 || bytes[7] != std::byte{0})
        throw DataError(blob.name, "npy header",
                        text("expected version 1.0, 2.0 or 3.0, got ", version, ".",
                             std::to_integer<int>(bytes[7])));
    const std::size_t start = version == 1 ? 10 : 12;
    need(start);
    const std::size_t length = version == 1 ? little_endian<std::uint16_t>(bytes, 8)
                                            : little_endian<std::uint32_t>(bytes, 8);
    if (length > max_header)
        throw DataError(blob.name, "npy header",
                        text("expected at most ", max_header, " bytes, got ", length));
    need(start + length);
    NpyHeader header;
    Literal(blob.name, blob.text().substr(start, length)).read(header);
    header.offset = start + length;
    header.bytes = byte_count(header.dtype, header.shape, blob.name, "npy header");
    return header;
}

Array read_npy(const Blob& blob) {
    NpyHeader header = read_npy_header(blob);
    const Bytes bytes = blob.bytes.subspan(header.offset);
    if (bytes.size() != header.bytes)
        throw DataError(blob.name, "",
                        text("expected ", header.bytes, " bytes of ", name_of(header.dtype), " ",
                             shape_text(header.shape), ", got ", bytes.size()));
    const std::size_t size = size_of(header.dtype);
    const bool turn = header.fortran_order && header.shape.size() > 1;
    Array array;
    if (!turn && !header.big_endian) {
        array = view_array(header.dtype, std::move(header.shape), bytes, blob.owner);
    } else {
        Buffer out;
        if (header.big_endian) out = swap_bytes(bytes, size);
        if (turn) out = to_c_order(header.big_endian ? Bytes(out) : bytes, header.shape, size);
        array = make_array(header.dtype, std::move(header.shape), std::move(out));
    }
    check_booleans(array, blob.name, "");
    return array;
}

Buffer npy_header(const Array& array) {
    const auto code = std::find_if(std::begin(codes), std::end(codes),
                                   [&](const auto& c) { return array.dtype == c.second; });
    PF_CHECK(code != std::end(codes), "npy", "a type that numpy knows", name_of(array.dtype));
    std::string shape = "(";
    for (const auto n : array.shape) shape += std::to_string(n) + ", ";
    if (array.shape.size() > 1) shape.resize(shape.size() - 2);
    if (array.shape.size() == 1) shape.resize(shape.size() - 1);
    std::string header = text("{'descr': '", size_of(array.dtype) > 1 ? '<' : '|', code->first,
                              "', 'fortran_order': False, 'shape': ", shape, "), }");
    const std::size_t total = (10 + header.size() + 1 + 63) / 64 * 64;
    header.resize(total - 11, ' ');
    header += '\n';
    std::string out("\x93NUMPY\x01\x00", 8);
    out += static_cast<char>(header.size() & 255);
    out += static_cast<char>(header.size() >> 8);
    out += header;
    const Bytes bytes = bytes_of(out);
    return {bytes.begin(), bytes.end()};
}

void write_npy(const FilePath& path, const Array& array) {
    AtomicFile file(path);
    file.write(npy_header(array));
    file.write(array.view());
    file.commit();
}

}  // namespace pushforward

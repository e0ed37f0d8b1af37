// The file, little-endian:
//   "\x93PFC", version u8 = 1, block_bits u8, SHA-256 of the model, content's length u64,
//   CRC-32C of all that u32; then for every 2^block_bits bytes of content, the last for fewer:
//   n u32 (bit 31: the payload is the content itself), CRC-32C of the content u32,
//   payload of n bytes, CRC-32C of all that u32.
// The model's state runs on from block to block and begins anew after a raw one.
#include "pushforward/base/compress.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <numeric>
#include <optional>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/range_coder.hpp"

namespace pushforward {
namespace {

constexpr std::string_view magic = "\x93PFC";
constexpr std::uint8_t version = 1;
constexpr std::size_t bits_at = 5, hash_at = 6, length_at = 38, sum_at = 46, header_size = 50;
constexpr std::size_t frame_size = 12;
constexpr std::uint32_t raw_flag = std::uint32_t{1} << 31, all = std::uint32_t{1} << frequency_bits;

void append(Buffer& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

template <std::unsigned_integral T>
void append(Buffer& out, T value) {
    append(out, std::as_bytes(std::span(&value, 1)));
}

using Digest = std::array<std::uint8_t, 32>;

Digest digest_of(const std::string& hex) {
    Digest out{};
    bool valid = hex.size() == 64;
    for (std::size_t i = 0; valid && i < 32; ++i) {
        const char* end = hex.data() + 2 * i + 2;
        valid = std::from_chars(end - 2, end, out[i], 16).ptr == end;
    }
    PF_CHECK(valid, "compress", "a model's hash of 64 hexadecimal digits", hex);
    return out;
}

/// The first digits of a hash, for messages.
std::string digits(Bytes digest) {
    std::string out;
    for (const std::byte byte : digest.first(6))
        for (const int shift : {4, 0})
            out += "0123456789abcdef"[std::to_integer<int>(byte) >> shift & 15];
    return out;
}

bool says(const Alphabet& alphabet, const std::vector<std::uint32_t>& symbols, Bytes content) {
    Buffer said;
    for (const std::uint32_t symbol : symbols)
        if (symbol < alphabet.texts.size())
            append(said, bytes_of(alphabet.texts[symbol]));
        else
            said.push_back(static_cast<std::byte>(symbol - alphabet.texts.size()));
    return std::equal(said.begin(), said.end(), content.begin(), content.end());
}

std::span<const std::uint32_t> ask(SymbolModel& model, const Alphabet& alphabet) {
    const auto frequencies = model.frequencies();
    PF_CHECK(frequencies.size() == alphabet.texts.size(), "compress",
             text("frequencies of ", alphabet.texts.size(), " symbols"), frequencies.size());
    return frequencies;
}

/// The block's code; nothing when it is no shorter than the block or cannot say it.
std::optional<Buffer> encode(Bytes content, const Alphabet& alphabet, SymbolModel& model) {
    const std::vector<std::uint32_t> symbols = alphabet.parse(content);
    const auto count = static_cast<std::uint32_t>(alphabet.texts.size());
    if (!says(alphabet, symbols, content)) return {};
    RangeEncoder coder;
    for (const std::uint32_t symbol : symbols) {
        const auto frequencies = ask(model, alphabet);
        const auto place = frequencies.begin() + std::min(symbol, count);
        const std::uint32_t low = std::accumulate(frequencies.begin(), place, 0U);
        if (symbol < count) {
            coder.encode(low, low + *place, frequency_bits);
            model.push(symbol);
        } else {
            if (low == all) return {};
            coder.encode(low, all, frequency_bits);
            coder.encode(symbol - count, symbol - count + 1, 8);
        }
        if (coder.size() >= content.size()) return {};
    }
    Buffer code = coder.finish();
    if (code.size() >= content.size()) return {};
    return code;
}

/// Appends the block's content. False when the code does not say so many bytes and nothing else.
bool decode(Bytes code, std::size_t length, const Alphabet& alphabet, SymbolModel& model,
            Buffer& out) {
    RangeDecoder decoder(code);
    for (const std::size_t end = out.size() + length; out.size() < end;) {
        const auto frequencies = ask(model, alphabet);
        const std::uint32_t target = decoder.target(frequency_bits);
        std::uint32_t low = 0, symbol = 0;
        while (symbol < frequencies.size() && target - low >= frequencies[symbol])
            low += frequencies[symbol++];
        if (symbol < frequencies.size()) {
            decoder.take(low, low + frequencies[symbol], frequency_bits);
            const Bytes said = bytes_of(alphabet.texts[symbol]);
            if (said.empty() || said.size() > end - out.size()) return false;
            append(out, said);
            model.push(symbol);
        } else {
            decoder.take(low, all, frequency_bits);
            const std::uint32_t byte = decoder.target(8);
            decoder.take(byte, byte + 1, 8);
            out.push_back(static_cast<std::byte>(byte));
        }
        if (decoder.overrun() > 8) return false;
    }
    return decoder.overrun() >= 4;
}

struct Header {
    std::uint64_t length = 0, block = 0;
};

Header read_header(const Blob& blob, const Digest& model, std::uint64_t cap) {
    const Bytes bytes = blob.bytes;
    const auto refuse = [&](const std::string& what) -> DataError {
        return DataError(blob.name, "header", what);
    };
    if (!blob.text().starts_with(magic.substr(0, bytes.size())) || bytes.empty())
        throw refuse("expected a file that compress wrote");
    if (bytes.size() < header_size)
        throw refuse(text("expected ", header_size, " bytes, got ", bytes.size()));
    if (bytes[4] != std::byte{version})
        throw refuse(
            text("expected version ", int{version}, ", got ", std::to_integer<int>(bytes[4])));
    if (little_endian<std::uint32_t>(bytes, sum_at) != crc32c(bytes.first(sum_at)))
        throw refuse("damaged: its checksum does not fit");
    const Bytes theirs = bytes.subspan(hash_at, 32), ours = std::as_bytes(std::span(model));
    if (!std::equal(theirs.begin(), theirs.end(), ours.begin()))
        throw refuse(
            text("expected a file of the model ", digits(ours), ", got one of ", digits(theirs)));
    const auto block_bits = std::to_integer<int>(bytes[bits_at]);
    if (block_bits < 4 || block_bits > 24)
        throw refuse(text("expected blocks of 2^4 to 2^24 bytes, got 2^", block_bits));
    const Header out{little_endian<std::uint64_t>(bytes, length_at),
                     std::uint64_t{1} << block_bits};
    if (out.length > cap)
        throw refuse(text("expected at most ", cap, " bytes inside, it declares ", out.length));
    const std::uint64_t blocks = out.length / out.block + (out.length % out.block != 0);
    if (blocks > (bytes.size() - header_size) / frame_size)
        throw refuse(text("expected ", blocks, " blocks for the ", out.length,
                          " bytes that it declares, the file is cut short"));
    return out;
}

}  // namespace

Alphabet byte_alphabet(const std::string& letters) {
    Alphabet out;
    const auto count = static_cast<std::uint32_t>(letters.size());
    std::array<std::uint32_t, 256> symbols;
    std::iota(symbols.begin(), symbols.end(), count);
    for (std::uint32_t i = count; i-- > 0;) symbols[static_cast<std::uint8_t>(letters[i])] = i;
    for (const char letter : letters) out.texts.emplace_back(1, letter);
    out.parse = [symbols](Bytes content) {
        std::vector<std::uint32_t> said(content.size());
        std::transform(content.begin(), content.end(), said.begin(),
                       [&](std::byte byte) { return symbols[std::to_integer<std::size_t>(byte)]; });
        return said;
    };
    return out;
}

Buffer compress(Bytes content, const std::string& model_hash, const Alphabet& alphabet,
                SymbolModel& model, int block_bits) {
    PF_CHECK(block_bits >= 4 && block_bits <= 24, "compress", "block_bits of 4 to 24", block_bits);
    const Digest digest = digest_of(model_hash);
    Buffer out;
    append(out, bytes_of(magic));
    append(out, version);
    append(out, static_cast<std::uint8_t>(block_bits));
    append(out, std::as_bytes(std::span(digest)));
    append(out, std::uint64_t{content.size()});
    append(out, crc32c(out));

    bool fresh = true;
    while (!content.empty()) {
        const Bytes block = content.first(std::min(content.size(), std::size_t{1} << block_bits));
        content = content.subspan(block.size());
        if (fresh) model.begin();
        const std::optional<Buffer> code = encode(block, alphabet, model);
        fresh = !code;
        const Bytes payload = code ? Bytes(*code) : block;
        const std::size_t begin = out.size();
        append(out, static_cast<std::uint32_t>(payload.size()) | (code ? 0 : raw_flag));
        append(out, crc32c(block));
        append(out, payload);
        append(out, crc32c(Bytes(out).subspan(begin)));
    }
    return out;
}

Buffer decompress(const Blob& blob, const std::string& model_hash, const Alphabet& alphabet,
                  SymbolModel& model, std::uint64_t cap) {
    const Header header = read_header(blob, digest_of(model_hash), cap);
    Buffer out;
    std::size_t at = header_size;
    bool fresh = true;
    for (std::size_t number = 1; out.size() < header.length; ++number) {
        const Bytes rest = blob.bytes.subspan(at);
        const auto refuse = [&](const std::string& what) -> DataError {
            return DataError(blob.name, text("block ", number, ", byte ", at), what);
        };
        const auto length =
            static_cast<std::size_t>(std::min(header.block, header.length - out.size()));
        if (rest.size() < frame_size) throw refuse("expected more, the file is cut short");
        const auto word = little_endian<std::uint32_t>(rest, 0);
        const bool raw = word & raw_flag;
        const std::size_t size = word & ~raw_flag;
        if (raw ? size != length : size >= length)
            throw refuse(text("expected a payload of ", raw ? "" : "less than ", length,
                              " bytes, it declares ", size));
        if (rest.size() - frame_size < size) throw refuse("expected more, the file is cut short");
        if (little_endian<std::uint32_t>(rest, 8 + size) != crc32c(rest.first(8 + size)))
            throw refuse("damaged: its checksum does not fit");

        const std::size_t begin = out.size();
        const Bytes payload = rest.subspan(8, size);
        if (raw)
            append(out, payload);
        else if (fresh)
            model.begin();
        fresh = raw;
        if ((!raw && !decode(payload, length, alphabet, model, out)) ||
            little_endian<std::uint32_t>(rest, 4) != crc32c(Bytes(out).subspan(begin)))
            throw refuse(
                "expected the content that was compressed, its code says something else: here the "
                "model is not computed as it was there");
        at += frame_size + size;
    }
    if (at != blob.bytes.size())
        throw DataError(blob.name, text("byte ", at),
                        text("expected the end, got ", blob.bytes.size() - at, " bytes more"));
    return out;
}

}  // namespace pushforward

#include "pushforward/base/compress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/frequencies.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

const std::string hash = std::string(31, 'a') + "0123456789abcdef" + std::string(17, 'b');

/// Adaptive counts n of what followed the last `order` symbols: p = (n + 0.02) / sum. Beside its
/// code it adds up -log2 p in double; `unsaid` is what of 2^30 it leaves to the escape.
class Counting : public SymbolModel {
public:
    Counting(std::size_t symbols, int order, std::uint32_t unsaid = 0)
        : symbols_(symbols), order_(order), unsaid_(unsaid), logits_(symbols), out_(symbols) {
        for (std::size_t n = 0; n < logs_.size(); ++n)
            logs_[n] = std::log(static_cast<float>(n) + 0.02F);
        std::size_t contexts = 1;
        for (int i = 0; i < order; ++i) contexts *= symbols;
        fresh_.assign(contexts * symbols, 0);
    }
    void begin() override {
        counts_ = fresh_;
        context_ = 0;
        ++beginnings;
    }
    std::span<const std::uint32_t> frequencies() override {
        for (std::size_t i = 0; i < symbols_; ++i) logits_[i] = logs_[row()[i]];
        integer_frequencies(logits_, (1U << frequency_bits) - unsaid_, out_);
        return out_;
    }
    void push(std::uint32_t symbol) override {
        double sum = 0;
        for (std::size_t i = 0; i < symbols_; ++i) sum += row()[i] + 0.02;
        bits -= std::log2((row()[symbol] + 0.02) / sum);
        if (row()[symbol] + 1U < logs_.size()) ++row()[symbol];
        if (order_ > 0) context_ = (context_ * symbols_ + symbol) % (fresh_.size() / symbols_);
    }

    double bits = 0;
    int beginnings = 0;

private:
    std::uint16_t* row() { return counts_.data() + context_ * symbols_; }

    std::size_t symbols_, context_ = 0;
    int order_;
    std::uint32_t unsaid_;
    std::vector<std::uint16_t> counts_, fresh_;
    std::array<float, 1 << 15> logs_;
    std::vector<float> logits_;
    std::vector<std::uint32_t> out_;
};

/// The same frequencies always.
class Constant : public SymbolModel {
public:
    explicit Constant(std::vector<std::uint32_t> all) : all_(std::move(all)) {}
    void begin() override {}
    std::span<const std::uint32_t> frequencies() override { return all_; }
    void push(std::uint32_t) override { ++pushed; }

    int pushed = 0;

private:
    std::vector<std::uint32_t> all_;
};

const Alphabet bytes_alphabet = byte_alphabet(counting(256));

/// At each place the first of the texts that what is left begins with.
Alphabet greedy_alphabet(const std::vector<std::string>& texts) {
    const auto parse = [texts](Bytes rest) {
        std::vector<std::uint32_t> out;
        while (!rest.empty()) {
            const auto begins = [&](const std::string& said) {
                const Bytes head = rest.first(std::min(said.size(), rest.size()));
                return !said.empty() &&
                       said == blob_of("", Buffer(head.begin(), head.end())).text();
            };
            const auto found = std::find_if(texts.begin(), texts.end(), begins);
            out.push_back(static_cast<std::uint32_t>(found - texts.begin()));
            if (found == texts.end()) out.back() += std::to_integer<std::uint32_t>(rest[0]);
            rest = rest.subspan(found == texts.end() ? 1 : found->size());
        }
        return out;
    };
    return {texts, parse};
}

std::string random_bytes(std::size_t n) {
    std::mt19937 random(5);
    std::string out(n, '\0');
    for (char& byte : out) byte = static_cast<char>(random());
    return out;
}

/// alice29.txt, or about as many words drawn as 1/rank.
std::string real_text() {
    const std::filesystem::path data = PF_SOURCE_DIR "/../shared/data/gutenberg_text/alice29.txt";
    if (std::filesystem::exists(data)) return content_of(data);
    MESSAGE("../shared/data is not here: made text");
    std::mt19937 random(6);
    std::string out;
    while (out.size() < 150000) {
        const double u = static_cast<double>(random()) / 4294967296.0;
        out += "w" + std::to_string(static_cast<int>(std::exp(u * 8))) + " ";
    }
    return out;
}

std::string packed(const std::string& content, const Alphabet& alphabet, SymbolModel& model,
                   int block_bits = 18) {
    const Buffer out = compress(bytes_of(content), hash, alphabet, model, block_bits);
    return std::string(blob_of("", out).text());
}

std::string unpacked(const std::string& file, const Alphabet& alphabet, SymbolModel& model,
                     std::uint64_t cap = default_cap) {
    const Buffer out = decompress(blob_of("f.pfc", file), hash, alphabet, model, cap);
    return std::string(blob_of("", out).text());
}

// The layout, said again.
std::string summed(const std::string& text) {
    return text + low_first(crc32c(bytes_of(text)), 4);
}
std::string header_of(std::uint64_t length, int block_bits = 4, char version = 1) {
    std::string digest;
    for (std::size_t i = 0; i < 64; i += 2)
        digest += static_cast<char>(std::stoi(hash.substr(i, 2), nullptr, 16));
    return summed(std::string("\x93PFC") + version + static_cast<char>(block_bits) + digest +
                  low_first(length, 8));
}
std::string block_of(const std::string& payload, const std::string& content, bool raw,
                     std::size_t size) {
    return summed(low_first(size | (raw ? 1U << 31 : 0), 4) +
                  low_first(crc32c(bytes_of(content)), 4) + payload);
}
std::string block_of(const std::string& payload, const std::string& content, bool raw) {
    return block_of(payload, content, raw, payload.size());
}

}  // namespace

TEST_CASE("text comes back from the length of its probabilities, 0.1 % and 64 bytes") {
    const std::string content = real_text();
    for (const int block_bits : {18, 14}) {
        Counting model(256, 2), again(256, 2);
        const std::string file = packed(content, bytes_alphabet, model, block_bits);
        const double ideal = model.bits / 8,
                     blocks = std::ceil(std::ldexp(content.size(), -block_bits));
        INFO(content.size(), " bytes, ideal ", ideal, ", file ", file.size());
        CHECK(static_cast<double>(file.size()) <= ideal * 1.001 + 64 + 13 * (blocks - 1));
        CHECK(static_cast<double>(file.size()) >= ideal * 0.999);
        CHECK(unpacked(file, bytes_alphabet, again) == content);
        CHECK(again.bits == model.bits);
        CHECK(model.beginnings == 1);  // the state runs on over blocks
    }
}

TEST_CASE("random bytes are stored raw at 0.2 % at most, and text after them is coded") {
    const std::string noise = random_bytes(40000), words = real_text().substr(0, 30000);
    Counting model(256, 0), again(256, 0);
    const std::string file = packed(noise, bytes_alphabet, model);
    CHECK(static_cast<double>(file.size()) <= 1.002 * 40000);
    CHECK(unpacked(file, bytes_alphabet, again) == noise);
    CHECK(again.bits == 0);  // decoding them asks nothing of the model

    const std::string mixed = words + noise + words;
    const std::string both = packed(mixed, bytes_alphabet, model, 12);
    CHECK(static_cast<double>(both.size()) < 0.9 * static_cast<double>(mixed.size()));
    CHECK(unpacked(both, bytes_alphabet, again) == mixed);
    for (const std::string& content : {std::string(), std::string("x"), std::string(100000, 'x'),
                                       std::string(16, 'x'), std::string(17, 'x')}) {
        const std::string small = packed(content, bytes_alphabet, model, 4);
        CHECK(unpacked(small, bytes_alphabet, again) == content);
    }
    Constant wrong({1, (1U << 30) - 1});  // 30 bits for each "a": it stops where it cannot gain
    CHECK(packed(std::string(1000, 'a'), byte_alphabet("ab"), wrong).size() == 1062);
    CHECK(wrong.pushed < 300);
    CHECK(packed("", bytes_alphabet, model).size() == 50);
    CHECK(packed(std::string(100000, 'x'), bytes_alphabet, model).size() < 250);
}

TEST_CASE("bytes outside the alphabet are escaped when the model leaves them room") {
    std::string content = "abcabcabcabcaabbccabcabcabc";
    for (int i = 0; i < 6; ++i) content += content;
    for (std::size_t i = 0; i < content.size(); i += 100) content[i] = static_cast<char>(i);
    const Alphabet abc = byte_alphabet("abc");
    Counting model(3, 1, 1U << 14), again(3, 1, 1U << 14);
    const std::string file = packed(content, abc, model);
    CHECK(unpacked(file, abc, again) == content);
    // 16 bits for an escape and 8 for the byte.
    const double escapes = std::ceil(static_cast<double>(content.size()) / 100);
    CHECK(static_cast<double>(file.size()) <= model.bits / 8 * 1.001 + escapes * 3 + 64);
    CHECK(static_cast<double>(file.size()) < 0.6 * static_cast<double>(content.size()));

    Counting closed(3, 1), closed_again(3, 1);
    const std::string raw = packed(content, abc, closed);
    CHECK(raw.size() == content.size() + 62);
    CHECK(unpacked(raw, abc, closed_again) == content);
}

TEST_CASE("symbols may say several bytes; what an alphabet does not say back is stored raw") {
    Alphabet alphabet = greedy_alphabet({"the ", "t", "", "he", " "});
    std::string content;
    for (int i = 0; i < 200; ++i) content += i % 7 ? "the " : i % 3 ? "he t" : "h\xc3\xa9 ";
    for (const int block_bits : {5, 18}) {
        Counting model(5, 1, 1U << 20), again(5, 1, 1U << 20);
        const std::string file = packed(content, alphabet, model, block_bits);
        CHECK(unpacked(file, alphabet, again) == content);
        if (block_bits == 18) CHECK(file.size() < content.size() / 3);
    }
    alphabet.parse = [](Bytes all) { return std::vector<std::uint32_t>(all.size(), 1); };
    Counting model(5, 1, 1), again(5, 1, 1);
    const std::string raw = packed(content, alphabet, model);
    CHECK(raw.size() == content.size() + 62);
    CHECK(unpacked(raw, alphabet, again) == content);
}

TEST_CASE("every flipped byte, every cut and every byte behind the end is refused") {
    const std::string content =
        "abababababababab" + std::string("\x01\x92\x03\x74!+x~qwertyuiop") + std::string(30, 'a');
    Counting model(256, 0);
    const std::string file = packed(content, bytes_alphabet, model, 4);
    REQUIRE(unpacked(file, bytes_alphabet, model) == content);
    REQUIRE(file.size() < 200);
    const auto said = [&](const std::string& bytes) {
        return message_of([&] { unpacked(bytes, bytes_alphabet, model); });
    };
    for (std::size_t at = 0; at < file.size(); ++at)
        for (int change = 1; change < 256; change = change < 128 ? 2 * change : change + 127) {
            std::string flipped = file;
            flipped[at] ^= static_cast<char>(change);
            const std::string message = said(flipped);
            REQUIRE_MESSAGE(contains(message, "f.pfc: "), at, " ", change, " ", message);
            REQUIRE(contains(message, at < 50 ? "header" : "block "));
        }
    for (std::size_t n = 0; n < file.size(); ++n)
        REQUIRE(
            contains(said(file.substr(0, n)), n < 50 ? "f.pfc: header: expected" : "cut short"));
    CHECK(contains(said(file + "x"),
                   text("f.pfc: byte ", file.size(), ": expected the end, got 1 bytes more")));
}

TEST_CASE("another model, another version and another arithmetic are refused") {
    Counting model(256, 1);
    const std::string content = real_text().substr(0, 3000);
    const std::string file = packed(content, bytes_alphabet, model, 10);
    CHECK_SAYS(decompress(blob_of("f.pfc", file), std::string(64, 'c'), bytes_alphabet, model),
               "f.pfc: header: expected a file of the model cccccccccccc, got one of aaaaaaaaaaaa");
    CHECK_SAYS(unpacked(header_of(0, 4, 2), bytes_alphabet, model), "expected version 1, got 2");
    CHECK_SAYS(unpacked("PK\x03\x04", bytes_alphabet, model),
               "expected a file that compress wrote");
    Counting other(256, 1, 5);
    CHECK_SAYS(unpacked(file, bytes_alphabet, other),
               "f.pfc: block 1, byte 50: expected the content that was compressed");
    const auto refused = [&](const auto& action) { return message_of<UsageError>(action); };
    CHECK(contains(refused([&] { compress({}, "1234", bytes_alphabet, model); }),
                   "64 hexadecimal digits"));
    CHECK(contains(refused([&] { compress({}, std::string(64, 'x'), bytes_alphabet, model); }),
                   "64 hexadecimal"));
    CHECK(contains(refused([&] { packed("abc", bytes_alphabet, model, 3); }),
                   "block_bits of 4 to 24, got 3"));
    CHECK(contains(refused([&] { packed("abc", byte_alphabet("abc"), model); }),
                   "frequencies of 3 symbols, got 256"));
}

TEST_CASE("forged files with right checksums are refused before they cost much") {
    Constant model({1U << 28, 1U << 29});  // "a", "bb"; a quarter escapes
    Alphabet alphabet{{"a", "bb"}, {}};
    alphabet.parse = [](Bytes) { return std::vector<std::uint32_t>(); };
    const auto message = [&](const std::string& bytes, std::uint64_t cap = default_cap) {
        return message_of([&] { unpacked(bytes, alphabet, model, cap); });
    };
    const auto is_raw = block_of("abcd", "abcd", true);
    CHECK(unpacked(header_of(4) + is_raw, alphabet, model) == "abcd");
    CHECK(contains(message(header_of(5) + is_raw), "expected a payload of 5 bytes, it declares 4"));
    CHECK(contains(message(header_of(4) + is_raw + is_raw), "expected the end, got 16 bytes more"));
    CHECK(contains(message(header_of(20) + is_raw), "expected 2 blocks for the 20 bytes"));
    CHECK(contains(message(header_of(std::uint64_t{1} << 40, 24) + is_raw),
                   "expected at most 4294967296 bytes inside"));
    CHECK(contains(message(header_of(UINT64_MAX, 24) + is_raw, UINT64_MAX),
                   "blocks for the 18446744073709551615 bytes"));
    CHECK(contains(message(header_of(4) + is_raw, 3),
                   "expected at most 3 bytes inside, it declares 4"));
    CHECK(contains(message(header_of(4, 3) + is_raw),
                   "expected blocks of 2^4 to 2^24 bytes, got 2^3"));
    CHECK(contains(message(header_of(4, 25) + is_raw), "got 2^25"));
    CHECK(contains(message(header_of(4) + block_of("abcd", "abcd", false)),
                   "expected a payload of less than 4 bytes, it declares 4"));
    CHECK(contains(message(header_of(9) + block_of("abcd", "abcd", false, 8)), "cut short"));

    const std::string wrong = "its code says something else";
    CHECK(contains(message(header_of(4) + block_of("abcd", "abce", true)), wrong));
    const std::string a(1, '\0');  // the code of "a", "a", ... is zeros
    CHECK(unpacked(header_of(4) + block_of(a, "aaaa", false), alphabet, model) == "aaaa");
    CHECK(contains(
        message(header_of(16) + block_of(std::string(15, '\0'), std::string(16, 'a'), false)),
        wrong));
    CHECK(contains(message(header_of(3) + block_of("\x70", "bbbb", false)), wrong));  // runs over
    // 2^24 bytes from a payload of none: refused when eight bytes of zeros are spent at two bits.
    model.pushed = 0;
    CHECK(contains(message(header_of(1 << 24, 24) + block_of("", "", false)), wrong));
    CHECK(model.pushed < 50);
    Constant silent({(1U << 30) - 2, 1});
    alphabet.texts[0] = "";
    CHECK_SAYS(unpacked(header_of(4) + block_of(a, "aaaa", false), alphabet, silent), wrong);
    CHECK(silent.pushed == 0);
}

// Every reader against thousands of damaged files: it gives a valid result or a DataError, and asks
// for no more memory than the file could hold. Built with the asan preset it also shows that no
// byte outside the file is touched.

#include <turbojpeg.h>

#include <cstdlib>
#include <functional>
#include <new>
#include <random>

#include "pushforward/base/audio.hpp"
#include "pushforward/base/byte_pairs.hpp"
#include "pushforward/base/cifar.hpp"
#include "pushforward/base/compress.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/base/idx.hpp"
#include "pushforward/base/image.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/base/safetensors.hpp"
#include "pushforward/base/sentencepiece.hpp"
#include "pushforward/base/sniff.hpp"
#include "pushforward/base/table.hpp"
#include "pushforward/base/text_records.hpp"
#include "pushforward/base/zip.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {
std::size_t largest_allocation = 0;
}

// The program's own allocator, watched. The compiler pairs it with delete below.
void* operator new(std::size_t size) {
    largest_allocation = std::max(largest_allocation, size);
    if (void* memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    largest_allocation = std::max(largest_allocation, size);
    return std::malloc(size ? size : 1);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

/// PF_MUTATIONS asks for more of them (a night's run).
int mutation_count() {
    const char* wanted = std::getenv("PF_MUTATIONS");
    return wanted ? std::max(std::atoi(wanted), 1) : 4000;
}
const int mutations = mutation_count();

// Deflate expands 1032 times at most, a bit of a picture becomes 3 bytes, a cell of a table a
// string; below a mebibyte nothing is large.
constexpr std::size_t expansion = 1032 * 24;
constexpr std::size_t small_size = 1 << 20;

/// Touches every byte.
unsigned sum(Bytes bytes) {
    unsigned total = 0;
    for (const std::byte b : bytes) total += std::to_integer<unsigned>(b);
    return total;
}
unsigned sum(const Array& array) {
    CHECK(array.bytes == byte_count(array.dtype, array.shape, "result", ""));
    return sum(array.view());
}
unsigned sum(const Image& image) {
    CHECK(image.pixels.size() ==
          static_cast<std::size_t>(image.height * image.width * image.channels));
    return sum(std::as_bytes(std::span(image.pixels)));
}

/// One to four damages: a cut, a flipped bit, a telling byte, a huge number, a byte in or out.
std::string damaged(std::string bytes, std::mt19937& random) {
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    const std::string telling = std::string("\0\1\x7f\x80\xff{}[]()\"',:;\n\r\t 09-.eL<>|", 30);
    for (std::size_t k = 1 + below(4); k > 0 && !bytes.empty(); --k) {
        // The head of a file, where its sizes are, is hit as often as all the rest.
        const std::size_t at =
            below(2) ? below(bytes.size()) : below(std::min<std::size_t>(bytes.size(), 64));
        switch (below(7)) {
            case 0:
                bytes.resize(at);
                break;
            case 1:
                bytes[at] ^= static_cast<char>(1u << below(8));
                break;
            case 2:
                bytes[at] = telling[below(telling.size())];
                break;
            case 3:
                bytes[at] = static_cast<char>(random());
                break;
            case 4:
                bytes.erase(at, 1 + below(3));
                break;
            case 5:
                bytes.insert(at, 1, telling[below(telling.size())]);
                break;
            default:
                for (std::size_t i = at; i < std::min(at + 4, bytes.size()); ++i)
                    bytes[i] = below(2) ? '\xff' : '\x7f';
        }
    }
    return bytes;
}

void survive(const std::vector<std::string>& valid,
             const std::function<unsigned(const Blob&)>& read) {
    std::mt19937 random(7);
    int refused = 0;
    for (const std::string& file : valid) read(blob_of("valid", file));
    for (int i = 0; i < mutations; ++i) {
        const std::string bytes =
            damaged(valid[static_cast<std::size_t>(i) % valid.size()], random);
        const Blob blob = blob_of("damaged", bytes);
        largest_allocation = 0;
        try {
            read(blob);
        } catch (const DataError& error) {
            ++refused;
            CHECK(contains(error.what(), "damaged"));
        } catch (const std::exception& error) {
            FAIL_CHECK("mutation " << i << ": expected a DataError, got " << error.what());
        }
        CHECK(largest_allocation <= small_size + expansion * bytes.size());
    }
    CHECK(refused > mutations / 20);
}

std::string zipped(const Scratch& scratch,
                   const std::vector<std::pair<std::string, std::string>>& all) {
    std::vector<ZipEntry> entries;
    for (const auto& [name, text] : all) entries.push_back({name, {bytes_of(text)}});
    write_zip(scratch / "z.zip", entries);
    return content_of(scratch / "z.zip");
}

std::string jpeg_of(int channels, int flags) {
    Image image{24, 32, channels,
                std::vector<std::uint8_t>(static_cast<std::size_t>(24 * 32 * channels))};
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
        image.pixels[i] = static_cast<std::uint8_t>(i * i);
    const tjhandle handle = tjInitCompress();
    unsigned char* out = nullptr;
    unsigned long size = 0;
    REQUIRE(tjCompress2(handle, image.pixels.data(), 32, 0, 24,
                        channels == 1 ? TJPF_GRAY : TJPF_RGB, &out, &size,
                        channels == 1 ? TJSAMP_GRAY : TJSAMP_420, 80, flags) == 0);
    const std::string bytes(reinterpret_cast<const char*>(out), size);
    tjFree(out);
    tjDestroy(handle);
    return bytes;
}

const std::string npy =
    npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", counting(24));
const std::string fortran =
    npy_of("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3, 2), }\n", counting(24));

}  // namespace

TEST_CASE("damaged safetensors") {
    survive({safetensors_of(R"({"__metadata__":{"format":"pt"},)"
                            R"("a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},)"
                            R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[1,25]}})",
                            '\1' + counting(24))},
            [](const Blob& blob) {
                unsigned total = 0;
                for (const auto& [name, array] : read_safetensors(blob).tensors)
                    total += sum(array);
                return total;
            });
}

TEST_CASE("damaged npy") {
    survive({npy, fortran}, [](const Blob& blob) { return sum(read_npy(blob)); });
}

TEST_CASE("damaged npz") {
    const Scratch scratch;
    survive({zipped(scratch, {{"x.npy", npy}, {"y.npy", fortran + ""}}),
             zipped(scratch, {{"long.npy", npy_of("{'descr': '|u1', 'fortran_order': False, "
                                                  "'shape': (5000,), }\n",
                                                  std::string(5000, 'x'))}})},
            [](const Blob& blob) {
                unsigned total = 0;
                for (const auto& entry : list_npz(blob)) total += entry.problem.empty();
                for (const auto& [name, array] : read_npz(blob)) total += sum(array);
                return total;
            });
}

TEST_CASE("damaged zip") {
    const Scratch scratch;
    survive({zipped(scratch, {{"a/1", counting(300)}, {"b/2", std::string(3000, 'x')}})},
            [](const Blob& blob) {
                const ZipArchive archive(blob);
                unsigned total = 0;
                for (const auto& member : archive.members()) total += sum(archive.read(member));
                return total;
            });
}

TEST_CASE("damaged gzip, alone and around other formats") {
    survive({gzipped(counting(3000)), gzipped(npy), gzipped("a") + gzipped("b"),
             gzipped(std::string("\0\0\x08\x01\0\0\0\4abcd", 12))},
            [](const Blob& blob) {
                sniff(blob.bytes);
                return sum(gunzip(blob).bytes) + sum(unpack(blob).bytes) +
                       sum(gunzip_head(blob, 10));
            });
}

TEST_CASE("damaged IDX") {
    survive({std::string("\0\0\x08\x03", 4) + high_first(2) + high_first(3) + high_first(4) +
                 counting(24),
             std::string("\0\0\x0e\x01", 4) + high_first(3) + counting(24)},
            [](const Blob& blob) { return sum(read_idx(blob)); });
}

TEST_CASE("damaged CIFAR") {
    survive({'\1' + counting(3072) + '\2' + counting(3072), "\1\2" + counting(3072)},
            [](const Blob& blob) {
                const bool is = is_cifar(blob.bytes);
                const Cifar cifar = read_cifar(blob);
                CHECK(is);
                return sum(cifar.images) + sum(cifar.labels);
            });
}

TEST_CASE("damaged tables") {
    survive({"x,y,name\n1,2.5,\"a \"\"b\"\"\"\n-3,nan,c\n4,,\"d\ne\"\n", "1\t2\n3\t4\n",
             "# c\n1 2 3\n 4 5 6\n",
             "\xef\xbb\xbf"
             "a;b\r\n1;2\r\n"},
            [](const Blob& blob) {
                const Table table = read_table(blob);
                const auto rows = static_cast<std::size_t>(table.rows);
                CHECK(table.lines.size() == rows);
                for (const auto& column : table.columns)
                    CHECK((column.numeric ? column.numbers.size() : column.texts.size()) == rows);
                return 0U;
            });
}

TEST_CASE("damaged PNG") {
    const Blob colour =
        blob_of("", encode_png(Image{6, 7, 3, std::vector<std::uint8_t>(126, 9)}, {{"k", "v"}}));
    survive({std::string(colour.text()), png_of(8, 2, 1, 0, std::string("\0\xaa\0\x55", 4)),
             png_of(2, 1, 8, 3, std::string("\0\1\0", 3),
                    png_chunk("PLTE", "abcdef") + png_chunk("tRNS", "x")),
             png_of(1, 2, 16, 6, std::string(18, '\0')),
             png_of(2, 2, 8, 0, std::string("\0\1\0\2\0\3\4", 7), "", true)},
            [](const Blob& blob) {
                image_header(blob);
                png_text(blob);
                return sum(decode_image(blob));
            });
}

TEST_CASE("PNG with damaged content under right checksums") {
    std::mt19937 random(7);
    const std::string rows = counting(40),
                      header = high_first(4) + high_first(2) + std::string("\x10\6\0\0\0", 5);
    for (int i = 0; i < mutations; ++i) {
        const std::string file = "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", damaged(header, random)) +
                                 png_chunk("PLTE", damaged("abcdef", random)) +
                                 png_chunk("tRNS", damaged("xy", random)) +
                                 png_chunk("tEXt", damaged(std::string("key\0value", 9), random)) +
                                 png_of(4, 2, 16, 6, damaged(rows, random)).substr(33);
        largest_allocation = 0;
        try {
            sum(decode_image(blob_of("damaged", file)));
        } catch (const DataError& error) {
            CHECK(contains(error.what(), "damaged"));
        }
        CHECK(largest_allocation <= small_size + expansion * file.size());
    }
}

TEST_CASE("damaged JPEG") {
    survive({jpeg_of(3, 0), jpeg_of(1, 0), jpeg_of(3, TJFLAG_PROGRESSIVE)}, [](const Blob& blob) {
        image_header(blob);
        return sum(decode_image(blob));
    });
}

TEST_CASE("damaged JSON") {
    survive({R"({"a":[1,-2.5e3,true,null],"b":{"c":"é\n\u00e9"},"d":18446744073709551615})"},
            [](const Blob& blob) {
                const json::value value = parse_json(blob.text(), blob.name);
                CHECK(parse_json(to_json(value), "again") == value);
                return 0U;
            });
}

TEST_CASE("damaged texts") {
    for (const auto& [format, file] :
         {std::pair{TextFormat::document, "caf\xc3\xa9 \xe2\x82\xac\n"},
          {TextFormat::lines, "\xef\xbb\xbfone\r\n\nthr\xc3\xa9\xc3\xa9\n"},
          {TextFormat::smiles, "smiles name\nCCO ethanol\n\n  c1ccccc1\tx\r\n[Na+].[Cl-]"},
          {TextFormat::fasta, ">one\r\nMKV\r\nacd*\n;c\n>two\nM-K.V\n\n>three\nAC GT\nGT\n"}})
        survive({file}, [&](const Blob& blob) {
            text_format("x", blob.text());
            const TextRecords records = parse_text(blob, format, TextCheck::utf8);
            unsigned total = 0;
            for (const auto& record : records.records) total += sum(bytes_of(record.text));
            const auto v = character_vocabulary(records, {false, true, false});
            return total + static_cast<unsigned>(encode_records(*v, records).symbols.size());
        });
}

TEST_CASE("damaged vocabularies") {
    const std::string_view text = "the thatch that the thin thatcher thatched, banana \xc3\xa9";
    const auto pairs =
        byte_pair_vocabulary(learn_byte_pairs({&text, 1}, 20), Split::gpt2, {true, true});
    const auto read = [&](const Vocabulary& v) {
        CHECK(v.decode(v.encoded("the ")).size() < 100);
        return static_cast<unsigned>(v.encoded(text).size() + v.identity().size());
    };
    survive({to_json(byte_vocabulary({true, true})->to_json()),
             to_json(character_vocabulary({&text, 1}, {true, true, true})->to_json()),
             to_json(pairs->to_json()), to_json(pairs->to_json())},
            [&](const Blob& blob) {
                const auto v = read_vocabulary(parse_json(blob.text(), blob.name), blob.name, "v");
                // Damaged characters may be others than those of the text.
                return v->find_unknown(text) == text.npos ? read(*v) : 0U;
            });
    const std::filesystem::path folder = PF_SOURCE_DIR "/tests/reference/data/vocabularies";
    const Blob vocab = read_file(folder / "gpt2-vocab.json"),
               merges = read_file(folder / "gpt2-merges.txt");
    survive({std::string(vocab.text())},
            [&](const Blob& blob) { return read(*read_gpt2_vocabulary(blob, merges)); });
    survive({std::string(merges.text())},
            [&](const Blob& blob) { return read(*read_gpt2_vocabulary(vocab, blob)); });
    std::vector<std::string> models;
    for (const char* name : {"unigram.model", "bpe.model", "plain.model"})
        models.emplace_back(content_of(folder / name));
    survive(models, [&](const Blob& blob) { return read(*read_sentencepiece(blob)); });
}

TEST_CASE("damaged sound") {
    Audio audio{8000, 2, {}};
    for (int i = 0; i < 400; ++i) audio.samples.push_back(static_cast<float>(i % 50) / 50);
    const auto as_text = [](const Buffer& b) {
        return std::string(reinterpret_cast<const char*>(b.data()), b.size());
    };
    survive({as_text(encode_wav(audio)), as_text(encode_wav(audio, SampleType::float32)),
             as_text(encode_flac(audio)), as_text(encode_flac(audio, SampleType::pcm24))},
            [](const Blob& blob) {
                const Audio decoded = decode_audio(blob);
                return sum(std::as_bytes(std::span(decoded.samples)));
            });
}

TEST_CASE("damaged compressed files") {
    class Uneven : public SymbolModel {  // of "a" to "d"; an eighth escapes
    public:
        void begin() override {}
        std::span<const std::uint32_t> frequencies() override { return all_; }
        void push(std::uint32_t symbol) override { std::swap(all_[0], all_[symbol]); }

    private:
        std::vector<std::uint32_t> all_{1U << 29, 1U << 28, 1U << 26, 1U << 26};
    } model;
    const Alphabet alphabet = byte_alphabet("abcd");
    const std::string hash(64, '0');
    std::vector<std::string> valid;
    for (const std::string& content : {std::string(300, 'a') + counting(50), counting(20)})
        for (const int block_bits : {4, 10}) {
            const Buffer file = compress(bytes_of(content), hash, alphabet, model, block_bits);
            valid.emplace_back(blob_of("", file).text());
        }
    survive(valid, [&](const Blob& blob) { return sum(decompress(blob, hash, alphabet, model)); });
}

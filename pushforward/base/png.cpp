#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <new>
#include <utility>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/image_codecs.hpp"

// libpng reports errors by longjmp. Functions that call setjmp own nothing with a destructor that
// the jump could skip: buffers and handles belong to their callers.

namespace pushforward {
namespace {

constexpr std::size_t max_ratio = 1032;  // of deflate

/// What the callbacks share: where reading is, and the error's text.
struct State {
    Bytes in;
    std::size_t at = 0;
    Buffer* out = nullptr;
    char problem[200] = "unknown error";
};

void on_error(png_structp png, png_const_charp message) {
    auto* state = static_cast<State*>(png_get_error_ptr(png));
    std::strncpy(state->problem, message, sizeof state->problem - 1);
    png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, std::size_t size) {
    auto* state = static_cast<State*>(png_get_io_ptr(png));
    if (state->in.size() - state->at < size) png_error(png, "the file is cut short");
    std::memcpy(to, state->in.data() + state->at, size);
    state->at += size;
}

void on_write(png_structp png, png_bytep from, std::size_t size) {
    auto* state = static_cast<State*>(png_get_io_ptr(png));
    const auto* bytes = reinterpret_cast<const std::byte*>(from);
    bool full = false;
    try {
        state->out->insert(state->out->end(), bytes, bytes + size);
    } catch (const std::bad_alloc&) {
        full = true;
    }
    if (full) png_error(png, "out of memory");
}

void on_flush(png_structp) {}

/// libpng's two handles for reading.
struct Reader {
    State state;
    png_structp png = nullptr;
    png_infop info = nullptr;
    std::size_t packed_row = 0;  ///< bytes of a row as it is deflated

    explicit Reader(Bytes in) {
        state.in = in;
        png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
        if (png) info = png_create_info_struct(png);
        if (!info) throw std::bad_alloc();
    }
    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Reads up to the pixels and asks for 8-bit samples; false on an error.
    bool read_info() {
        if (setjmp(png_jmpbuf(png))) return false;
        png_set_read_fn(png, &state, on_read);
        png_set_user_limits(png, max_image_side, max_image_side);
        png_set_chunk_malloc_max(png, 8 << 20);
        png_set_chunk_cache_max(png, 1000);
        png_read_info(png, info);
        packed_row = png_get_rowbytes(png, info);
        png_set_expand(png);    // palettes, 1 to 4 bits, transparency
        png_set_scale_16(png);  // 16 bits
        png_set_interlace_handling(png);
        png_read_update_info(png, info);
        return true;
    }
    /// Row by row, so that a file which declares more than it holds costs only what it holds; the
    /// memory was reserved, so that nothing here throws. Interlaced rows come all at once.
    bool read_pixels(std::vector<std::uint8_t>& pixels, std::vector<png_bytep>& interlaced) {
        if (setjmp(png_jmpbuf(png))) return false;
        if (!interlaced.empty()) png_read_image(png, interlaced.data());
        const std::size_t row = png_get_rowbytes(png, info);
        while (interlaced.empty() && pixels.size() < row * png_get_image_height(png, info)) {
            pixels.resize(pixels.size() + row);
            png_read_row(png, pixels.data() + pixels.size() - row, nullptr);
        }
        png_read_end(png, nullptr);
        return true;
    }
};

/// Rows of an image as libpng wants them.
std::vector<png_bytep> rows_of(std::uint8_t* pixels, const Image& image) {
    std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
    for (auto& row : rows) row = std::exchange(pixels, pixels + image.width * image.channels);
    return rows;
}

struct Writer {
    State state;
    png_structp png = nullptr;
    png_infop info = nullptr;

    explicit Writer(Buffer* out) {
        state.out = out;
        png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
        if (png) info = png_create_info_struct(png);
        if (!info) throw std::bad_alloc();
    }
    ~Writer() { png_destroy_write_struct(&png, &info); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    bool write(const Image& image, png_bytepp rows, std::vector<::png_text>& texts) {
        constexpr int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
        if (setjmp(png_jmpbuf(png))) return false;
        png_set_write_fn(png, &state, on_write, on_flush);
        png_set_IHDR(png, info, static_cast<png_uint_32>(image.width),
                     static_cast<png_uint_32>(image.height), 8, types[image.channels - 1],
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_set_text(png, info, texts.data(), static_cast<int>(texts.size()));
        png_write_info(png, info);
        png_write_image(png, rows);
        png_write_end(png, info);
        return true;
    }
};

}  // namespace

Image decode_png(const Blob& blob, bool header_only) {
    Reader reader(blob.bytes);
    const auto refuse = [&] { return DataError(blob.name, "PNG", reader.state.problem); };
    if (!reader.read_info()) throw refuse();
    Image image{png_get_image_height(reader.png, reader.info),
                png_get_image_width(reader.png, reader.info),
                png_get_channels(reader.png, reader.info),
                {}};
    const auto height = static_cast<std::size_t>(image.height);
    if (height * reader.packed_row > max_ratio * blob.bytes.size())
        throw DataError(blob.name, "PNG",
                        text("declares ", image.width, " x ", image.height, " pixels, which ",
                             blob.bytes.size(), " bytes cannot hold"));
    if (header_only) return image;
    const auto size = static_cast<std::size_t>(image.height * image.width * image.channels);
    image.pixels.reserve(size);
    std::vector<png_bytep> interlaced;
    if (png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE) {
        image.pixels.resize(size);
        interlaced = rows_of(image.pixels.data(), image);
    }
    if (!reader.read_pixels(image.pixels, interlaced)) throw refuse();
    return image;
}

Buffer encode_png(const Image& image, const std::map<std::string, std::string>& text) {
    const auto size = image.height * image.width * image.channels;
    PF_CHECK(image.channels >= 1 && image.channels <= 4 && image.height > 0 && image.width > 0,
             "encode_png", "1 to 4 channels and a pixel at least", image.height, " x ", image.width,
             " x ", image.channels);
    PF_CHECK(static_cast<std::size_t>(size) == image.pixels.size(), "encode_png", size,
             image.pixels.size());
    std::vector<::png_text> texts;
    for (const auto& [key, value] : text) {
        PF_CHECK(!key.empty() && key.size() <= 79, "encode_png", "a keyword of 1 to 79 characters",
                 key);
        const bool ascii = std::all_of(value.begin(), value.end(), [](char c) { return c >= 0; });
        ::png_text entry{};
        entry.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
        entry.key = const_cast<char*>(key.c_str());  // libpng's interface is not const
        entry.text = const_cast<char*>(value.c_str());
        entry.text_length = value.size();
        texts.push_back(entry);
    }
    Buffer out;
    Writer writer(&out);
    // libpng's rows are not const but are only read.
    auto rows = rows_of(const_cast<std::uint8_t*>(image.pixels.data()), image);
    if (!writer.write(image, rows.data(), texts))
        throw Error(1, std::string("PNG: ") + writer.state.problem);
    return out;
}

std::map<std::string, std::string> png_text(const Blob& blob) {
    Reader reader(blob.bytes);
    if (!reader.read_info()) throw DataError(blob.name, "PNG", reader.state.problem);
    png_textp texts = nullptr;
    int count = 0;
    png_get_text(reader.png, reader.info, &texts, &count);
    std::map<std::string, std::string> out;
    for (int i = 0; i < count; ++i) out.emplace(texts[i].key, texts[i].text ? texts[i].text : "");
    return out;
}

}  // namespace pushforward

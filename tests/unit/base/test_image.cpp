#include "pushforward/base/image.hpp"

#include <turbojpeg.h>

#include <cstdlib>

#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

using Pixels = std::vector<std::uint8_t>;

Image read(const std::string& bytes) {
    return decode_image(blob_of("i", bytes));
}

Image noise(std::int64_t height, std::int64_t width, std::int64_t channels) {
    Image out{height, width, channels, Pixels(static_cast<std::size_t>(height * width * channels))};
    std::uint32_t state = 7;
    for (auto& p : out.pixels)
        p = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    return out;
}

std::string jpeg_of(const Image& image, int format, int sampling) {
    const tjhandle handle = tjInitCompress();
    unsigned char* out = nullptr;
    unsigned long size = 0;
    REQUIRE(tjCompress2(handle, image.pixels.data(), static_cast<int>(image.width), 0,
                        static_cast<int>(image.height), format, &out, &size, sampling, 95, 0) == 0);
    const std::string bytes(reinterpret_cast<const char*>(out), size);
    tjFree(out);
    tjDestroy(handle);
    return bytes;
}

/// The JPEG with an EXIF segment that states this orientation, in either byte order.
std::string oriented(const std::string& jpeg, int turn, bool little) {
    const auto number = [&](std::uint32_t n, int bytes) {
        const std::string low = low_first(n, bytes);
        return little ? low : std::string(low.rbegin(), low.rend());
    };
    const std::string tiff = std::string(little ? "II" : "MM") + number(42, 2) + number(8, 4) +
                             number(2, 2) +  // two entries
                             number(0x10f, 2) + number(3, 2) + number(1, 4) + number(9, 4) +
                             number(0x112, 2) + number(3, 2) + number(1, 4) +
                             number(static_cast<std::uint32_t>(turn), 2) + number(0, 2) +
                             number(0, 4);
    const std::string body = std::string("Exif\0\0", 6) + tiff;
    const std::string length = low_first(body.size() + 2, 2);
    return jpeg.substr(0, 2) + "\xff\xe1" + length[1] + length[0] + body + jpeg.substr(2);
}

}  // namespace

TEST_CASE("PNG of 1 to 4 channels comes back, with its texts") {
    for (std::int64_t channels = 1; channels <= 4; ++channels) {
        const Image image = noise(5, 7, channels);
        const Buffer bytes = encode_png(image, {{"seed", "7"}, {"Title", "é"}});
        const Blob blob = blob_of("i", bytes);
        const Image back = decode_image(blob);
        CHECK(back.height == 5);
        CHECK(back.width == 7);
        CHECK(back.channels == channels);
        CHECK(back.pixels == image.pixels);
        CHECK(png_text(blob) == std::map<std::string, std::string>{{"seed", "7"}, {"Title", "é"}});
        const Image header = image_header(blob);
        CHECK(header.width == 7);
        CHECK(header.pixels.empty());
    }
    CHECK(contains(message_of<UsageError>([] {
                       encode_png(Image{2, 2, 5, Pixels(20)});
                   }),
                   "1 to 4"));
    CHECK(contains(message_of<UsageError>([] { encode_png(Image{2, 2, 1, Pixels(3)}); }), "got 3"));
    CHECK(contains(message_of<UsageError>([] {
                       encode_png(noise(1, 1, 1), {{"", "x"}});
                   }),
                   "keyword"));
}

TEST_CASE("PNG of every depth and colour becomes 8 bits") {
    CHECK(read(png_of(4, 1, 1, 0, std::string("\0\xa0", 2))).pixels == Pixels{255, 0, 255, 0});
    CHECK(read(png_of(2, 1, 4, 0, std::string("\0\x3f", 2))).pixels == Pixels{0x33, 0xff});
    CHECK(read(png_of(1, 1, 16, 0, std::string("\0\x80\x7f", 3))).pixels == Pixels{0x80});
    CHECK(read(png_of(1, 1, 16, 2, std::string("\0\xff\xff\0\0\x12\x34", 7))).pixels ==
          Pixels{255, 0, 0x12});
    // Adam7: of 2 x 2 pixels the first comes in pass 1, its right neighbour in 6, the lower in 7.
    const std::string passes("\0\1\0\2\0\3\4", 7);
    CHECK(read(png_of(2, 2, 8, 0, passes, "", true)).pixels == Pixels{1, 2, 3, 4});
    const std::string palette = png_chunk("PLTE", "abcdef");
    const Image coloured = read(png_of(2, 1, 8, 3, std::string("\0\1\0", 3), palette));
    CHECK(coloured.channels == 3);
    CHECK(coloured.pixels == Pixels{'d', 'e', 'f', 'a', 'b', 'c'});
    const Image clear =
        read(png_of(2, 1, 8, 3, std::string("\0\1\0", 3), palette + png_chunk("tRNS", "\x09")));
    CHECK(clear.pixels == Pixels{'d', 'e', 'f', 255, 'a', 'b', 'c', 9});
}

TEST_CASE("a malformed PNG is refused with the reason") {
    const Buffer good = encode_png(noise(9, 9, 3));
    const std::string whole(blob_of("", good).text());
    for (std::size_t n = 8; n < whole.size(); ++n)
        CHECK_SAYS(read(whole.substr(0, n)), "i: PNG: the file is cut short");
    std::string flipped = whole;
    flipped[60] ^= 1;
    CHECK_SAYS(read(flipped), "IDAT");
    flipped = whole;
    flipped[30] ^= 1;
    CHECK_SAYS(read(flipped), "IHDR: CRC error");
    CHECK_SAYS(read(png_of(2, 2, 8, 0, std::string(5, '\0'))), "PNG: ");
    CHECK_SAYS(read(png_of(60000, 60000, 8, 0, "x")), "PNG: Invalid IHDR");
    CHECK_SAYS(read(png_of(16384, 16384, 8, 0, "x")), "declares 16384 x 16384 pixels");
    CHECK_SAYS(read(png_of(0, 1, 8, 0, "x")), "IHDR");
    CHECK_SAYS(read(png_of(1, 1, 8, 3, std::string(2, '\0'))), "PLTE");
    CHECK_SAYS(read("GIF89a"), "i: expected a PNG or JPEG");
    CHECK_SAYS(png_text(blob_of("i", "\x89PNG\r\n\x1a\n")), "cut short");
}

TEST_CASE("JPEG is decoded close to what was encoded") {
    Image smooth{16, 24, 3, {}};
    for (std::uint8_t y = 0; y < 16; ++y)
        for (std::uint8_t x = 0; x < 24; ++x)
            for (const int v : {10 * x, 15 * y, 128})
                smooth.pixels.push_back(static_cast<std::uint8_t>(v));
    const Image back = read(jpeg_of(smooth, TJPF_RGB, TJSAMP_444));
    REQUIRE(back.pixels.size() == smooth.pixels.size());
    int worst = 0;
    for (std::size_t i = 0; i < back.pixels.size(); ++i)
        worst = std::max(worst, std::abs(back.pixels[i] - smooth.pixels[i]));
    CHECK(worst <= 6);
    CHECK(read(jpeg_of(noise(8, 8, 1), TJPF_GRAY, TJSAMP_GRAY)).channels == 1);
    const Image header = image_header(blob_of("i", jpeg_of(smooth, TJPF_RGB, TJSAMP_420)));
    CHECK(header.height == 16);
    CHECK(header.width == 24);
    CHECK(header.channels == 3);
    // White paper: no ink, which the files hold as 255.
    const Image white{8, 8, 4, Pixels(256, 255)};
    CHECK(read(jpeg_of(white, TJPF_CMYK, TJSAMP_444)).pixels == Pixels(192, 255));
}

TEST_CASE("a JPEG is turned upright as its EXIF says") {
    // The marked corner of the stored 16 x 8 picture and where each orientation puts it.
    Image image{8, 16, 1, Pixels(128, 0)};
    for (std::size_t y = 0; y < 4; ++y)
        for (std::size_t x = 0; x < 8; ++x) image.pixels[16 * y + x] = 255;
    const std::string jpeg = jpeg_of(image, TJPF_GRAY, TJSAMP_GRAY);
    struct Corner {
        bool right, below;
    };
    const Corner corners[] = {{false, false}, {true, false}, {true, true}, {false, true},
                              {false, false}, {true, false}, {true, true}, {false, true}};
    for (int turn = 1; turn <= 8; ++turn)
        for (const bool little : {true, false}) {
            CAPTURE(turn);
            const std::string file = oriented(jpeg, turn, little);
            const Image out = read(file);
            CHECK(out.width == (turn < 5 ? 16 : 8));
            CHECK(out.height == (turn < 5 ? 8 : 16));
            CHECK(image_header(blob_of("i", file)).width == out.width);
            const Corner corner = corners[turn - 1];
            for (const bool right : {false, true})
                for (const bool below : {false, true}) {
                    const auto at =
                        (below ? out.height - 1 : 0) * out.width + (right ? out.width - 1 : 0);
                    const bool marked = right == corner.right && below == corner.below;
                    CHECK((out.pixels[static_cast<std::size_t>(at)] > 128) == marked);
                }
        }
}

TEST_CASE("orientations 5 to 8 differ where their corners do not") {
    // Rows of the stored picture become columns: a mark right of the corner ends up below it.
    Image image{8, 16, 1, Pixels(128, 0)};
    for (std::size_t y = 0; y < 8; ++y)
        for (std::size_t x = 8; x < 16; ++x) image.pixels[16 * y + x] = 255;
    const std::string jpeg = jpeg_of(image, TJPF_GRAY, TJSAMP_GRAY);
    for (const auto& [turn, below] : {std::pair(5, true), {6, true}, {7, false}, {8, false}}) {
        const Image out = read(oriented(jpeg, turn, true));
        CHECK((out.pixels.back() > 128) == below);
        CHECK((out.pixels.front() > 128) == !below);
    }
}

TEST_CASE("a malformed JPEG is refused with the reason") {
    const std::string whole = jpeg_of(noise(16, 16, 3), TJPF_RGB, TJSAMP_420);
    for (std::size_t n = 3; n < whole.size(); n += 7) {
        const std::string said = message_of([&] { read(whole.substr(0, n)); });
        CHECK_MESSAGE(contains(said, "i: JPEG: "), n);
    }
    CHECK(read(whole + "trailing").width == 16);
    std::string lying = whole;
    const std::size_t frame = whole.find("\xff\xc0");
    lying.replace(frame + 5, 4, "\x40\x00\x40\x00", 4);
    CHECK_SAYS(read(lying), "declares 16384 x 16384 pixels");
    lying.replace(frame + 5, 4, "\x40\x01\x00\x10", 4);
    CHECK_SAYS(read(lying), "expected 1 to 16384 pixels a side, got 16 x 16385");
}

TEST_CASE("stray bytes in a JPEG are tolerated, missing ones are not") {
    const std::string whole = jpeg_of(noise(32, 32, 1), TJPF_GRAY, TJSAMP_GRAY);
    const Pixels pixels = read(whole).pixels;
    std::string stray = whole;
    stray.insert(whole.find("\xff\xc0"), "\1\2\3");
    CHECK(read(stray).pixels == pixels);
    CHECK_SAYS(read(stray.substr(0, stray.size() - 100)), "i: JPEG: ");
    stray = whole;
    stray.insert(whole.size() - 2, "\1\2\3");
    CHECK(read(stray).pixels == pixels);
    CHECK_SAYS(read(stray.substr(0, stray.size() - 2)), "i: JPEG: Premature end");
    CHECK_SAYS(read(whole.substr(0, 700) + "\xff\xd9"), "premature end of data segment");
}

#include "pushforward/base/image.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/image_codecs.hpp"
#include "pushforward/base/sniff.hpp"

namespace pushforward {
namespace {

Image decode(const Blob& blob, bool header_only) {
    switch (sniff(blob.bytes)) {
        case FileKind::png:
            return decode_png(blob, header_only);
        case FileKind::jpeg:
            return decode_jpeg(blob, header_only);
        default:
            throw DataError(blob.name, "", "expected a PNG or JPEG image");
    }
}

}  // namespace

Image image_header(const Blob& blob) {
    return decode(blob, true);
}
Image decode_image(const Blob& blob) {
    return decode(blob, false);
}

}  // namespace pushforward

#include "pushforward/data/mask.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/base/image.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/sniff.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

namespace pushforward {

at::Tensor read_mask(const FilePath& file, const Space& space) {
    const Blob blob = open_file(file);
    const FileKind kind = sniff(blob.bytes);
    at::Tensor mask;
    if (kind == FileKind::npy) {
        mask = tensor_of(read_npy(blob)).to(torch::kDouble);
    } else if (kind == FileKind::png || kind == FileKind::jpeg) {
        const Image image = decode_image(blob);
        if (image.channels != 1)
            throw DataError(file.string(), "",
                            text("expected a mask of 1 channel, got ", image.channels));
        mask = torch::tensor(at::ArrayRef<std::uint8_t>(image.pixels), torch::kByte)
                   .reshape({image.height, image.width})
                   .to(torch::kDouble);
    } else {
        throw DataError(file.string(), "",
                        text("expected a mask, a picture or npy, got ", name_of(kind)));
    }
    auto wanted = space.event;
    if (space.is_image()) {
        wanted[0] = 1;
        if (mask.dim() == 2) mask = mask.unsqueeze(0);
    }
    if (mask.sizes() != at::IntArrayRef(wanted))
        throw DataError(
            file.string(), "",
            text("expected a mask ", shape_text(wanted), ", got ", shape_text(mask.sizes().vec())));
    const at::Tensor keep = (mask == 1).logical_or(mask == 255);
    const at::Tensor odd = keep.logical_or(mask == 0).logical_not();
    if (odd.any().item<bool>())
        throw DataError(file.string(), "",
                        text("expected values 1 (or 255), keep, and 0, draw, got ",
                             mask.masked_select(odd)[0].item<double>()));
    return keep;
}

}  // namespace pushforward

#pragma once

#include "pushforward/base/file.hpp"
#include "pushforward/core/space.hpp"

#include <ATen/core/Tensor.h>

namespace pushforward {

/// Which entries of an item are kept, from a picture of one channel or an npy array: 1 (or 255)
/// keeps, 0 does not. Bool [1, H, W] for images, from [H, W] or [1, H, W]; the event's shape for
/// others. DataError names the file for another format, size or value.
at::Tensor read_mask(const FilePath& file, const Space& space);

}  // namespace pushforward

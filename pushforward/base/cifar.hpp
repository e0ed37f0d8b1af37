#pragma once

#include "pushforward/base/array.hpp"

namespace pushforward {

/// Records of the binary CIFAR files (Krizhevsky, 2009).
struct Cifar {
    Array images;         ///< uint8 [N, 3, 32, 32]
    Array labels;         ///< uint8 [N]: below 10, or below 100
    Array coarse_labels;  ///< uint8 [N], below 20; empty for CIFAR-10
    int classes = 10;
};

/// Whole records of 3073 (CIFAR-10) or 3074 bytes (CIFAR-100) with labels in range?
bool is_cifar(Bytes bytes);

/// DataError names the record when its label is out of range, or the size when it is not a whole
/// number of records.
Cifar read_cifar(const Blob& blob);

}  // namespace pushforward

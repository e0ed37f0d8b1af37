#pragma once

#include "pushforward/base/vocabulary.hpp"

#include <ATen/core/Tensor.h>

#include <iosfwd>
#include <string>
#include <vector>

namespace pushforward {

/// Hears the symbols of text while they are drawn (see Prompt): writes those of single rows to
/// `out` at once, where it is given, and ends rows whose text ends with one of `stops`.
class Listener {
public:
    Listener(const Vocabulary& vocabulary, std::vector<std::string> stops, std::string prompt,
             std::ostream* out);
    at::Tensor operator()(const at::Tensor& symbols);

private:
    const Vocabulary& vocabulary_;
    std::vector<std::string> stops_;
    std::string prompt_;
    std::ostream* out_;
    bool first_ = true;
    std::vector<std::string> tails_;  // of each row, as much as stops need
};

}  // namespace pushforward

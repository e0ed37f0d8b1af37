#include "pushforward/cli/listener.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <ostream>

namespace pushforward {

Listener::Listener(const Vocabulary& vocabulary, std::vector<std::string> stops, std::string prompt,
                   std::ostream* out)
    : vocabulary_(vocabulary), stops_(std::move(stops)), prompt_(std::move(prompt)), out_(out) {}

at::Tensor Listener::operator()(const at::Tensor& symbols) {
    if (!symbols.defined()) {  // a new batch begins
        tails_.clear();
        if (out_) *out_ << (first_ ? "" : "\n") << prompt_ << std::flush;
        first_ = false;
        return {};
    }
    const std::int64_t n = symbols.size(0);
    tails_.resize(static_cast<std::size_t>(n));
    at::Tensor stop;
    const auto* s = symbols.const_data_ptr<std::int64_t>();
    for (std::int64_t r = 0; r < n; ++r) {
        if (s[r] < 0) continue;
        const std::string_view bytes = vocabulary_.spelling(static_cast<Symbol>(s[r]));
        if (out_ && n == 1) *out_ << bytes << std::flush;
        std::string& tail = tails_[static_cast<std::size_t>(r)];
        tail += bytes;
        std::size_t longest = 0;
        for (const std::string& end : stops_) {
            longest = std::max(longest, end.size());
            if (!tail.ends_with(end)) continue;
            if (!stop.defined()) stop = at::zeros({n}, at::kBool);
            stop[r].fill_(true);
        }
        if (tail.size() > longest) tail.erase(0, tail.size() - longest);
    }
    return stop;
}

}  // namespace pushforward

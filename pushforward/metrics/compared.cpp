#include "pushforward/metrics/compared.hpp"

#include "pushforward/base/errors.hpp"

#include <torch/types.h>

namespace pushforward {

Compared compared(const Judged& judged) {
    const auto points = [](const Tensor& x) {
        return x.detach().to(torch::kCPU, torch::kDouble).flatten(1).contiguous();
    };
    if (judged.judge)
        return {points(judged.samples_seen.features), points(judged.held_out_seen.features)};
    return {points(judged.samples), points(judged.held_out->x)};
}

std::string compared_refusal(const Judged& judged, std::int64_t least) {
    if (!judged.samples.defined()) return "it needs samples";
    if (!judged.held_out || !judged.held_out->x.defined()) return "it needs held-out rows";
    if (!judged.judge && !judged.held_out->x.is_floating_point()) return "it needs real items";
    if (judged.held_out->size() < least || judged.samples.size(0) < least)
        return text("it needs ", least, " samples and as many held-out rows");
    return "";
}

std::string compared_reservation(const Judged& judged) {
    const bool pixels = !judged.judge && judged.held_out->x.dim() == 4;
    return pixels ? "without a judge (--judge RUN) it compares bare pixels" : "";
}

}  // namespace pushforward

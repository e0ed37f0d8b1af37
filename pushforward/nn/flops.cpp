#include "pushforward/nn/flops.hpp"

namespace pushforward {
namespace {
thread_local FlopCount* counting = nullptr;
}

FlopCount::FlopCount() : outer_(counting) {
    counting = this;
}
FlopCount::~FlopCount() {
    counting = outer_;
}

void count_flops(double operations, int gradients) {
    if (!counting) return;
    counting->forward += operations;
    counting->backward += operations * gradients;
}

}  // namespace pushforward

#pragma once

namespace pushforward {

/// Counts what the layers of nn/ multiply on this thread while it lives, a multiply and an add as
/// two: convolutions and linear maps, as torch's FlopCounterMode does (attention's two products of
/// activations are not among them). `backward` holds what a backward pass through the recorded
/// graph will cost: one product for each operand that requires a gradient.
class FlopCount {
public:
    FlopCount();
    ~FlopCount();
    FlopCount(const FlopCount&) = delete;
    FlopCount& operator=(const FlopCount&) = delete;
    double forward = 0, backward = 0;

private:
    FlopCount* outer_;
};

/// Called by a layer for one product of that many operations with `gradients` differentiable
/// operands.
void count_flops(double operations, int gradients);

}  // namespace pushforward

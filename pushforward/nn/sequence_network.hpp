#pragma once

#include <ATen/core/Tensor.h>
#include <cstdint>
#include <memory>

namespace torch::nn {
class Module;
}

namespace pushforward {

using at::Tensor;

/// A network that says each symbol given those before it. `context` [B, width] tells of the
/// condition, undefined where there is none.
class SequenceNetwork {
public:
    /// What n rows have seen, and caches of it.
    class State {
    public:
        virtual ~State() = default;
    };

    SequenceNetwork();
    virtual ~SequenceNetwork() = default;
    const std::shared_ptr<torch::nn::Module>& module() const { return module_; }

    /// symbols int64 [B, L], L at most `longest()`, entries below 0 count as 0 -> logits [B, L, K]
    /// in the type that the network computes in; those at place i depend on symbols before i alone.
    virtual Tensor forward(const Tensor& symbols, const Tensor& context) const = 0;
    /// The type that `forward` computes in: float32, bfloat16 or float64.
    void compute_in(at::ScalarType dtype) { dtype_ = dtype; }
    /// How many symbols it can take at once; 0: any number.
    virtual std::int64_t longest() const { return 0; }

    virtual std::unique_ptr<State> start(std::int64_t n, const Tensor& context) const = 0;
    /// `came` int64 [n, k] -> float32 [n, K], the logits of what follows; from the same symbols the
    /// same as `forward` to rounding. Bits of a row depend on that row alone, whatever the threads.
    virtual Tensor next(State& state, const Tensor& came) const = 0;

protected:
    std::shared_ptr<torch::nn::Module> module_;  ///< holds the parameters
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace pushforward

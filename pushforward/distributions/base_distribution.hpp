#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/rng.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

using at::Tensor;

/// A law of D numbers that is drawn from and whose density is known: where a flow begins.
class BaseDistribution {
public:
    virtual ~BaseDistribution() = default;
    /// z [B, D] -> log p(z) in nats, [B].
    virtual Tensor log_prob(const Tensor& z) const = 0;
    /// [n, D] float32; row r depends on rng's key and r alone. `temperature` scales the spread.
    virtual Tensor sample(std::int64_t n, double temperature, Rng& rng,
                          at::Device device) const = 0;
    /// Each number to one that is N(0, 1) when z has this law, and back; false: there is no such
    /// map of single numbers.
    virtual bool normalises() const { return false; }
    virtual Tensor to_normal(const Tensor& z) const { return z; }
    virtual Tensor from_normal(const Tensor& z) const { return z; }
    /// Sets what begins from data that arrive as z.
    virtual void initialise(const Tensor& /*z*/, Rng /*rng*/) {}
};

struct MixtureBaseOptions : Options {
    std::int64_t components = 10;

    void visit(Fields& f) override;
};

/// [model.base] name = "normal" | "logistic" | "mixture" | "resampled".
///
/// normal: N(0, I). logistic: independent standard logistics (Dinh et al. 2014), which is a uniform
/// law on (0, 1)^D behind a sigmoid. mixture: sum_k w_k N(m_k, diag(s_k^2)), all learnt, begun by
/// k-means++ on the data as they arrive: mass that lies in pieces needs no bridges from one to the
/// next. resampled: see distributions/resampled.hpp.
Variant base_distributions();
/// "uniform" alone: the uniform law of D angles on [-pi, pi)^D, for flows of angles. It has no
/// spread: UsageError for another `temperature` than 1.
Variant angle_distributions();
std::unique_ptr<BaseDistribution> make_base_distribution(const Variant& variant,
                                                         torch::nn::Module& parent,
                                                         const std::string& name,
                                                         std::int64_t dimensions);

}  // namespace pushforward

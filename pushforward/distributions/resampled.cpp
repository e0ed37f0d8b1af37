#include "pushforward/distributions/resampled.hpp"

#include "pushforward/nn/conditioner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <mutex>
#include <utility>
#include <vector>

namespace pushforward {
namespace {

constexpr std::int64_t kTrainingDraws = 1 << 10, kDraws = 1 << 18, kPiece = 1 << 14;
constexpr double kMomentum = 0.05;
constexpr std::uint64_t kStream = 0x726573616d70;  // of the draws that Z is estimated from

class Resampled : public BaseDistribution {
public:
    Resampled(torch::nn::Module& own, const ResampledBaseOptions& o, std::int64_t d,
              std::unique_ptr<BaseDistribution> proposal)
        : own_(own),
          truncation_(o.truncation),
          proposal_(std::move(proposal)),
          network_(own, "acceptance", {d, 1, 1, 0, o.width, o.layers}, Sight::all),
          // the network begins at a = 1/2
          normaliser_(own.register_buffer("normaliser", at::full({1}, 0.5, at::kDouble))),
          calls_(own.register_buffer("calls", at::zeros({1}, at::kLong))) {}

    Tensor log_prob(const Tensor& z) const override {
        const bool learns = own_.is_training() && at::GradMode::is_enabled();
        const Tensor normaliser =  // an acceptance that rounding made 0 or 1 has a logarithm, too
            (learns ? moved_normaliser(z) : normaliser_of_weights(z.device()))
                .clamp(1e-12, 1 - 1e-12);
        const Tensor log_alpha = static_cast<double>(truncation_ - 1) * at::log1p(-normaliser);
        const Tensor log_rest = at::log(-at::expm1(log_alpha)) - at::log(normaliser);
        const Tensor ratio = at::logaddexp(log_rest.to(z.scalar_type()) + log_acceptance(z),
                                           log_alpha.to(z.scalar_type()));
        return ratio + proposal_->log_prob(z);
    }

    Tensor sample(std::int64_t n, double temperature, Rng& rng, at::Device device) const override {
        const at::NoGradGuard no_grad;
        Tensor z, open = at::ones({n}, at::TensorOptions(device).dtype(at::kBool));
        bool any = true;
        for (std::int64_t attempt = 1; attempt <= truncation_; ++attempt) {
            if (!any) {  // the stream moves on alike, whatever was accepted when
                rng.bits(), rng.bits();
                continue;
            }
            const Tensor next = proposal_->sample(n, temperature, rng, device);
            const Tensor u = rng.uniform({n}, at::kDouble, device);
            z = attempt == 1 ? next : at::where(open.unsqueeze(1), next, z);
            // in float64: rounding, which other rows may change, must not decide
            open = open.logical_and(u >= log_acceptance(next.to(at::kDouble)).exp());
            any = open.any().item<bool>();
        }
        return z;
    }

private:
    Tensor log_acceptance(const Tensor& z) const {
        return at::log_sigmoid(network_(z, {}).flatten());
    }
    /// Z with the gradient of this call's estimate and the value of the average that it moves.
    Tensor moved_normaliser(const Tensor& z) const {
        const std::lock_guard lock(mutex_);
        Rng rng = Rng(kStream).split(static_cast<std::uint64_t>(calls_.item<std::int64_t>()) + 1);
        const Tensor from = proposal_->sample(kTrainingDraws, 1, rng, z.device());
        const Tensor now = log_acceptance(from.to(z.scalar_type())).exp().mean().to(at::kDouble);
        const at::NoGradGuard no_grad;
        normaliser_.lerp_(now.detach().view({1}), kMomentum);
        calls_.add_(1);
        const Tensor apart = normaliser_.squeeze(0) - now.detach();
        const at::AutoGradMode with_grad(true);
        return now + apart;
    }
    /// Z of the parameters as they are, kept until one of them changes.
    Tensor normaliser_of_weights(at::Device device) const {
        const std::lock_guard lock(mutex_);
        std::vector<std::pair<const void*, std::int64_t>> now;
        for (const Tensor& p : own_.parameters())
            now.emplace_back(p.const_data_ptr(), static_cast<std::int64_t>(p._version()));
        if (now == weights_) return known_;
        const at::NoGradGuard no_grad;
        const Rng stream = Rng(kStream).split(0);
        Tensor sum = at::zeros({}, at::TensorOptions(device).dtype(at::kDouble));
        for (std::int64_t first = 0; first < kDraws; first += kPiece) {
            Rng rng = stream.rows_from(first);
            sum += log_acceptance(proposal_->sample(kPiece, 1, rng, device)).exp().sum(at::kDouble);
        }
        known_ = sum / static_cast<double>(kDraws);
        weights_ = std::move(now);
        return known_;
    }

    const torch::nn::Module& own_;  ///< says whether it trains
    std::int64_t truncation_;
    std::unique_ptr<BaseDistribution> proposal_;
    Conditioner network_;
    Tensor normaliser_, calls_;  ///< buffers
    mutable std::mutex mutex_;
    mutable Tensor known_;  ///< Z of `weights_`: where parameters were, and their versions
    mutable std::vector<std::pair<const void*, std::int64_t>> weights_;
};

}  // namespace

void ResampledBaseOptions::visit(Fields& f) {
    f.integer("truncation", truncation,
              {.doc = "proposals until one is taken whatever it is", .low = 2, .high = 10000});
    f.integer("width", width, {.doc = "units of each hidden layer of the acceptance", .low = 1});
    f.integer("layers", layers, {.doc = "hidden layers of the acceptance", .low = 1});
}

std::unique_ptr<BaseDistribution> make_resampled(torch::nn::Module& parent, const std::string& name,
                                                 const ResampledBaseOptions& options,
                                                 std::int64_t dimensions,
                                                 std::unique_ptr<BaseDistribution> proposal) {
    return std::make_unique<Resampled>(submodule(parent, name), options, dimensions,
                                       std::move(proposal));
}

}  // namespace pushforward

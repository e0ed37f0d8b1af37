#pragma once

#include "pushforward/distributions/base_distribution.hpp"

namespace pushforward {

/// [model.base] name = "resampled".
struct ResampledBaseOptions : Options {
    std::int64_t truncation = 100, width = 128, layers = 2;

    void visit(Fields& f) override;
};

/// Proposals from a law q, accepted with the learnt probability a(z); after T - 1 refusals the next
/// is taken (Stimper, Schoelkopf & Hernandez-Lobato 2022):
///   p(z) = ((1 - alpha) a(z) / Z + alpha) q(z), alpha = (1 - Z)^(T - 1), Z = E_q[a].
/// It is exact given Z. While the module trains and gradients are on, Z is the running average
/// (buffer "normaliser") of a mean over 1024 draws a call, whose gradient it has. Otherwise it is
/// a mean over 2^18 fixed draws from the weights as they are, constant in them: its standard error
/// is sd(a) / 512, less than 0.001. `temperature` scales the proposals.
std::unique_ptr<BaseDistribution> make_resampled(torch::nn::Module& parent, const std::string& name,
                                                 const ResampledBaseOptions& options,
                                                 std::int64_t dimensions,
                                                 std::unique_ptr<BaseDistribution> proposal);

}  // namespace pushforward

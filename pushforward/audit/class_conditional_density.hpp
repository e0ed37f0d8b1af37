#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// A15: a density of x for each class classifies by Bayes' rule as well as the law itself nearly,
/// with calibrated probabilities; summed over classes the joint density is a density of x.
std::unique_ptr<Claim> make_class_conditional_density();

}  // namespace pushforward

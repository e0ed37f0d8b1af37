#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// The area under the ROC curve, P(score of a positive > score of a negative) + ties / 2, of
/// float64 scores [P] and [N], with DeLong's standard error (DeLong et al. 1988).
Measurement roc_auc(const Tensor& positive, const Tensor& negative);

/// The classifier two-sample test (Lopez-Paz & Oquab 2017): the cross-validated AUC of a small
/// classifier between a [N, event...] and b [M, event...]. 0.5: not told apart; 1: told apart
/// always. For N(0, 1) against N(delta, 1) the best possible is Phi(delta / sqrt 2). Five folds;
/// each classifier learns on three, stops by a fourth and is judged on the fifth. A perceptron,
/// or a convolutional network where the items are images; `rng` decides folds, weights, batches.
Measurement classifier_auc(const Tensor& a, const Tensor& b, bool images, Rng rng);

std::unique_ptr<Metric> make_c2st();

}  // namespace pushforward

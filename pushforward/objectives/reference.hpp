#pragma once

#include "pushforward/core/objective.hpp"

#include <string>
#include <vector>

namespace pushforward {

/// Rows that stand for the law of the data: what they say of an item's origin.
///
/// With equal weights on the n reference rows x_j and on the row x0 itself, where x_t = alpha x0 +
/// sigma eps,
///   E[x0 | x_t] = sum_j w_j x_j,  w_j ~ exp(-|x_t - alpha x_j|^2 / (2 sigma^2)).
/// As a target of denoising it is the score of the noised rows: explicit score matching of the
/// data's own law where every row is a reference (Vincent 2011, eq. 7), and a target field of less
/// variance and the same mean where each step draws other ones (Xu, Tong & Jaakkola 2023): the row
/// itself is then any of the n + 1 by chance. Only rows with the same labels as the item's count
/// where its label is given.
class Reference {
public:
    /// `count` rows at a time of those to train on, which are all kept in memory, up to 2^28
    /// numbers. `conditions` are the model's.
    Reference(const Sources& sources, std::int64_t count, const std::vector<Field>& conditions);

    /// E[x0 | x_t] for the rows of `batch` noised by `eps` [B, event...]; `ratio` = alpha / sigma,
    /// [B]; `c`: what is given of their conditions; `rng` draws the references. float32 [B,
    /// event...].
    Tensor mean(const Batch& batch, const Tensor& eps, const Tensor& ratio, const Condition& c,
                Rng rng) const;

private:
    std::int64_t count_;
    Batch rows_;
    Tensor squares_;  ///< |x_j|^2
    std::vector<std::string> labels_;
};

/// Why these sources give no reference to a model with these conditions, or "".
std::string refuse_reference(const Sources& sources, const std::vector<Field>& conditions);

}  // namespace pushforward

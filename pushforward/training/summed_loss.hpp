#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/training/log.hpp"

#include <ATen/core/Tensor.h>

#include <algorithm>

namespace pushforward {

/// The weighted sum of losses of pieces, read when it is asked for.
struct SummedLoss {
    double value = 0;
    std::vector<std::pair<std::string, Tensor>> terms;

    void add(const Loss& loss, double share) {
        value += share * loss.value.item<double>();
        for (const auto& [name, term] : loss.terms) {
            const Tensor part = term.detach().mul(share);
            auto known = std::find_if(terms.begin(), terms.end(),
                                      [&, n = name](const auto& t) { return t.first == n; });
            if (known == terms.end())
                terms.emplace_back(name, part);
            else
                known->second = known->second.add(part);
        }
    }
    /// Appends "loss" and the terms, as "loss/PLAYER" and "TERM/PLAYER" in a game.
    void report(const std::string& player, NamedNumbers& out) const {
        out.emplace_back("loss" + player, value);
        for (const auto& [name, term] : terms) out.emplace_back(name + player, term.item<double>());
    }
};

}  // namespace pushforward

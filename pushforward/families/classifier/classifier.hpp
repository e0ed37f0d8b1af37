#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"

#include <memory>
#include <string>

namespace pushforward {

/// [model.network] name = "residual" | "mlp", and which condition is told.
struct ClassifierOptions : Options {
    Variant network;
    std::string label;

    ClassifierOptions();
    void visit(Fields& f) override;
};

/// The [sample] of a model that draws nothing.
struct NoSampling : Options {
    void visit(Fields&) override {}
};

/// log p(label | y = x0 + s eps) = log softmax(W e + b) with the features e of a network that sees
/// y / sqrt(1 + s^2) and log s: a judge of samples and, asked at every noise level, a guide
/// (Dhariwal & Nichol 2021). It draws no samples. UsageError for data without a condition of
/// classes, and unless `label` names one.
std::unique_ptr<Model> make_classifier(const ClassifierOptions& options, const NoSampling&,
                                       const DataSpec& spec);

}  // namespace pushforward

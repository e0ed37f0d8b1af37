#include "pushforward/training/average.hpp"

#include <ATen/ops/_foreach_lerp.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace pushforward {

Average::Average(NamedTensors parameters, double half_life)
    : parameters_(std::move(parameters)), decay_(std::exp2(-1 / half_life)) {
    for (const auto& [name, p] : parameters_) averages_[name] = p.detach().clone();
}

void Average::update() {
    const c10::AutoGradMode no_graph(false);
    ++updates_;
    // a <- a + w (p - a) with w = (1 - d) / (1 - d^t) keeps the unbiased average itself: w_1 = 1.
    const double weight = (1 - decay_) / (1 - std::pow(decay_, static_cast<double>(updates_)));
    std::vector<Tensor> averages, now;
    for (const auto& [name, p] : parameters_) {
        averages.push_back(averages_.at(name));
        now.push_back(p.detach());
    }
    at::_foreach_lerp_(averages, now, weight);
}

Average::InUse::InUse(Average* average) : average_(average) {
    if (!average_ || average_->updates_ == 0) return;
    for (const auto& [name, p] : average_->parameters_) raw_[name] = p.detach().clone();
    copy_tensors(average_->parameters_, average_->averages_, "average");
}

Average::InUse::~InUse() {
    if (!raw_.empty()) copy_tensors(average_->parameters_, raw_, "weights");
}

}  // namespace pushforward

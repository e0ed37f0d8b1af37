#pragma once

#include <string>

namespace pushforward {

/// A recipe, with comments, that fits the data of a SPEC: images get a U-Net whose size and steps
/// follow their size and number, vectors a perceptron. Its first lines say what was found and how
/// long the training takes here, from one measured step.
std::string suggest_recipe(const std::string& spec);

}  // namespace pushforward

#pragma once

#include "pushforward/families/catalogue.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pushforward {

/// What a model can do, in the contract's words: "sample", "score (ode: estimate)", "denoise",
/// "encode (noise)", ...
std::vector<std::string> capabilities(const Model& model);

/// A model of the catalogue with its default options, for small pictures of two classes: to be
/// asked what it can.
std::unique_ptr<Model> example_of(const CatalogueEntry& entry);

/// "NAME, NAME": the catalogue's models that can; for messages to one that cannot.
std::string models_that(const std::function<bool(const Model&)>& can);

}  // namespace pushforward

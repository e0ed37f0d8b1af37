#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"
#include "pushforward/objectives/catalogue.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// One model of the catalogue: how it is called, what it is, and how it is made.
struct CatalogueEntry {
    std::string name, family, summary, paper;
    std::function<std::unique_ptr<Options>()> options;         ///< the recipe's [model]
    std::function<std::unique_ptr<Options>()> sample_options;  ///< the recipe's [sample]
    std::vector<std::string> objectives;                       ///< first = default
    std::function<std::unique_ptr<Model>(const Options& model, const Options& sample,
                                         const DataSpec& spec)>
        make;
    std::string own_units = {};  ///< why `data.scale` must be false; empty: it need not
    /// Items that it can be made for.
    Space example = {Kind::real, {1, 8, 8}};
};

/// Every model: THE list (families/catalogue.cpp), one line a model.
const std::vector<CatalogueEntry>& catalogue();
/// The entry of that name; UsageError with the nearest name when there is none.
const CatalogueEntry& catalogue_entry(const std::string& name);

}  // namespace pushforward

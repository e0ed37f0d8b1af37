#pragma once

#include "pushforward/data/scaling.hpp"
#include "pushforward/data/source.hpp"
#include "pushforward/data/split.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// What a model must remember of the data that it was trained on: `data.json` of a run folder.
struct DataDescription {
    std::string source;  ///< the SPEC
    std::string kind;    ///< what was found there
    DataSpec spec;       ///< shapes, kinds, conditions, class names
    std::vector<std::string> columns;
    Scaling scaling;
    std::string split;  ///< in words
    std::int64_t train = 0, validation = 0, test = 0;
    std::string fingerprint;  ///< SHA-256 of the training data, see `fingerprint`
    bool operator==(const DataDescription&) const = default;
};

/// SHA-256 over shapes, conditions, the number of rows and the rows themselves in float32; of more
/// than 256 MiB, over as many evenly spaced ones; of lazily decoded images, over names, sizes and
/// 64 pictures.
std::string fingerprint(const Source& source, const std::vector<std::int64_t>& rows);

/// A data set ready to train on.
struct PreparedData {
    std::shared_ptr<const Source> data;  ///< train and validation rows are rows of this
    std::shared_ptr<const Source> test;  ///< the source's own test set, or `data`'s test rows
    Split split;
    DataDescription description;
};

/// Opens the SPEC, splits off the `validation` share, measures the scaling on the training rows.
/// `scale` false leaves the data in their own units.
PreparedData prepare_data(const std::string& spec, double validation = kDefaultValidation,
                          bool scale = true);

/// "" when data with this description can continue a run that began with `before`; else what
/// differs, in one line.
std::string difference(const DataDescription& before, const DataDescription& now);

}  // namespace pushforward

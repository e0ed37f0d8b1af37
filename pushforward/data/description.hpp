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
    std::string fingerprint;       ///< SHA-256 of the training data, see `fingerprint`
    std::int64_t rate = 0;         ///< samples a second, for sound
    VocabularyPointer vocabulary;  ///< what text was made symbols by, or null
    bool operator==(const DataDescription&) const;
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

/// How `prepare_data` takes rows.
struct Preparation {
    double validation = kDefaultValidation;  ///< the share held out
    bool scale = true;                       ///< false leaves the data in their own units
    std::int64_t window = 256;               ///< symbols a training row of documents
    VocabularyPointer vocabulary = nullptr;  ///< for text; null: its own
};

/// Opens the SPEC, splits off the `validation` share, measures the scaling on the training rows.
/// Documents are split by place: the last `validation` share of their symbols is held out, as
/// windows in `data` and as one row in `test`; training rows are windows, too.
PreparedData prepare_data(const std::string& spec, const Preparation& how = {});

/// "" when data with this description can continue a run that began with `before`; else what
/// differs, in one line.
std::string difference(const DataDescription& before, const DataDescription& now);

}  // namespace pushforward

#pragma once

#include "pushforward/base/vocabulary.hpp"
#include "pushforward/core/dataset.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// A data set that knows where it comes from.
class Source : public Dataset {
public:
    /// What was opened, in one line: "IDX images, 60000 x 28x28, uint8".
    virtual std::string kind() const = 0;
    /// The name that messages give it: the path, or `sim:NAME`.
    virtual std::string name() const = 0;
    /// The type in which the values are kept: "uint8", "float32", ...
    virtual std::string type() const { return "float32"; }
    /// Is x in [0, 1] by its making (bytes, pictures)? Then nobody has to look.
    virtual bool unit_range() const { return false; }
    /// The names of the columns of x, for tables.
    virtual std::vector<std::string> columns() const { return {}; }
    /// The test set that comes with it (t10k-*, test_*, a folder `test`), or null.
    virtual std::shared_ptr<const Source> own_test() const { return nullptr; }
    /// Text that changes with the content and is cheap to make, where reading rows is not.
    virtual std::string stamp() const { return {}; }
    /// What made the rows, where a simulator did; else null.
    virtual const Simulator* simulator() const { return nullptr; }
    /// Samples a second, for sound; else 0.
    virtual std::int64_t rate() const { return 0; }
    /// What text was made symbols by; else null.
    virtual VocabularyPointer vocabulary() const { return nullptr; }
    /// All rows one after another, where they are documents, text without another order than its
    /// own: it is split by place, not by rows. Else empty.
    virtual std::span<const Symbol> stream() const { return {}; }
    /// Odd things seen while opening, a line each.
    virtual std::vector<std::string> notes() const { return {}; }
};

/// Opens a data SPEC; the format is told from the content (a leading gzip layer is taken off):
/// IDX, CIFAR binary, npy, npz, HDF5, zip of images, PNG, JPEG, table, text, or a folder of these;
/// `sim:NAME` is a simulator's first n items. `?split=` chooses rows as data/split.hpp says.
/// Text becomes symbols by `vocabulary` where it is given, else by one of its own.
/// Throws UsageError for a bad SPEC, DataError naming file and place for bad content.
std::shared_ptr<const Source> open_data(const std::string& spec,
                                        VocabularyPointer vocabulary = nullptr);

/// Some rows of a data set, in the given order.
std::shared_ptr<const Source> select_rows(std::shared_ptr<const Source> source,
                                          std::vector<std::int64_t> rows);

}  // namespace pushforward

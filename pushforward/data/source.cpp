#include "pushforward/data/source.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/core/rng.hpp"
#include "pushforward/data/condition_text.hpp"
#include "pushforward/data/shuffle.hpp"
#include "pushforward/data/sources.hpp"
#include "pushforward/data/split.hpp"

#include <algorithm>
#include <numeric>

namespace pushforward {
namespace {

class Rows : public Source {
public:
    /// Without the condition `hidden`.
    Rows(std::shared_ptr<const Source> source, std::vector<std::int64_t> rows,
         std::shared_ptr<const Source> test, const std::string& hidden = "")
        : source_(std::move(source)),
          rows_(std::move(rows)),
          test_(std::move(test)),
          spec_(source_->spec()) {
        std::erase_if(spec_.conditions, [&](const Field& f) { return f.name == hidden; });
    }

    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override { return static_cast<std::int64_t>(rows_.size()); }
    std::string name() const override { return source_->name(); }
    std::string kind() const override { return text(size(), " rows of ", source_->kind()); }
    bool unit_range() const override { return source_->unit_range(); }
    std::vector<std::string> columns() const override { return source_->columns(); }
    std::shared_ptr<const Source> own_test() const override { return test_; }
    std::string type() const override { return source_->type(); }
    std::string stamp() const override { return source_->stamp(); }
    const Simulator* simulator() const override { return source_->simulator(); }
    VocabularyPointer vocabulary() const override { return source_->vocabulary(); }
    std::int64_t rate() const override { return source_->rate(); }
    std::vector<std::string> notes() const override { return source_->notes(); }

    Batch get(std::span<const std::int64_t> rows) const override {
        std::vector<std::int64_t> inner;
        for (const auto row : rows) {
            PF_CHECK(row >= 0 && row < size(), name(), text("a row below ", size()), row);
            inner.push_back(rows_[static_cast<std::size_t>(row)]);
        }
        Batch batch = source_->get(inner);
        for (std::size_t i = 0; i < rows.size(); ++i)
            batch.index.data_ptr<std::int64_t>()[i] = rows[i];
        std::erase_if(batch.c.value, [&](const auto& v) { return !spec_.condition(v.first); });
        return batch;
    }

private:
    std::shared_ptr<const Source> source_;
    std::vector<std::int64_t> rows_;
    std::shared_ptr<const Source> test_;
    DataSpec spec_;
};

/// The rows of one class, without the label, which says nothing there. The test set that comes with
/// them keeps all its classes and their labels.
std::shared_ptr<const Source> of_class(const std::shared_ptr<const Source>& source,
                                       const std::string& value) {
    const std::string who = text(source->name(), "?only=", value);
    const Field* label = source->spec().condition("label");
    if (!label || label->space.kind != Kind::symbol)
        throw UsageError(who + ": the data have no label (label=COLUMN says where it stands)");
    const auto wanted = class_of(*label, value);
    if (!wanted)
        throw UsageError(text(who, ": expected a class from 0 to ", label->space.symbols - 1,
                              label->names.empty() || label->names.size() > 40
                                  ? std::string()
                                  : ", " + one_of(label->names)));
    constexpr std::int64_t piece = 65536;
    std::vector<std::int64_t> rows;
    for (std::int64_t first = 0; first < source->size(); first += piece) {
        std::vector<std::int64_t> some(
            static_cast<std::size_t>(std::min(piece, source->size() - first)));
        std::iota(some.begin(), some.end(), first);
        const Tensor labels = source->get(some).c.value.at(label->name);
        for (std::size_t i = 0; i < some.size(); ++i)
            if (labels.const_data_ptr<std::int64_t>()[i] == *wanted) rows.push_back(some[i]);
    }
    if (rows.empty()) throw UsageError(who + ": no row is of this class");
    return std::make_shared<Rows>(source, std::move(rows), source->own_test(), label->name);
}

/// The rows that `split`, `only` and `n` ask for, one after the other.
std::shared_ptr<const Source> chosen(std::shared_ptr<const Source> source,
                                     const FileOptions& options) {
    const auto seed = static_cast<std::uint64_t>(options.seed);
    if (options.split != "all" && !source->stream().empty()) {
        if (options.split == "test")
            throw UsageError(source->name() +
                             "?split=test: a document has no test part; it is split by place into "
                             "train and validation");
        const auto n = static_cast<std::int64_t>(source->stream().size());
        const std::int64_t cut = trained_symbols(n, kDefaultValidation);
        source =
            options.split == "train" ? stream_part(source, 0, cut) : stream_part(source, cut, n);
    } else if (options.split != "all") {
        auto test = source->own_test();
        if (options.split == "test" && test) {
            source = test;
        } else {
            Split split = split_rows(source->size(), kDefaultValidation, test != nullptr, seed);
            auto& rows = options.split == "train"  ? split.train
                         : options.split == "test" ? split.test
                                                   : split.validation;
            if (rows.empty())
                throw UsageError(text(source->name(), "?split=", options.split,
                                      ": expected at least ", "10 rows to split, got ",
                                      source->size()));
            if (!test && options.split == "train") test = select_rows(source, split.test);
            source = std::make_shared<Rows>(source, std::move(rows),
                                            options.split == "train" ? test : nullptr);
        }
    }
    if (!options.only.empty()) source = of_class(source, options.only);
    if (options.n > 0 && options.n < source->size()) {
        const Shuffle shuffle(source->size(), Rng(seed).split(0x6e).key());  // "n"
        std::vector<std::int64_t> rows;
        for (std::int64_t i = 0; i < options.n; ++i) rows.push_back(shuffle(i));
        std::sort(rows.begin(), rows.end());
        source = std::make_shared<Rows>(source, std::move(rows), source->own_test());
    }
    return source;
}

}  // namespace

std::shared_ptr<const Source> select_rows(std::shared_ptr<const Source> source,
                                          std::vector<std::int64_t> rows) {
    for (const auto row : rows)
        PF_CHECK(row >= 0 && row < source->size(), source->name(),
                 text("a row below ", source->size()), row);
    return std::make_shared<Rows>(std::move(source), std::move(rows), nullptr);
}

FileOptions file_options(const DataSpecText& spec) {
    FileOptions options;
    apply_text_values(options, spec.values, spec.path);
    return options;
}

std::shared_ptr<const Source> open_data(const std::string& spec, VocabularyPointer vocabulary) {
    const DataSpecText parsed = parse_data_spec(spec);
    if (parsed.simulator) return open_simulator(parsed);
    const FileOptions options = file_options(parsed);
    return chosen(open_files(parsed, options, vocabulary), options);
}

}  // namespace pushforward

#include "pushforward/data/description.hpp"

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <tuple>

namespace pushforward {
namespace {

void add(Sha256& sum, const std::string& part) {
    sum.update(bytes_of(text(part.size(), ":", part)));
}

void add(Sha256& sum, const Tensor& tensor) {
    const Tensor plain = tensor.contiguous();
    sum.update({static_cast<const std::byte*>(plain.data_ptr()), plain.nbytes()});
}

std::string shape_of(const Space& space) {
    return text(static_cast<int>(space.kind), " ", shape_text(space.event), " ", space.symbols);
}

}  // namespace

std::string fingerprint(const Source& source, const std::vector<std::int64_t>& rows) {
    Sha256 sum;
    const auto& spec = source.spec();
    add(sum, shape_of(spec.x));
    for (const auto& field : spec.conditions) add(sum, field.name + " " + shape_of(field.space));
    const std::string stamp = source.stamp();
    add(sum, stamp);
    const std::size_t n = rows.size();
    add(sum, std::to_string(n));
    constexpr std::size_t budget = std::size_t{256} << 20;
    const auto width = static_cast<std::size_t>(std::max<std::int64_t>(1, spec.x.dimensions()));
    const std::size_t all = std::max<std::size_t>(1, budget / (4 * width));
    const std::size_t taken = std::min(n, stamp.empty() ? all : 64);
    const std::size_t piece = std::max<std::size_t>(1, (std::size_t{16} << 20) / (4 * width));
    for (std::size_t first = 0; first < taken; first += piece) {
        std::vector<std::int64_t> some;
        for (std::size_t i = first; i < std::min(taken, first + piece); ++i)
            some.push_back(rows[i * n / taken]);
        const Batch batch = source.get(some);
        add(sum, batch.x);
        for (const auto& [name, value] : batch.c.value) add(sum, value);
    }
    return sum.hex();
}

namespace {

/// Documents: windows to train on, and what follows them as windows and as one row.
void split_by_place(PreparedData& out, const Preparation& how) {
    const auto stream = out.data;
    const auto n = static_cast<std::int64_t>(stream->stream().size());
    const std::int64_t trained = trained_symbols(n, how.validation);
    const std::int64_t window = std::min(how.window, trained);
    out.data = stream_windows(stream, how.window, trained);
    std::int64_t held = 0;
    if (trained < n) {
        out.test = stream_part(stream, trained, n);
        held = (n - trained + window - 1) / window;
    }
    for (std::int64_t row = 0; row < out.data->size(); ++row)
        (row < out.data->size() - held ? out.split.train : out.split.validation).push_back(row);
    out.split.description = text("the first ", trained, " symbols to train, in windows of ", window,
                                 ", the last ", n - trained, " to validate");
}

void split_by_rows(PreparedData& out, const std::string& spec, double validation) {
    const auto parsed = parse_data_spec(spec);
    const auto seed = static_cast<std::uint64_t>(parsed.simulator ? 0 : file_options(parsed).seed);
    const auto own_test = out.data->own_test();
    out.split = split_rows(out.data->size(), validation, own_test != nullptr, seed);
    if (out.split.train.empty())
        throw DataError(out.data->name(), "",
                        text("expected rows to train on, got ", out.data->size(), " rows of which ",
                             "the validation share ", validation, " leaves none"));
    out.test = own_test;
}

}  // namespace

bool DataDescription::operator==(const DataDescription& other) const {
    const auto rest = [](const DataDescription& d) {
        return std::tie(d.source, d.kind, d.spec, d.columns, d.scaling, d.split, d.train,
                        d.validation, d.test, d.fingerprint, d.rate);
    };
    const auto identity = [](const VocabularyPointer& v) {
        return v ? v->identity() : std::string();
    };
    return rest(*this) == rest(other) && identity(vocabulary) == identity(other.vocabulary);
}

PreparedData prepare_data(const std::string& spec, const Preparation& how) {
    PreparedData out;
    out.data = open_data(spec, how.vocabulary);
    auto& d = out.description;
    d.source = spec;
    d.kind = out.data->kind();
    d.spec = out.data->spec();
    d.columns = out.data->columns();
    d.vocabulary = out.data->vocabulary();
    d.rate = out.data->rate();
    if (out.data->stream().empty())
        split_by_rows(out, spec, how.validation);
    else
        split_by_place(out, how);
    if (!out.test) out.test = select_rows(out.data, out.split.test);
    if (how.scale) d.scaling = Scaling::fit(*out.data, out.split.train);
    refuse_non_finite(*out.data, out.split.validation);
    d.split = out.split.description;
    d.train = static_cast<std::int64_t>(out.split.train.size());
    d.validation = static_cast<std::int64_t>(out.split.validation.size());
    d.test = out.test->size();
    d.fingerprint = fingerprint(*out.data, out.split.train);
    return out;
}

std::string difference(const DataDescription& before, const DataDescription& now) {
    if (before.spec.x != now.spec.x)
        return text("items have the shape ", shape_text(now.spec.x.event), ", they had ",
                    shape_text(before.spec.x.event));
    if (before.spec.x.is_sequence() && before.vocabulary && now.vocabulary &&
        before.vocabulary->identity() != now.vocabulary->identity())
        return "the vocabulary is not the same";
    if (before.columns != now.columns) return "the columns are not the same";
    if (before.spec.conditions != now.spec.conditions) return "the conditions are not the same";
    if (before.train != now.train)
        return text(now.train, " rows to train on, there were ", before.train);
    if (before.scaling != now.scaling) return "the scaling is not the same";
    if (before.fingerprint != now.fingerprint)
        return text("the content has changed (fingerprint ", now.fingerprint.substr(0, 12),
                    ", it was ", before.fingerprint.substr(0, 12), ")");
    return {};
}

}  // namespace pushforward

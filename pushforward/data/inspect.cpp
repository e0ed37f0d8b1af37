#include "pushforward/data/inspect.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/base/sniff.hpp"
#include "pushforward/data/grid.hpp"
#include "pushforward/data/scaling.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <unordered_set>

namespace pushforward {
namespace {

constexpr std::int64_t most_rows = 100000, most_pictures = 1000, most_columns = 1000;

/// Range and moments of the finite entries of `values`, [n] of a floating type.
void measure(ColumnReport& report, const Tensor& values) {
    const Tensor good = values.isfinite();
    const Tensor finite = good.all().item<bool>() ? values : values.index({good});
    report.not_finite = values.numel() - finite.numel();
    if (finite.numel() == 0) return;
    report.low = finite.min().item<double>();
    report.high = finite.max().item<double>();
    report.mean = finite.mean(torch::kDouble).item<double>();
    report.standard_deviation = finite.std(false).item<double>();
}

/// How many rows of [n, ...] equal an earlier one.
std::int64_t duplicates(const Tensor& rows) {
    const Tensor plain = rows.contiguous();
    const auto width =
        static_cast<std::size_t>(plain.nbytes()) / static_cast<std::size_t>(plain.size(0));
    const auto* bytes = static_cast<const char*>(plain.data_ptr());
    std::unordered_set<std::string_view> seen;
    for (std::int64_t i = 0; i < plain.size(0); ++i)
        seen.emplace(bytes + static_cast<std::size_t>(i) * width, width);
    return plain.size(0) - static_cast<std::int64_t>(seen.size());
}

/// What is worth saying of the columns and rows measured so far.
void find_odd(Inspection& r) {
    for (const auto& c : r.columns) {
        if (c.text) r.odd.push_back(text(c.name, " holds text: ", c.first_text));
        if (c.not_finite > 0)
            r.odd.push_back(text(c.name, ": ", c.not_finite,
                                 " values missing or not finite, first at ", c.first_not_finite));
        if (!c.text && c.low == c.high && r.count > 1 && c.not_finite < r.count)
            r.odd.push_back(text(c.name, " is constant: ", c.low));
    }
    if (r.duplicates > 0) r.odd.push_back(text(r.duplicates, " rows equal an earlier one"));
    for (const auto& [name, count] : r.classes)
        if (count == 0) r.odd.push_back(text("class ", name, " has no item"));
}

void look_at_rows(Inspection& r, const Source& source) {
    const std::int64_t n = source.size();
    const std::int64_t looked = std::min(n, source.stamp().empty() ? most_rows : most_pictures);
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < looked; ++i) rows.push_back(i * n / looked);
    if (looked < n) r.odd.push_back(text("looked at ", looked, " of ", n, " items"));
    const Batch batch = source.get(rows);
    r.duplicates = duplicates(batch.x);
    const Tensor x = batch.x.to(torch::kFloat);
    const auto names = source.columns();
    const bool vectors = x.dim() == 2 && x.size(1) <= most_columns;
    const std::int64_t columns = vectors ? x.size(1) : 1;
    for (std::int64_t k = 0; k < columns; ++k) {
        ColumnReport c;
        c.name = static_cast<std::size_t>(k) < names.size() ? names[static_cast<std::size_t>(k)]
                 : vectors                                  ? text("entry ", k)
                                                            : std::string("values");
        const Tensor values = vectors ? x.select(1, k) : x.reshape({-1});
        measure(c, values);
        if (c.not_finite > 0) {
            const auto at = values.isfinite().logical_not().nonzero()[0].item<std::int64_t>();
            const std::int64_t width = vectors ? 1 : values.numel() / x.size(0);
            c.first_not_finite = text("row ", rows[static_cast<std::size_t>(at / width)]);
        }
        r.columns.push_back(std::move(c));
    }
    for (const auto& field : source.spec().conditions) {
        if (field.space.kind != Kind::symbol) continue;
        const Tensor counts =
            torch::bincount(batch.c.value.at(field.name), {}, field.space.symbols);
        for (std::int64_t k = 0; k < field.space.symbols; ++k) {
            const auto place = static_cast<std::size_t>(k);
            r.classes.emplace_back(place < field.names.size() ? field.names[place] : text(k),
                                   counts[k].item<std::int64_t>());
        }
    }
    const std::int64_t shown = x.dim() == 4 ? std::min<std::int64_t>(64, looked) : looked;
    r.picture = picture_png(batch.x.slice(0, 0, shown));
}

/// Records of text: how long they are, in symbols, and which symbols there are.
void look_at_text(Inspection& r, const Source& source) {
    const std::int64_t n = source.size(), looked = std::min(n, most_rows);
    std::vector<Tensor> symbols;
    std::vector<double> lengths;
    std::unordered_set<std::string> seen;
    for (std::int64_t i = 0; i < looked; ++i) {
        const std::vector<std::int64_t> row{i * n / looked};
        const Tensor x = source.get(row).x[0].contiguous();
        lengths.push_back(static_cast<double>(x.size(0)));
        symbols.push_back(x);
        seen.emplace(static_cast<const char*>(x.const_data_ptr()), x.nbytes());
    }
    if (looked < n) r.odd.push_back(text("looked at ", looked, " of ", n, " items"));
    r.duplicates = looked - static_cast<std::int64_t>(seen.size());
    ColumnReport length;
    length.name = "symbols an item";
    measure(length, torch::tensor(lengths, torch::kDouble));
    if (length.low < length.high) r.columns.push_back(length);  // else the shape says it
    r.picture = picture_png(torch::cat(symbols).unsqueeze(1));
}

/// A table's columns as they are in the file, readable by `train` or not.
void look_at_table(Inspection& r, const Table& table) {
    r.kind = text("table, ", table.rows, " rows x ", table.columns.size(), " columns");
    r.count = table.rows;
    r.shape = {static_cast<std::int64_t>(table.columns.size())};
    std::vector<Tensor> numbers;
    for (const auto& column : table.columns) {
        ColumnReport c;
        c.name = column.name;
        c.text = !column.numeric;
        if (column.first_text)
            c.first_text =
                text("line ", column.first_text->line, ", '", column.first_text->text, "'");
        if (column.numeric) {
            numbers.push_back(torch::tensor(column.numbers, torch::kDouble));
            measure(c, numbers.back());
        }
        c.not_finite = static_cast<std::int64_t>(column.missing.size() + column.nonfinite.size());
        if (c.not_finite > 0) {
            std::int64_t first = table.rows;
            for (const auto* rows : {&column.missing, &column.nonfinite})
                if (!rows->empty()) first = std::min(first, rows->front());
            c.first_not_finite = text("line ", table.lines[static_cast<std::size_t>(first)]);
        }
        r.columns.push_back(std::move(c));
    }
    if (numbers.empty()) return;
    const Tensor all = torch::stack(numbers, 1);
    if (numbers.size() == table.columns.size()) r.duplicates = duplicates(all);
    r.picture = picture_png(all);
}

std::string short_number(double value) {
    std::ostringstream out;
    out << std::setprecision(5) << value;
    return out.str();
}

}  // namespace

Inspection inspect_data(const std::string& spec) {
    Inspection r;
    r.spec = spec;
    const DataSpecText parsed = parse_data_spec(spec);
    std::error_code error;
    bool table = false;
    if (!parsed.simulator && std::filesystem::is_regular_file(parsed.path, error)) {
        const Blob blob = open_file(parsed.path);
        if (sniff(blob.bytes) == FileKind::text &&
            !text_format_of(parsed.path, file_options(parsed))) {
            table = true;
            look_at_table(r, read_table(blob));
        }
    }
    try {
        const auto source = open_data(spec);
        if (table) {
            for (const auto& field : source->spec().conditions)
                if (field.space.kind == Kind::symbol) {
                    Inspection rows;
                    look_at_rows(rows, *source);
                    r.classes = rows.classes;
                    break;
                }
        } else {
            source->spec().x.is_sequence() ? look_at_text(r, *source) : look_at_rows(r, *source);
            r.kind = source->kind();
            r.count = source->size();
            r.shape = source->spec().x.event;
        }
        r.type = table ? "text" : source->type();
        if (const auto test = source->own_test()) r.own_test = test->size();
        for (const auto& note : source->notes()) r.odd.push_back(note);
        std::vector<std::int64_t> all(static_cast<std::size_t>(source->size()));
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
        try {
            refuse_non_finite(*source, all);
        } catch (const DataError& refusal) {
            r.refused = refusal.what();
        }
    } catch (const DataError& refusal) {
        if (!table) throw;
        r.type = "text";
        r.refused = refusal.what();
    }
    find_odd(r);
    return r;
}

std::string to_text(const Inspection& r) {
    std::ostringstream out;
    out << r.spec << ": " << r.kind << "\n";
    out << "  items   " << r.count;
    if (r.own_test > 0) out << " and a test set of " << r.own_test;
    out << "\n  shape   [";
    for (std::size_t i = 0; i < r.shape.size(); ++i) out << (i ? ", " : "") << r.shape[i];
    out << "], " << r.type << "\n";
    constexpr std::size_t most = 40;
    for (std::size_t i = 0; i < std::min(most, r.columns.size()); ++i) {
        const auto& c = r.columns[i];
        out << "  " << c.name << ": ";
        if (c.text)
            out << "text";
        else
            out << short_number(c.low) << " to " << short_number(c.high) << ", mean "
                << short_number(c.mean) << ", standard deviation "
                << short_number(c.standard_deviation);
        out << "\n";
    }
    if (r.columns.size() > most) out << "  and " << r.columns.size() - most << " more columns\n";
    if (!r.classes.empty()) {
        out << "  classes " << r.classes.size() << ":";
        for (std::size_t i = 0; i < std::min(most, r.classes.size()); ++i)
            out << " " << r.classes[i].first << " (" << r.classes[i].second << ")";
        if (r.classes.size() > most) out << " ...";
        out << "\n";
    }
    for (const auto& line : r.odd) out << "  odd: " << line << "\n";
    if (!r.refused.empty()) out << "  train would refuse this: " << r.refused << "\n";
    return out.str();
}

}  // namespace pushforward

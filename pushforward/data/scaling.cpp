#include "pushforward/data/scaling.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/data/source.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

/// One value when there is one pair, else the last dimension's own, of x's type.
Tensor constants(const std::vector<double>& values, const Tensor& like) {
    const Tensor all = torch::tensor(values, torch::kDouble).to(like.device(), like.scalar_type());
    return values.size() == 1 ? all.squeeze(0) : all;
}

/// Mean and sum of squared deviations of columns, rows coming in pieces (Chan et al. 1983).
struct Moments {
    double n = 0;
    Tensor mean, squares, low, high;

    void add(const Tensor& rows) {  // [B, D] in float64
        const double b = static_cast<double>(rows.size(0));
        if (b == 0) return;
        const Tensor m = rows.mean(0), s = (rows - m).pow(2).sum(0);
        if (n == 0) {
            mean = m, squares = s, low = rows.amin(0), high = rows.amax(0);
        } else {
            const Tensor delta = m - mean;
            mean = mean + delta * (b / (n + b));
            squares = squares + s + delta.pow(2) * (n * b / (n + b));
            low = torch::minimum(low, rows.amin(0)), high = torch::maximum(high, rows.amax(0));
        }
        n += b;
    }

    Affine affine() const {
        const Tensor sd = (squares / n).sqrt();
        // rounding leaves a constant column a deviation of its own size times 1e-16
        const Tensor scale = torch::where(high > low, sd, torch::ones_like(sd));
        Affine a;
        a.shift.assign(mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel());
        a.scale.assign(scale.data_ptr<double>(), scale.data_ptr<double>() + scale.numel());
        return a;
    }
};

[[noreturn]] void refuse(const Dataset& data, std::int64_t row, const std::string& column,
                         double value) {
    const auto* source = dynamic_cast<const Source*>(&data);
    throw DataError(source ? source->name() : "data", text("row ", row, ", ", column),
                    text("expected a finite number, got ", value));
}

/// [B, D]: vectors keep their columns, anything else becomes one column.
Tensor columns_of(const Tensor& x) {
    return x.dim() == 2 ? x.to(torch::kDouble) : x.to(torch::kDouble).reshape({-1, 1});
}

void check_finite(const Dataset& data, const Tensor& x, std::span<const std::int64_t> rows,
                  const std::string& name) {
    if (torch::isfinite(x).all().item<bool>()) return;
    const Tensor flat = x.reshape({x.size(0), -1});
    const Tensor first = torch::isfinite(flat).logical_not().nonzero()[0];
    const auto i = first[0].item<std::int64_t>(), j = first[1].item<std::int64_t>();
    const auto* source = dynamic_cast<const Source*>(&data);
    const auto columns = source ? source->columns() : std::vector<std::string>{};
    const std::string column = !name.empty() ? name
                               : static_cast<std::size_t>(j) < columns.size()
                                   ? columns[static_cast<std::size_t>(j)]
                                   : text("entry ", j);
    refuse(data, rows[static_cast<std::size_t>(i)], column, flat[i][j].item<double>());
}

/// Reals that could be anything: not bytes, not symbols.
bool looked_at(const Dataset& data) {
    const auto* source = dynamic_cast<const Source*>(&data);
    return data.spec().x.kind == Kind::real && !(source && source->unit_range());
}

struct Measured {
    Moments x;
    std::map<std::string, Moments> conditions;
};

/// Reads the rows in pieces of about 2^22 numbers; refuses what is not finite.
Measured measure(const Dataset& data, std::span<const std::int64_t> rows) {
    const auto& spec = data.spec();
    const bool look = looked_at(data);
    std::vector<std::string> names;
    for (const auto& field : spec.conditions)
        if (field.space.kind == Kind::real) names.push_back(field.name);
    Measured measured;
    if (!look && names.empty()) return measured;
    const auto width = static_cast<std::size_t>(std::max<std::int64_t>(1, spec.x.dimensions()));
    const std::size_t piece = std::max<std::size_t>(1, (std::size_t{1} << 22) / width);
    for (std::size_t first = 0; first < rows.size(); first += piece) {
        const auto some = rows.subspan(first, std::min(piece, rows.size() - first));
        const Batch batch = data.get(some);
        if (look) {
            check_finite(data, batch.x, some, "");
            measured.x.add(columns_of(batch.x));
        }
        for (const auto& name : names) {
            const Tensor& value = batch.c.value.at(name);
            check_finite(data, value, some, name);
            measured.conditions[name].add(
                columns_of(value.dim() == 1 ? value.unsqueeze(1) : value));
        }
    }
    return measured;
}

}  // namespace

Tensor Affine::to_model(const Tensor& data) const {
    return (data - constants(shift, data)) / constants(scale, data);
}

Tensor Affine::to_data(const Tensor& model) const {
    return model * constants(scale, model) + constants(shift, model);
}

Scaling::Scaling(Affine x, std::map<std::string, Affine> conditions)
    : x_(std::move(x)), conditions_(std::move(conditions)) {}

Scaling Scaling::fit(const Dataset& data, std::span<const std::int64_t> rows) {
    PF_CHECK(!rows.empty(), "Scaling::fit", "at least one row", 0);
    const Measured measured = measure(data, rows);
    Scaling scaling;
    for (const auto& [name, moments] : measured.conditions)
        scaling.conditions_[name] = moments.affine();
    const Moments& x = measured.x;
    const bool look = looked_at(data);
    const bool image = data.spec().x.is_image() &&
                       (!look || (x.low.item<double>() >= 0 && x.high.item<double>() <= 1));
    if (image)
        scaling.x_ = {{0.5}, {0.5}};  // 2x - 1
    else if (look)
        scaling.x_ = x.affine();
    return scaling;
}

void refuse_non_finite(const Dataset& data, std::span<const std::int64_t> rows) {
    measure(data, rows);
}

Condition Scaling::to_model(const Condition& c) const {
    Condition out = c;
    for (const auto& [name, affine] : conditions_)
        if (const auto at = out.value.find(name); at != out.value.end())
            at->second = affine.to_model(at->second);
    return out;
}

Condition Scaling::to_data(const Condition& c) const {
    Condition out = c;
    for (const auto& [name, affine] : conditions_)
        if (const auto at = out.value.find(name); at != out.value.end())
            at->second = affine.to_data(at->second);
    return out;
}

Batch Scaling::to_model(Batch batch) const {
    if (batch.x.is_floating_point()) batch.x = x_.to_model(batch.x);
    batch.c = to_model(batch.c);
    return batch;
}

double Scaling::log_det(at::IntArrayRef event) const {
    double dimensions = 1, sum = 0;
    for (const auto size : event) dimensions *= static_cast<double>(size);
    for (const double s : x_.scale) sum -= std::log(s);
    return x_.scale.size() == 1 ? dimensions * sum : sum;
}

}  // namespace pushforward

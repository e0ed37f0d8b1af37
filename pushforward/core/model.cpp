#include "pushforward/core/model.hpp"

#include "pushforward/base/errors.hpp"

namespace pushforward {

void check_request(const DataSpec& spec, const SampleRequest& request) {
    PF_CHECK(request.n >= 1, "sample: n", "at least 1", request.n);
    for (auto size : spec.x.event)
        PF_CHECK(size > 0, "sample", "items of a fixed size", text("a size of ", size));
    check_conditions("sample", spec, request.c, request.n);
}

void check_conditions(const std::string& who, const DataSpec& spec, const Condition& c,
                      std::int64_t rows) {
    for (const auto& [name, value] : c.value) {
        const std::string what = text(who, ": condition '", name, "'");
        const Field* field = spec.condition(name);
        if (!field) {
            std::string known;
            for (const auto& f : spec.conditions) known += (known.empty() ? "" : ", ") + f.name;
            throw UsageError(
                text(what, ": the model knows ", known.empty() ? "no conditions" : known));
        }
        PF_CHECK(value.dim() >= 1 && value.size(0) == rows, what, text(rows, " rows"),
                 value.dim() >= 1 ? value.size(0) : 0);
        if (field->space.kind == Kind::symbol)
            PF_CHECK(
                value.min().item<std::int64_t>() >= 0 &&
                    value.max().item<std::int64_t>() < field->space.symbols,
                what, text("labels from 0 to ", field->space.symbols - 1),
                text(value.min().item<std::int64_t>(), " to ", value.max().item<std::int64_t>()));
    }
}

std::vector<std::int64_t> shape_of(const Space& x, std::int64_t n) {
    std::vector<std::int64_t> shape{n};
    shape.insert(shape.end(), x.event.begin(), x.event.end());
    return shape;
}

}  // namespace pushforward

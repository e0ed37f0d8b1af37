#include "pushforward/core/model.hpp"

#include "pushforward/base/errors.hpp"

namespace pushforward {

void check_request(const DataSpec& spec, const SampleRequest& request) {
    PF_CHECK(request.n >= 1, "sample: n", "at least 1", request.n);
    for (auto size : spec.x.event)
        PF_CHECK(size > 0, "sample", "items of a fixed size", text("a size of ", size));
    for (const auto& [name, value] : request.c.value) {
        const Field* field = spec.condition(name);
        if (!field) {
            std::string known;
            for (const auto& f : spec.conditions) known += (known.empty() ? "" : ", ") + f.name;
            throw UsageError(text("sample: condition '", name, "': the model knows ",
                                  known.empty() ? "no conditions" : known));
        }
        PF_CHECK(value.dim() >= 1 && value.size(0) == request.n,
                 text("sample: condition '", name, "'"), text(request.n, " rows"),
                 value.dim() >= 1 ? value.size(0) : 0);
        if (field->space.kind == Kind::symbol)
            PF_CHECK(
                value.min().item<std::int64_t>() >= 0 &&
                    value.max().item<std::int64_t>() < field->space.symbols,
                text("sample: condition '", name, "'"),
                text("labels from 0 to ", field->space.symbols - 1),
                text(value.min().item<std::int64_t>(), " to ", value.max().item<std::int64_t>()));
    }
}

std::vector<std::int64_t> shape_of(const Space& x, std::int64_t n) {
    std::vector<std::int64_t> shape{n};
    shape.insert(shape.end(), x.event.begin(), x.event.end());
    return shape;
}

}  // namespace pushforward

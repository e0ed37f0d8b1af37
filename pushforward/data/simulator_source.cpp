#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/data/sources.hpp"
#include "pushforward/simulators/catalogue.hpp"

#include <algorithm>

namespace pushforward {
namespace {

/// The keys of every SPEC and the simulator's own.
struct Query : Options {
    RowOptions rows;
    std::unique_ptr<Options> own;
    void visit(Fields& f) override {
        rows.visit(f);
        own->visit(f);
    }
};

constexpr std::int64_t validation_items = std::int64_t{1} << 40;
constexpr std::int64_t test_items = std::int64_t{1} << 41;

class SimulatorSource : public Source {
public:
    SimulatorSource(std::string name, std::string options,
                    std::shared_ptr<const Simulator> simulator, std::int64_t first, std::int64_t n,
                    std::uint64_t seed)
        : name_(std::move(name)),
          options_(std::move(options)),
          simulator_(std::move(simulator)),
          first_(first),
          n_(n),
          seed_(seed) {}

    const DataSpec& spec() const override { return simulator_->spec(); }
    std::int64_t size() const override { return n_; }
    std::string name() const override { return "sim:" + name_; }
    std::string kind() const override {
        return text("simulator ", name_, " (", options_, ") with seed ", seed_);
    }
    std::string type() const override {
        return spec().x.kind == Kind::symbol ? "int64" : "float32";
    }
    bool unit_range() const override { return spec().x.is_image(); }
    const Simulator* simulator() const override { return simulator_.get(); }

    Batch get(std::span<const std::int64_t> rows) const override {
        std::vector<std::int64_t> items(rows.begin(), rows.end());
        for (auto& item : items) {
            PF_CHECK(item >= 0 && item < n_, name(), text("a row below ", n_), item);
            item += first_;
        }
        Batch batch = simulator_->draw(items, seed_);
        batch.index = batch.index - first_;
        return batch;
    }

    std::shared_ptr<const Source> own_test() const override {
        if (first_ == test_items) return nullptr;
        return std::make_shared<SimulatorSource>(name_, options_, simulator_, test_items,
                                                 std::max<std::int64_t>(1, n_ / 6), seed_);
    }

private:
    std::string name_, options_;
    std::shared_ptr<const Simulator> simulator_;
    std::int64_t first_, n_;
    std::uint64_t seed_;
};

/// "modes = 8, radius = 2.0".
std::string one_line(Options& options) {
    std::string line = write_options(options);
    while (!line.empty() && line.back() == '\n') line.pop_back();
    for (std::size_t at = 0; (at = line.find('\n', at)) != std::string::npos;)
        line.replace(at, 1, ", ");
    return line;
}

}  // namespace

std::shared_ptr<const Source> open_simulator(const DataSpecText& spec) {
    const auto& entry = find_simulator(spec.path);
    Query query;
    query.own = entry.options();
    apply_text_values(query, spec.values, "sim:" + spec.path);
    const auto& rows = query.rows;
    const std::int64_t first = rows.split == "test"         ? test_items
                               : rows.split == "validation" ? validation_items
                                                            : 0;
    return std::make_shared<SimulatorSource>(
        spec.path, one_line(*query.own), entry.make(*query.own), first,
        rows.n > 0 ? rows.n : entry.items, static_cast<std::uint64_t>(rows.seed));
}

}  // namespace pushforward

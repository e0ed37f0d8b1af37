#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/training/options.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pushforward {

struct Preparation;

/// The recipe's [data].
struct DataOptions : Options {
    std::string source;         ///< a data SPEC
    double validation = 0.1;    ///< share held out
    bool conditional = true;    ///< whether the model sees the data's labels and context
    bool scale = true;          ///< images to [-1, 1], tables to mean 0 and deviation 1
    std::int64_t window = 256;  ///< symbols a training row of documents
    void visit(Fields& f) override;
};

/// What `prepare_data` is told of them.
Preparation preparation(const DataOptions& data);

/// The recipe's [eval].
struct EvalOptions : Options {
    Fields::Texts metrics;  ///< empty: every metric that the model and the data allow
    std::int64_t n = 1000;
    void visit(Fields& f) override;
};

/// The recipe's [expect]: the figure that `audit` checks the recipe for.
struct ExpectOptions : Options {
    std::string metric;  ///< empty: nothing is promised
    double value = 0, tolerance = 0;
    void visit(Fields& f) override;
};

/// Everything that decides a run. [objective] and [sample] follow from the model: they hold what
/// that model understands.
class Recipe : public Options {
public:
    DataOptions data;
    Variant model, objective;
    TrainOptions train;
    std::unique_ptr<Options> sample;
    EvalOptions eval;
    ExpectOptions expect;

    Recipe();
    void visit(Fields& f) override;

private:
    void follow_model();
    std::string followed_;
};

/// A recipe from TOML text and `--set` assignments laid over it. UsageError lists every unknown
/// key, wrong type and impossible value, each with its place.
Recipe parse_recipe(const std::string& text, const std::string& file,
                    const std::vector<std::string>& sets = {});

/// A shipped recipe by its name, or a file. `name` receives the name without folder and extension.
Recipe load_recipe(const std::string& name_or_file, const std::vector<std::string>& sets = {},
                   std::string* name = nullptr);

/// TOML that parses to the same recipe.
std::string recipe_text(const Recipe& recipe, bool comments = false);
/// An equal recipe.
Recipe copy_of(const Recipe& recipe);

/// SHA-256 of the recipe without train.steps, which alone may grow when a run is resumed.
std::string recipe_hash(const Recipe& recipe);
/// The lines in which two recipes differ, train.steps apart; "" when in none.
std::string recipe_difference(const Recipe& before, const Recipe& now);

struct ShippedRecipe {
    std::string name, family, text;
    /// The comment that it begins with, without the marks.
    std::string comment() const;
};
/// The recipes inside the program.
const std::vector<ShippedRecipe>& shipped_recipes();

}  // namespace pushforward

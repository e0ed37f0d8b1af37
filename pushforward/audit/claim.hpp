#pragma once

#include "pushforward/base/fields.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// One number that a claim predicts: `expected` by mathematics that shares no code with the
/// models, in float64; `measured` from run folders; passed when `measured` is in [low, high].
struct Check {
    std::string name;
    double expected = 0, measured = 0, standard_error = 0;
    double low = 0, high = 0;

    bool passed() const { return low <= measured && measured <= high; }  // NaN never passes
};

/// A training that a claim needs: its name within the claim, its recipe (TOML), and the earlier run
/// of the claim that its objective learns from.
struct PlannedRun {
    std::string name, recipe, teacher = {};
};

/// Where the runs of one seed lie, by PlannedRun::name.
using RunFolders = std::map<std::string, std::filesystem::path>;

/// A statement as an experiment that can fail. `Options` hold the truth's parameters.
class Claim {
public:
    virtual ~Claim() = default;
    virtual Options& parameters() = 0;
    /// What must be fitted for one seed, on data of that seed; the recipe's train.seed is set by
    /// the caller. UsageError when the parameters leave nothing to be tested.
    virtual std::vector<PlannedRun> runs(std::uint64_t seed) const = 0;
    /// Opens the folders and measures; the first check is the headline. What is in the folders
    /// is all that it knows of the fit.
    virtual std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const = 0;
};

}  // namespace pushforward

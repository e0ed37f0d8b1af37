#pragma once

#include "pushforward/audit/claim.hpp"
#include "pushforward/base/json.hpp"

#include <atomic>
#include <functional>

namespace pushforward {

struct AuditRequest {
    std::vector<std::string> claims;  ///< ids; empty: every claim
    std::vector<std::string> sets;    ///< `parameter=value`, for each chosen claim that has it
    std::int64_t seeds = 3;
    std::uint64_t seed = 0;  ///< the first; the others follow it
    bool quick = false;      ///< one seed: the bands are those of one seed and stay as they are
    bool timed = false;      ///< the claims about time, too
    bool lesion = false;     ///< re-initialise the fitted weights on disk, then measure
    std::filesystem::path work = "runs/audit";  ///< where the runs are fitted, and found again
    const std::atomic<int>* stop = nullptr;     ///< becomes a signal's number
    std::function<void(const std::string&)> progress = {};
};

/// What came of one seed: its checks, or why there are none.
struct SeedResult {
    std::uint64_t seed = 0;
    std::vector<Check> checks;
    std::string error;
    bool passed() const;
};

struct ClaimResult {
    std::string id, statement, reference, parameters;  ///< parameters as TOML
    std::vector<SeedResult> seeds;
    double seconds = 0;

    /// "pass": every check of every seed is in its band; "error": a seed could not be measured.
    std::string verdict() const;
};

/// Fits (or finds) the runs of every chosen claim and seed and measures them. With `lesion` the
/// measured folders are copies whose weights were replaced by fresh ones; nothing else differs.
/// UsageError for an unknown claim or parameter (with the nearest), and for a claim about time that
/// is named without `timed`, before any work.
std::vector<ClaimResult> audit(const AuditRequest& request);

/// 0 when every claim passed; with `lesion` 0 only if every claim failed. Else 1.
int audit_status(const std::vector<ClaimResult>& results, bool lesion);

/// {"claims": [{"id", "expected", "measured", "stderr", "seeds", "verdict", "checks": [...]}],
/// "environment"}: the claim's own numbers are its first check's, averaged over seeds.
json::object to_json(const std::vector<ClaimResult>& results);
/// For a terminal, and as one page.
std::string to_text(const std::vector<ClaimResult>& results);
std::string audit_page(const std::vector<ClaimResult>& results, const AuditRequest& request);

/// Replaces the weights of a run folder by what its model's own initialiser draws from `seed`.
void lesion_run(const std::filesystem::path& folder, std::uint64_t seed);

}  // namespace pushforward

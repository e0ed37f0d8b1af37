#include "pushforward/audit/audit.hpp"

#include "pushforward/audit/catalogue.hpp"
#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/training/fit.hpp"
#include "pushforward/training/run.hpp"

#include <algorithm>
#include <chrono>

namespace pushforward {
namespace {

/// A claim with its parameters set, ready to run.
struct Chosen {
    const ClaimEntry* entry;
    std::unique_ptr<Claim> claim;
};

std::string key_of(const std::string& assignment) {
    const auto equal = assignment.find('=');
    PF_CHECK(equal != std::string::npos && equal > 0, "--set", "parameter=value", assignment);
    return assignment.substr(0, equal);
}

/// `--set` for one claim: the assignments to parameters that it has. One number is a list of one.
void set_parameters(Options& parameters, const std::vector<std::string>& sets) {
    Node root{Node::Table{}, "--set"};
    const auto fields = describe_options(parameters);
    for (const auto& assignment : sets) {
        const std::string key = key_of(assignment);
        const auto field = std::find_if(fields.begin(), fields.end(),
                                        [&](const Described& d) { return d.path == key; });
        if (field == fields.end()) continue;
        const std::string value = assignment.substr(key.size() + 1);
        const bool bare = field->type.rfind("list", 0) == 0 && value.find('[') == std::string::npos;
        set_value(root, key + "=" + (bare ? "[" + value + "]" : value));
    }
    read_options(parameters, root);
}

std::vector<Chosen> choose(const AuditRequest& request) {
    std::vector<Chosen> all;
    if (request.claims.empty())
        for (const auto& entry : claim_catalogue())
            if (request.timed || !entry.timed) all.push_back({&entry, entry.make()});
    for (const auto& id : request.claims) {
        const auto& entry = claim_entry(id);
        if (entry.timed && !request.timed)
            throw UsageError(id + " compares times, on a machine that does nothing else: --timed");
        all.push_back({&entry, entry.make()});
    }
    std::vector<std::string> known;
    for (const auto& chosen : all)
        for (const auto& field : describe_options(chosen.claim->parameters()))
            known.push_back(field.path);
    for (const auto& assignment : request.sets) {
        const std::string key = key_of(assignment);
        if (std::find(known.begin(), known.end(), key) == known.end())
            throw UsageError("--set " + assignment + ": no chosen claim has a parameter '" + key +
                             "'" + nearest_hint(key, known));
    }
    for (auto& chosen : all) set_parameters(chosen.claim->parameters(), request.sets);
    return all;
}

/// Runs are found again as long as the recipe, the seed and the program are the same.
std::filesystem::path folder_of(const AuditRequest& request, const std::string& id,
                                const PlannedRun& run, std::uint64_t seed) {
    std::error_code ignored;
    const auto built = std::filesystem::last_write_time(
        std::filesystem::read_symlink("/proc/self/exe", ignored), ignored);
    const std::string content = text(run.recipe, "\n", seed, "\n", version(), " ", commit(), " ",
                                     built.time_since_epoch().count());
    return request.work /
           text(id, '-', run.name, "-seed", seed, '-', sha256(bytes_of(content)).substr(0, 8));
}

/// A copy of what the verbs need of a run, with fresh weights in it.
std::filesystem::path lesioned_copy(const std::filesystem::path& run, std::uint64_t seed) {
    const std::filesystem::path copy = run.string() + "-lesion";
    remove_tree(copy);
    make_folder(copy);
    const RunFolder from = RunFolder::open(run);
    for (const auto& file : {from.recipe(), from.data(), from.weights()})
        write_atomic(copy / file.filename(), read_file(file).bytes);
    lesion_run(copy, seed);
    return copy;
}

RunFolders fit_runs(const AuditRequest& request, const Chosen& chosen, std::uint64_t seed) {
    auto say = [&](const std::string& line) {
        if (request.progress) request.progress(chosen.entry->id + ": " + line);
    };
    RunFolders folders, taught_by;
    for (const auto& run : chosen.claim->runs(seed)) {
        const auto folder = folder_of(request, chosen.entry->id, run, seed);
        say(text("seed ", seed, ", ", run.name, ": ", folder.string()));
        std::vector<std::string> sets{text("train.seed=", seed)};
        if (!run.teacher.empty())
            sets.push_back("objective.teacher=" + taught_by.at(run.teacher).string());
        Recipe recipe = parse_recipe(run.recipe, chosen.entry->id + " " + run.name, sets);
        FitOptions options;
        options.name = run.name;
        options.out = folder;
        options.existing = RunFolder::Existing::resume;
        options.stop = request.stop;
        options.say = say;
        fit(std::move(recipe), options);
        taught_by[run.name] = folder;
        folders[run.name] = request.lesion ? lesioned_copy(folder, seed + 1) : folder;
    }
    return folders;
}

ClaimResult examine(const AuditRequest& request, const Chosen& chosen) {
    const auto began = std::chrono::steady_clock::now();
    ClaimResult result{chosen.entry->id,
                       chosen.entry->statement,
                       chosen.entry->reference,
                       write_options(chosen.claim->parameters()),
                       {},
                       0};
    const std::int64_t seeds = request.quick ? 1 : request.seeds;
    for (std::int64_t i = 0; i < seeds; ++i) {
        SeedResult one{request.seed + static_cast<std::uint64_t>(i), {}, {}};
        try {
            one.checks = chosen.claim->measure(fit_runs(request, chosen, one.seed), one.seed);
        } catch (const Interrupted&) {
            throw;
        } catch (const StorageError&) {
            throw;
        } catch (const std::exception& error) {
            one.error = error.what();
        }
        if (request.progress)
            request.progress(text(result.id, ": seed ", one.seed, ": ",
                                  !one.error.empty() ? "error: " + one.error
                                  : one.passed()     ? "pass"
                                                     : "fail"));
        result.seeds.push_back(std::move(one));
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    result.seconds = spent.count();
    return result;
}

}  // namespace

bool SeedResult::passed() const {
    return error.empty() && !checks.empty() &&
           std::all_of(checks.begin(), checks.end(), [](const Check& c) { return c.passed(); });
}

std::string ClaimResult::verdict() const {
    for (const auto& seed : seeds)
        if (!seed.error.empty()) return "error";
    return std::all_of(seeds.begin(), seeds.end(), [](const auto& s) { return s.passed(); })
               ? "pass"
               : "fail";
}

std::vector<ClaimResult> audit(const AuditRequest& request) {
    PF_CHECK(request.seeds >= 1, "audit", "at least 1 seed", request.seeds);
    const auto chosen = choose(request);
    for (const auto& c : chosen) (void)c.claim->runs(request.seed);  // refuses before any work
    make_folder(request.work);
    std::vector<ClaimResult> results;
    for (const auto& c : chosen) results.push_back(examine(request, c));
    return results;
}

int audit_status(const std::vector<ClaimResult>& results, bool lesion) {
    return std::all_of(results.begin(), results.end(),
                       [&](const auto& r) { return r.verdict() == (lesion ? "fail" : "pass"); })
               ? 0
               : 1;
}

void lesion_run(const std::filesystem::path& folder, std::uint64_t seed) {
    const OpenedRun run = open_run(folder.string());
    std::map<std::string, std::string> metadata;
    read_tensors(run.folder.weights(), &metadata);
    const auto fresh = make_model(run.recipe, model_spec(run.recipe, run.description.spec), seed);
    write_tensors(run.folder.weights(), weights_of(fresh->module()), metadata);
}

}  // namespace pushforward

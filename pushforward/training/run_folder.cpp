#include "pushforward/training/run_folder.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

const char* const kEvents = "events.out.tfevents.";

/// What a training leaves in `folder`.
std::vector<fs::path> what_training_writes(const fs::path& folder) {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto name = entry.path().filename().string();
        for (const char* ours :
             {"recipe.toml", "model.safetensors", "data.json", "summary.json", "checkpoints",
              "metrics.jsonl", "samples", "density.png", "report.html"})
            if (name == ours) all.push_back(entry.path());
        if (name.starts_with(kEvents)) all.push_back(entry.path());
    }
    return all;
}

fs::path next_free(const std::string& recipe) {
    make_folder("runs");
    for (int n = 1;; ++n) {
        char number[16];
        std::snprintf(number, sizeof number, "-%03d", n);
        const auto folder = fs::path("runs") / (recipe + number);
        std::error_code failed;
        // Making it is the test: two trainings that start at once get two folders.
        if (fs::create_directory(folder, failed)) return folder;
        if (failed && failed != std::errc::file_exists)
            throw StorageError(text(folder.string(), ": ", failed.message()));
    }
}

}  // namespace

RunFolder RunFolder::create(const fs::path& folder, const std::string& recipe, Existing existing) {
    if (folder.empty()) return RunFolder(next_free(recipe));
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) {
        make_folder(folder);
        return RunFolder(folder);
    }
    PF_CHECK(fs::is_directory(folder, ignored), "--out", "a folder",
             folder.string() + ", which is a file");
    const auto ours = what_training_writes(folder);
    PF_CHECK(!ours.empty() || fs::is_empty(folder), "--out", "a new or empty folder, or a run",
             folder.string() + ", which holds something else");
    PF_CHECK(ours.empty() || existing != Existing::refuse, "--out",
             "a new folder; --resume goes on with a run, --overwrite begins it anew",
             folder.string() + ", which holds a run");
    if (existing == Existing::overwrite)
        for (const auto& path : ours) remove_tree(path);
    return RunFolder(folder);
}

RunFolder RunFolder::open(const fs::path& folder) {
    RunFolder run(folder);
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored))
        throw DataError(folder.string(), "", "expected a run folder: there is no such folder");
    for (const auto& file : {run.recipe(), run.weights()})
        if (!fs::is_regular_file(file, ignored))
            throw DataError(folder.string(), file.filename().string(),
                            "expected a run folder: this file is missing (an unfinished training "
                            "has no model.safetensors yet; train --resume completes it)");
    return run;
}

fs::path RunFolder::samples(std::int64_t step) const {
    return path_ / "samples" / text("step-", step, ".png");
}

std::vector<std::pair<std::int64_t, fs::path>> RunFolder::all_samples() const {
    std::vector<std::pair<std::int64_t, fs::path>> all;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(path_ / "samples", none)) {
        const auto name = entry.path().stem().string();
        std::int64_t step = -1;
        if (!name.starts_with("step-") || entry.path().extension() != ".png") continue;
        const auto* end = name.data() + name.size();
        if (std::from_chars(name.data() + 5, end, step).ptr == end)
            all.emplace_back(step, entry.path());
    }
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace pushforward

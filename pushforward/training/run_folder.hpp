#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

/// The files of a run folder (contract: recipe.toml, model.safetensors, data.json, checkpoints/,
/// metrics.jsonl, events.out.tfevents.*, samples/, report.html) by name.
class RunFolder {
public:
    enum class Existing { refuse, resume, overwrite };

    /// Makes `folder`, or the next free runs/RECIPE-NNN where it is empty. One that holds a run is
    /// refused (UsageError, with what may be said instead), kept, or emptied of what a training
    /// writes; a folder that holds something else is refused always. StorageError when it cannot
    /// be made.
    static RunFolder create(const std::filesystem::path& folder, const std::string& recipe,
                            Existing existing);
    /// A run to read: DataError when recipe.toml or model.safetensors is missing.
    static RunFolder open(const std::filesystem::path& folder);

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path recipe() const { return path_ / "recipe.toml"; }
    std::filesystem::path weights() const { return path_ / "model.safetensors"; }
    std::filesystem::path data() const { return path_ / "data.json"; }
    std::filesystem::path summary() const { return path_ / "summary.json"; }
    std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
    std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
    /// The density as a picture, where items are points of the plane.
    std::filesystem::path density() const { return path_ / "density.png"; }
    std::filesystem::path report() const { return path_ / "report.html"; }
    std::filesystem::path samples(std::int64_t step) const;
    /// What was drawn while training, by step.
    std::vector<std::pair<std::int64_t, std::filesystem::path>> all_samples() const;

private:
    explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

}  // namespace pushforward

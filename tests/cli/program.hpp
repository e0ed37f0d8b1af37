#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What one run of the program gave.
struct Outcome {
    int status = -1;  ///< the exit status, or 1000 + the signal that ended it
    std::string out, err;
};

/// Runs `pushforward ARGUMENTS...` (no shell in between) in `folder`; `signal_after` seconds later
/// (when positive) it is sent `signal`.
Outcome pushforward_program(const std::vector<std::string>& arguments,
                            const std::filesystem::path& folder = ".", double signal_after = 0,
                            int signal = 0);

/// A new folder that goes away with its owner.
class ScratchFolder {
public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

std::string contents(const std::filesystem::path& file);
void put(const std::filesystem::path& file, const std::string& text);

/// A recipe that trains in a second: points of `sim:ring` and a small perceptron.
std::string tiny_recipe(const std::string& train = "steps = 20");

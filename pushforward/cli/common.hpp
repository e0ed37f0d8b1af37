#pragma once

#include "pushforward/base/json.hpp"
#include "pushforward/training/options.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pushforward {

class Model;

/// The options of every verb (contract: one table for all), and what a verb leaves behind.
struct Common {
    std::vector<std::string> sets;
    std::optional<std::uint64_t> seed;
    std::string device = "auto", precision = "auto";
    std::int64_t threads = 0;
    bool json = false, quiet = false;
    int status = 0;  ///< the exit status of a verb that ended well

    /// The seed that was given, or a new one, which is then printed.
    std::uint64_t seed_or_new() const;
    Precision wanted_precision() const;
    /// Progress and warnings, unless --quiet (warnings always).
    void say(const std::string& line) const;
    static void warn(const std::string& line);
    /// The result: text for people, or one JSON object on the last line with --json.
    void print(const std::string& text, const json::object& object) const;
};

/// A new verb with the common options; `run` is called after the number of threads is set.
CLI::App* add_verb(CLI::App& program, Common& common, const std::string& name,
                   const std::string& does, std::function<void()> run);

/// SIGINT and SIGTERM set it; a second SIGINT ends the program at once.
const std::atomic<int>& stop_signal();

/// "90", "90s", "10m", "2h" as seconds; UsageError otherwise.
double parse_duration(const std::string& text);
/// "1 m 23 s".
std::string duration_text(double seconds);

// One file a verb.
void add_train(CLI::App& program, Common& common);
void add_sample(CLI::App& program, Common& common);
void add_score(CLI::App& program, Common& common);
void add_compress(CLI::App& program, Common& common);
void add_encode(CLI::App& program, Common& common);
void add_decode(CLI::App& program, Common& common);
void add_interpolate(CLI::App& program, Common& common);
void add_eval(CLI::App& program, Common& common);
void add_recipes(CLI::App& program, Common& common);
void add_models(CLI::App& program, Common& common);
void add_info(CLI::App& program, Common& common);
void add_data(CLI::App& program, Common& common);
void add_audit(CLI::App& program, Common& common);
void add_bench(CLI::App& program, Common& common);
void add_doctor(CLI::App& program, Common& common);

}  // namespace pushforward

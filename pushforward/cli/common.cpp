#include "pushforward/cli/common.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <random>
#include <thread>

#include <sched.h>
#include <unistd.h>

namespace pushforward {
namespace {

std::atomic<int> signalled{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
    if (signalled.exchange(signal) != 0 && signal == SIGINT) _exit(128 + signal);
}

/// The cores that this process may use.
int usable_cores() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

const std::atomic<int>& stop_signal() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return signalled;
}

std::uint64_t Common::seed_or_new() const {
    if (seed) return *seed;
    const std::uint64_t chosen = std::random_device{}() & 0x7FFFFFFF;
    say(text("seed ", chosen));
    return chosen;
}

Precision Common::wanted_precision() const {
    for (const Precision p :
         {Precision::automatic, Precision::float32, Precision::bfloat16, Precision::float64})
        if (precision == name_of(p)) return p;
    throw UsageError("--precision " + precision + ": expected auto, float32, bfloat16 or float64");
}

void Common::say(const std::string& line) const {
    if (!quiet) std::cerr << line << '\n';
}

void Common::warn(const std::string& line) {
    std::cerr << "warning: " << line << '\n';
}

void Common::print(const std::string& text, const json::object& object) const {
    if (json)
        std::cout << to_json(object) << '\n';
    else
        std::cout << text << (text.empty() || text.back() == '\n' ? "" : "\n");
}

CLI::App* add_verb(CLI::App& program, Common& common, const std::string& name,
                   const std::string& does, std::function<void()> run) {
    CLI::App* verb = program.add_subcommand(name, does);
    auto positive_int = CLI::Range(std::int64_t{1}, std::int64_t{4096});
    verb->add_option("--set", common.sets, "override one recipe value, key.path=value (repeatable)")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    verb->add_option("--seed", common.seed, "the seed (default: chosen, and printed)");
    verb->add_option("--device", common.device, "auto, cpu, cuda or cuda:N (default: auto)");
    verb->add_option("--precision", common.precision,
                     "auto, float32, bfloat16 or float64 (default: auto)");
    verb->add_option("--threads", common.threads,
                     "CPU threads (default: the cores this process may use)")
        ->check(positive_int);
    verb->add_flag("--json", common.json, "the result as one JSON object on the last line");
    verb->add_flag("--quiet", common.quiet, "no progress");
    verb->callback([&common, run = std::move(run)] {
        common.wanted_precision();
        at::set_num_threads(common.threads > 0 ? static_cast<int>(common.threads) : usable_cores());
        run();
    });
    return verb;
}

double parse_duration(const std::string& given) {
    double value = 0;
    const auto* end = given.data() + given.size();
    const auto [at, error] = std::from_chars(given.data(), end, value);
    const std::string unit(at, end);
    const double seconds = unit.empty() || unit == "s" ? 1
                           : unit == "m"               ? 60
                           : unit == "h"               ? 3600
                                                       : 0;
    if (error != std::errc{} || seconds == 0 || !(value > 0) || !std::isfinite(value))
        throw UsageError("--max-time " + given + ": expected a time such as 90s, 10m or 2h");
    return value * seconds;
}

std::string duration_text(double seconds) {
    const auto s = static_cast<std::int64_t>(seconds + 0.5);
    if (seconds < 60) return text(s, " s");
    if (s < 3600) return text(s / 60, " m ", s % 60, " s");
    return text(s / 3600, " h ", s % 3600 / 60, " m");
}

}  // namespace pushforward

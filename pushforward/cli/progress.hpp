#pragma once

#include "pushforward/training/log.hpp"

#include <chrono>
#include <string>

namespace pushforward {

/// A live bar on standard error where that is a terminal; one plain line now and then elsewhere.
class Progress : public TrainingLog {
public:
    Progress(std::string phase, bool quiet);
    ~Progress() override;

    /// `done` of `total`; `note` stands behind the time left.
    void update(std::int64_t done, std::int64_t total, const std::string& note = "");
    /// A whole line that stays.
    void line(const std::string& text);
    void end();

    void on_start(std::int64_t step, std::int64_t steps) override;
    void on_step(const StepReport& report) override;
    void on_validation(const ValidationReport& report) override;

private:
    using Clock = std::chrono::steady_clock;
    void clear();

    std::string phase_, validation_;
    bool quiet_, terminal_, shown_ = false;
    Clock::time_point began_ = Clock::now(), last_{};
    std::int64_t first_ = 0;
};

}  // namespace pushforward

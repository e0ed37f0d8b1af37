#pragma once

#include "pushforward/training/log.hpp"
#include "pushforward/training/run_folder.hpp"

#include <memory>

namespace pushforward {

/// Writes metrics.jsonl, the TensorBoard event file and samples/step-N.png of a run. A resumed
/// training first drops the lines of later steps, so that metrics.jsonl ends as an uninterrupted
/// run's would (its times apart), and writes the event file anew.
class RunLog : public TrainingLog {
public:
    explicit RunLog(RunFolder run);
    ~RunLog() override;

    void on_start(std::int64_t step, std::int64_t steps) override;
    void on_step(const StepReport& report) override;
    void on_validation(const ValidationReport& report) override;
    void on_samples(std::int64_t step, const std::string& png) override;
    void flush() override;

private:
    struct Self;
    std::unique_ptr<Self> self_;
};

}  // namespace pushforward

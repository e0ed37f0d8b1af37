#include "pushforward/training/log.hpp"

namespace pushforward {

void TrainingLog::on_start(std::int64_t, std::int64_t) {}
void TrainingLog::on_step(const StepReport&) {}
void TrainingLog::on_validation(const ValidationReport&) {}
void TrainingLog::on_samples(std::int64_t, const std::string&) {}
void TrainingLog::on_checkpoint(std::int64_t, const std::filesystem::path&) {}
void TrainingLog::on_warning(const std::string&) {}
void TrainingLog::flush() {}

}  // namespace pushforward

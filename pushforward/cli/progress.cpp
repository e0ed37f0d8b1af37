#include "pushforward/cli/progress.hpp"

#include "pushforward/cli/common.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace pushforward {
namespace {

std::string number(double v) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.4g", v);
    return buffer;
}

std::string rate_text(double per_second) {
    return per_second >= 1 || per_second == 0 ? number(per_second) + "/s"
                                              : number(1 / per_second) + " s each";
}

}  // namespace

Progress::Progress(std::string phase, bool quiet)
    : phase_(std::move(phase)), quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    end();
}

void Progress::clear() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    shown_ = false;
}

void Progress::line(const std::string& text) {
    clear();
    std::fprintf(stderr, "%s\n", text.c_str());
}

void Progress::end() {
    clear();
    std::fflush(stderr);
}

void Progress::update(std::int64_t done, std::int64_t total, const std::string& note) {
    if (quiet_) return;
    const auto now = Clock::now();
    const bool over = done >= total;
    // A terminal is redrawn ten times a second; a log gets a line every half minute, and the last.
    const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(30);
    if (last_ == Clock::time_point{} && !terminal_) last_ = now;
    if (now - last_ < pause && !over) return;
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
    const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
    std::string text = phase_ + " " + std::to_string(done) + "/" + std::to_string(total) + "  " +
                       rate_text(rate) + "  " + duration_text(left) + " left" +
                       (note.empty() ? "" : "  " + note);
    if (!terminal_) return line(text);
    winsize size{};
    const int columns =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
    const int bar = std::clamp(columns - static_cast<int>(text.size()) - 4, 0, 30);
    if (bar >= 8) {
        const auto full = static_cast<int>(bar * done / std::max<std::int64_t>(total, 1));
        text = "[" + std::string(static_cast<std::size_t>(full), '#') +
               std::string(static_cast<std::size_t>(bar - full), '.') + "] " + text;
    }
    text.resize(std::min(text.size(), static_cast<std::size_t>(columns - 1)));
    std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
    std::fflush(stderr);
    shown_ = true;
}

void Progress::on_start(std::int64_t step, std::int64_t) {
    first_ = step;
    began_ = Clock::now();
}

void Progress::on_step(const StepReport& report) {
    std::string note;
    for (const auto& [name, value] : report.terms) note += name + " " + number(value) + "  ";
    update(report.step, report.steps, note + validation_);
}

void Progress::on_validation(const ValidationReport& report) {
    validation_ = "validation " + number(report.loss);
    if (!terminal_ && !quiet_) line("step " + std::to_string(report.step) + "  " + validation_);
}

}  // namespace pushforward

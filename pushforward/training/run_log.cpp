#include "pushforward/training/run_log.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/base/tfevents.hpp"

#include <sstream>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

/// The lines of metrics.jsonl up to a step; what cannot be read is dropped with all after it.
std::vector<json::object> lines_until(const fs::path& file, std::int64_t step) {
    std::vector<json::object> lines;
    if (!fs::exists(file)) return lines;
    const auto blob = read_file(file);
    std::istringstream in{std::string(blob.text())};
    for (std::string line; std::getline(in, line);) try {
            const auto value = parse_json(line, file.string());
            const auto* at = value.is_object() ? value.get_object().if_contains("step") : nullptr;
            if (!at || !at->is_int64() || at->get_int64() > step) break;
            lines.push_back(value.get_object());
        } catch (const DataError&) {
            break;
        }
    return lines;
}

void remove_events(const fs::path& folder) {
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().filename().string().starts_with("events.out.tfevents."))
            old.push_back(entry.path());
    for (const auto& path : old) remove_tree(path);
}

}  // namespace

struct RunLog::Self {
    RunFolder run;
    std::unique_ptr<LineWriter> metrics;
    std::unique_ptr<EventWriter> events;

    explicit Self(RunFolder folder) : run(std::move(folder)) {}

    void write(const json::object& line) {
        metrics->append(to_json(line));
        chart(line);
    }
    void chart(const json::object& line) {
        const auto step = line.at("step").to_number<std::int64_t>();
        for (const auto& [name, value] : line)
            if (name != "step" && name != "samples" && name != "seconds" && value.is_number())
                events->scalar(name, step, value.to_number<double>());
    }
    void show(std::int64_t step, const std::string& png) {
        events->picture("samples", step, decode_image(blob_of("samples", png)));
    }
};

RunLog::RunLog(RunFolder run) : self_(std::make_unique<Self>(std::move(run))) {}
RunLog::~RunLog() = default;

void RunLog::on_start(std::int64_t step, std::int64_t) {
    auto& s = *self_;
    const auto kept = lines_until(s.run.metrics(), step);
    std::string text;
    for (const auto& line : kept) text += to_json(line) + "\n";
    s.metrics.reset();
    write_atomic(s.run.metrics(), text);
    s.metrics = std::make_unique<LineWriter>(s.run.metrics());
    // TensorBoard would show what was said of later steps beside what is now said of them.
    s.events.reset();
    remove_events(s.run.path());
    s.events = std::make_unique<EventWriter>(s.run.path());
    for (const auto& line : kept) s.chart(line);
    for (const auto& [at, file] : s.run.all_samples()) {
        if (at > step)
            remove_tree(file);
        else
            s.show(at, std::string(read_file(file).text()));
    }
}

void RunLog::on_step(const StepReport& r) {
    if (!r.logged) return;
    json::object line{{"step", r.step}, {"seconds", r.seconds}, {"samples", r.samples}};
    for (const auto& [name, value] : r.terms) line[name] = value;
    line["learning_rate"] = r.learning_rate;
    line["gradient_norm"] = r.gradient_norm;
    self_->write(line);
}

void RunLog::on_validation(const ValidationReport& r) {
    json::object line{{"step", r.step}, {"seconds", r.seconds}};
    for (const auto& [name, value] : r.terms) line["validation/" + name] = value;
    self_->write(line);
}

void RunLog::on_samples(std::int64_t step, const std::string& png) {
    make_folder(self_->run.path() / "samples");
    write_atomic(self_->run.samples(step), png);
    self_->show(step, png);
}

void RunLog::flush() {
    if (!self_->metrics) return;
    self_->metrics->sync();
    self_->events->sync();
}

}  // namespace pushforward

#include "pushforward/training/run_report.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/data/description_json.hpp"
#include "pushforward/report/html.hpp"
#include "pushforward/report/svg.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

struct Series {
    std::vector<double> steps, values;
    void add(double step, double value) {
        steps.push_back(step);
        values.push_back(value);
    }
};

/// metrics.jsonl by name; a null (a value that was not finite) is a gap.
std::map<std::string, Series> read_metrics(const fs::path& file) {
    std::map<std::string, Series> all;
    if (!fs::exists(file)) return all;
    const auto blob = read_file(file);
    std::istringstream in{std::string(blob.text())};
    for (std::string line; std::getline(in, line);) try {
            const auto value = parse_json(line, file.string());
            const auto* object = value.if_object();
            const auto* step = object ? object->if_contains("step") : nullptr;
            if (!step || !step->is_number()) continue;
            for (const auto& [name, v] : *object)
                if (v.is_number() || v.is_null())
                    all[name].add(step->to_number<double>(),
                                  v.is_null() ? NAN : v.to_number<double>());
        } catch (const DataError&) {
            continue;  // the last line of a run that was killed
        }
    return all;
}

json::object read_summary(const fs::path& file) {
    if (!fs::exists(file)) return {};
    const auto value = parse_json(read_file(file, 1 << 20).text(), file.string());
    return value.is_object() ? value.get_object() : json::object{};
}

/// A number of the summary, NaN where there is none.
double number(const json::object& object, const char* key) {
    const auto* v = object.if_contains(key);
    return v && v->is_number() ? v->to_number<double>() : NAN;
}

std::string text_of(const json::value& v) {
    if (v.is_string()) return std::string(v.get_string());
    return v.is_number() ? readable(v.to_number<double>(), 10) : to_json(v);
}

std::string duration(double seconds) {
    const auto s = static_cast<long>(std::lround(seconds));
    if (s < 1) return readable(seconds, 2) + " s";
    if (s < 60) return text(s, " s");
    if (s < 3600) return text(s / 60, " min ", s % 60, " s");
    return text(s / 3600, " h ", s / 60 % 60, " min");
}

double last_of(const std::map<std::string, Series>& metrics, const std::string& name) {
    const auto found = metrics.find(name);
    return found == metrics.end() ? NAN : found->second.values.back();
}

void verdict(Page& page, const json::object& summary,
             const std::map<std::string, Series>& metrics) {
    const auto steps = metrics.find("loss");
    const double reached = std::isfinite(number(summary, "steps")) ? number(summary, "steps")
                           : steps == metrics.end()                ? 0
                                                                   : steps->second.steps.back();
    if (summary.empty()) {
        page.verdict(false, text("Not finished: ", readable(reached, 9), " steps so far."));
        return;
    }
    std::string line =
        text(readable(reached, 9), " steps in ", duration(number(summary, "seconds")));
    const auto end = text_of(summary.contains("end") ? summary.at("end") : "steps");
    if (end == "time") line += ", until the time given was over";
    if (end == "patience") line += ", until validation no longer got better";
    if (steps != metrics.end() && steps->second.values.size() > 1) {
        const auto& v = steps->second.values;
        const auto smooth = smoothed(v, static_cast<double>(v.size()) / 30);
        line += text(". The loss went from ", readable(v.front(), 3), " to ",
                     readable(smooth.back(), 3));
    }
    const double validation = last_of(metrics, "validation/loss");
    const double best = number(summary, "best_validation_loss");
    if (std::isfinite(validation)) line += text(", on held-out rows to ", readable(validation, 3));
    if (std::isfinite(best) && validation > best + 0.05 * std::abs(best))
        line += text("; it was lowest (", readable(best, 3), ") at step ",
                     readable(number(summary, "best_step"), 9), " and has risen since");
    page.verdict(true, line + ".");
}

void figures(Page& page, const json::object& summary) {
    std::vector<std::pair<std::string, std::string>> all;
    auto add = [&](const char* key, const char* name, auto format) {
        if (std::isfinite(number(summary, key)))
            all.emplace_back(format(number(summary, key)), name);
    };
    auto count = [](double v) { return readable(v, v < 1e6 ? 9 : 4); };
    add("parameters", "parameters", count);
    add("samples", "samples seen", count);
    add("samples_per_second", "samples a second", [](double v) { return readable(v, 3); });
    add("seconds", "time", duration);
    add("peak_memory_bytes", "peak memory", [](double v) {
        return v < 1e9 ? readable(v / 1e6, 3) + " MB" : readable(v / 1e9, 3) + " GB";
    });
    if (!all.empty()) page.figures(all);
}

/// Raw values pale, their running mean over a thirtieth of the run, and validation on top; what is
/// not noisy as it is.
std::string chart_of(const std::string& title, const std::vector<std::string>& names,
                     const std::map<std::string, Series>& metrics, bool noisy) {
    Chart chart{.title = title, .x_label = "step", .curves = {}};
    double low = INFINITY, high = 0;
    int colour = 0;
    for (const auto& name : names) {
        const auto& s = metrics.at(name);
        if (!noisy) {
            chart.curves.push_back({name, s.steps, s.values, false, false, colour++});
            continue;
        }
        const auto mean =
            smoothed(s.values, std::max(1.0, static_cast<double>(s.values.size()) / 60));
        for (double v : mean) low = std::min(low, v), high = std::max(high, v);
        const auto player =
            name.find('/') == std::string::npos ? "training" : name.substr(name.find('/') + 1);
        chart.curves.push_back({"", s.steps, s.values, true, false, colour});
        chart.curves.push_back({player, s.steps, mean, false, false, colour});
        ++colour;
        if (const auto v = metrics.find("validation/" + name); v != metrics.end())
            chart.curves.push_back({names.size() > 1 ? player + ", held out" : "held out",
                                    v->second.steps, v->second.values, false, true, colour++});
        colour %= 6;
    }
    // A logarithmic axis where the mean itself covers more than a decade.
    chart.log_y = noisy && low > 0 && high / low > 10;
    if (chart.log_y) chart.title += " (log)";
    return svg(chart);
}

void curves(Page& page, const std::map<std::string, Series>& metrics) {
    // "loss/PLAYER" and other terms of several players share a chart.
    std::map<std::string, std::vector<std::string>> charts;
    for (const auto& [name, series] : metrics)
        if (name != "step" && name != "seconds" && name != "samples" &&
            !name.starts_with("validation/"))
            charts[name.substr(0, name.find('/'))].push_back(name);
    std::vector<std::string> order{"loss"};
    for (const auto& [title, names] : charts)
        if (title != "loss" && title != "gradient_norm" && title != "learning_rate")
            order.push_back(title);
    order.insert(order.end(), {"gradient_norm", "learning_rate"});
    page.section("Curves");
    page.begin_grid(380);
    for (const auto& title : order)
        if (charts.contains(title)) {
            auto shown = title;
            std::replace(shown.begin(), shown.end(), '_', ' ');
            shown[0] = static_cast<char>(std::toupper(shown[0]));
            page.cell(chart_of(shown, charts.at(title), metrics, title != "learning_rate"));
        }
    page.end_grid();
}

void samples(Page& page, const RunFolder& run) {
    constexpr std::size_t most = 6;  // beside the last one
    auto all = run.all_samples();
    auto png = [](const fs::path& file) { return std::string(read_file(file).text()); };
    if (fs::exists(run.density())) {
        page.section("Density");
        page.picture(
            png(run.density()),
            "exp(log p) where the training rows lie: of as many points as are drawn below, "
            "so many would be expected");
    }
    if (all.empty()) return;
    page.section("Samples");
    page.picture(png(all.back().second),
                 text("after step ", readable(double(all.back().first), 9)));
    all.pop_back();
    if (all.empty()) return;
    page.section("Samples while training");
    page.begin_grid(170);
    const auto n = std::min(most, all.size());
    for (std::size_t k = 0; k < n; ++k) {
        const auto& [step, file] = all[n == 1 ? 0 : k * (all.size() - 1) / (n - 1)];
        page.picture(png(file), text("step ", readable(double(step), 9)));
    }
    page.end_grid();
}

void data(Page& page, const RunFolder& run) {
    if (!fs::exists(run.data())) return;
    const auto d = read_description(read_file(run.data(), 1 << 26));
    page.section("Data");
    page.table({}, {{"source", d.source},
                    {"found there", d.kind},
                    {"split", d.split},
                    {"rows", text(readable(double(d.train), 9), " to train, ",
                                  readable(double(d.validation), 9), " to validate, ",
                                  readable(double(d.test), 9), " to test")},
                    {"fingerprint", d.fingerprint.substr(0, 16)}});
}

}  // namespace

std::string run_report(const RunFolder& run) {
    const auto metrics = read_metrics(run.metrics());
    const auto summary = read_summary(run.summary());
    auto name = fs::absolute(run.path()).lexically_normal();
    if (name.filename().empty()) name = name.parent_path();
    Page page(name.filename().string(), "a training by pushforward");
    verdict(page, summary, metrics);
    figures(page, summary);
    samples(page, run);
    if (!metrics.empty()) curves(page, metrics);
    data(page, run);
    if (const auto* where = summary.if_contains("environment"); where && where->is_object()) {
        Page::Rows rows;
        for (const auto& [key, value] : where->get_object())
            rows.push_back({std::string(key), text_of(value)});
        page.section("Environment");
        page.table({}, rows);
    }
    if (fs::exists(run.recipe())) {
        page.section("Recipe");
        page.code(std::string(read_file(run.recipe(), 1 << 20).text()));
    }
    return page.html();
}

}  // namespace pushforward

#include "pushforward/metrics/evaluate.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/metrics/catalogue.hpp"

#include <algorithm>
#include <iomanip>

namespace pushforward {

namespace {

std::vector<std::unique_ptr<Metric>> metrics_for(const std::vector<std::string>& names,
                                                 const Judged& judged) {
    std::vector<std::unique_ptr<Metric>> metrics;
    std::string problems, why_not;
    if (names.empty()) {
        for (const auto& entry : metric_catalogue()) {
            auto metric = entry.make();
            std::string why = metric->refusal(judged);
            if (why.empty())
                if (const auto reservation = metric->reservation(judged); !reservation.empty())
                    why = reservation + ": name it";
            if (why.empty())
                metrics.push_back(std::move(metric));
            else
                why_not += "\n  " + entry.name + ": " + why;
        }
        if (metrics.empty()) throw UsageError("no metric can judge this:" + why_not);
    }
    for (const auto& name : names) {
        try {
            metrics.push_back(metric_entry(name).make());
            const std::string refusal = metrics.back()->refusal(judged);
            if (!refusal.empty()) problems += "\n  " + name + ": " + refusal;
        } catch (const UsageError& error) {
            problems += text("\n  ", error.what());
        }
    }
    if (!problems.empty()) throw UsageError("metrics that cannot be computed:" + problems);
    return metrics;
}

}  // namespace

void check_metrics(const std::vector<std::string>& names, const Judged& judged) {
    metrics_for(names, judged);
}

Measurements evaluate(const std::vector<std::string>& names, const Judged& judged) {
    Measurements all;
    for (const auto& metric : metrics_for(names, judged))
        for (auto& part : metric->evaluate(judged)) all.push_back(std::move(part));
    return all;
}

json::object to_json(const Measurements& measurements) {
    json::object all;
    for (const auto& [name, m] : measurements) {
        json::object one{{"value", m.value},
                         {"stderr", m.standard_error},
                         {"n", m.n},
                         {"unit", m.unit},
                         {"higher_is_better", m.higher_is_better}};
        if (!m.kind.empty()) one["kind"] = m.kind;
        all[name] = std::move(one);
    }
    return all;
}

std::string to_text(const Measurements& measurements) {
    std::size_t width = 0;
    for (const auto& [name, m] : measurements) width = std::max(width, name.size());
    std::ostringstream out;
    out << std::setprecision(4);
    for (const auto& [name, m] : measurements) {
        out << std::left << std::setw(static_cast<int>(width)) << name << "  " << m.value << " +- "
            << m.standard_error << ' ' << m.unit;
        if (!m.kind.empty()) out << " (" << m.kind << ')';
        out << ", n = " << m.n << (m.higher_is_better ? ", higher is better" : "") << '\n';
    }
    return out.str();
}

}  // namespace pushforward

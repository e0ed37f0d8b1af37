#include "pushforward/audit/audit.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/core/environment.hpp"
#include "pushforward/report/html.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace pushforward {
namespace {

/// One check over the seeds that measured it.
struct Over {
    std::vector<const Check*> checks;
    double mean_of(double Check::*field) const {
        double sum = 0;
        for (const auto* c : checks) sum += c->*field;
        return sum / static_cast<double>(checks.size());
    }
    /// The error of the mean: from the spread over seeds, or the one seed's own.
    double standard_error() const {
        const auto n = static_cast<double>(checks.size());
        if (checks.size() == 1) return checks.front()->standard_error;
        const double mean = mean_of(&Check::measured);
        double squares = 0;
        for (const auto* c : checks) squares += (c->measured - mean) * (c->measured - mean);
        return std::sqrt(squares / (n - 1) / n);
    }
    bool passed() const {
        return std::all_of(checks.begin(), checks.end(), [](auto* c) { return c->passed(); });
    }
};

/// The claim's checks in their order, each over all seeds that got so far.
std::vector<Over> by_check(const ClaimResult& result) {
    std::vector<Over> all;
    for (const auto& seed : result.seeds)
        for (std::size_t i = 0; i < seed.checks.size(); ++i) {
            if (all.size() <= i) all.resize(i + 1);
            all[i].checks.push_back(&seed.checks[i]);
        }
    return all;
}

std::string number(double v) {
    std::ostringstream out;
    out << std::setprecision(5) << v;
    return out.str();
}

std::string band(const Check& c) {
    if (std::isinf(c.low)) return "<= " + number(c.high);
    if (std::isinf(c.high)) return ">= " + number(c.low);
    return number(c.low) + " to " + number(c.high);
}

json::object check_json(const Over& over) {
    const Check& first = *over.checks.front();
    json::array expected, measured, errors, low, high;
    for (const auto* c : over.checks) {
        expected.emplace_back(c->expected);
        measured.emplace_back(c->measured);
        errors.emplace_back(c->standard_error);
        low.emplace_back(c->low);
        high.emplace_back(c->high);
    }
    return {{"name", first.name},
            {"expected", expected},
            {"measured", measured},
            {"stderr", errors},
            {"low", low},
            {"high", high},
            {"verdict", over.passed() ? "pass" : "fail"}};
}

std::string summary(const std::vector<ClaimResult>& results) {
    std::size_t passed = 0;
    for (const auto& r : results) passed += r.verdict() == "pass";
    return text(passed, " of ", results.size(), " claims hold");
}

}  // namespace

json::object to_json(const std::vector<ClaimResult>& results) {
    json::array claims;
    for (const auto& result : results) {
        const auto checks = by_check(result);
        json::object one{{"id", result.id}};
        if (!checks.empty()) {
            one["expected"] = checks.front().mean_of(&Check::expected);
            one["measured"] = checks.front().mean_of(&Check::measured);
            one["stderr"] = checks.front().standard_error();
        } else {
            one["expected"] = one["measured"] = one["stderr"] = nullptr;
        }
        one["seeds"] = static_cast<std::int64_t>(result.seeds.size());
        one["verdict"] = result.verdict();
        one["statement"] = result.statement;
        one["reference"] = result.reference;
        one["parameters"] = result.parameters;
        one["seconds"] = result.seconds;
        json::array errors, parts;
        for (const auto& seed : result.seeds)
            if (!seed.error.empty()) errors.emplace_back(seed.error);
        for (const auto& check : checks) parts.push_back(check_json(check));
        one["checks"] = std::move(parts);
        if (!errors.empty()) one["errors"] = std::move(errors);
        claims.push_back(std::move(one));
    }
    return {{"claims", std::move(claims)}, {"environment", environment()}};
}

std::string to_text(const std::vector<ClaimResult>& results) {
    std::ostringstream out;
    for (const auto& result : results) {
        out << result.id << "  " << result.verdict() << "  " << result.statement << " ("
            << result.reference << ")\n";
        for (const auto& over : by_check(result)) {
            out << "  " << (over.passed() ? "pass" : "FAIL") << "  " << over.checks.front()->name
                << ": expected " << number(over.mean_of(&Check::expected)) << ", measured";
            for (const auto* c : over.checks)
                out << ' ' << number(c->measured) << " +- " << number(c->standard_error);
            out << "; band " << band(*over.checks.front()) << '\n';
        }
        for (const auto& seed : result.seeds)
            if (!seed.error.empty())
                out << "  error, seed " << seed.seed << ": " << seed.error << '\n';
    }
    out << summary(results) << '\n';
    return out.str();
}

std::string audit_page(const std::vector<ClaimResult>& results, const AuditRequest& request) {
    Page page("Audit", text("pushforward ", version(), " ", commit(),
                            request.quick ? ", quick: one seed" : "",
                            request.lesion ? ", fitted weights replaced by fresh ones" : ""));
    page.verdict(
        audit_status(results, request.lesion) == 0,
        request.lesion ? summary(results) + " without their fitted weights" : summary(results));
    for (const auto& result : results) {
        page.section(result.id + ": " + result.statement);
        page.verdict(result.verdict() == "pass", result.verdict());
        page.paragraph(text("After ", result.reference, ". ", result.seeds.size(), " seeds, ",
                            std::lround(result.seconds), " s."));
        std::vector<std::vector<std::string>> rows;
        for (const auto& seed : result.seeds)
            for (const auto& c : seed.checks)
                rows.push_back({c.name, text(seed.seed), number(c.expected),
                                number(c.measured) + " ± " + number(c.standard_error), band(c),
                                c.passed() ? "pass" : "fail"});
        std::stable_sort(rows.begin(), rows.end(),
                         [](const auto& a, const auto& b) { return a[0] < b[0]; });
        page.table({"check", "seed", "expected", "measured", "band", "verdict"}, rows);
        for (const auto& seed : result.seeds)
            if (!seed.error.empty()) page.paragraph(text("Seed ", seed.seed, ": ", seed.error));
        page.code(result.parameters);
    }
    return page.html();
}

}  // namespace pushforward

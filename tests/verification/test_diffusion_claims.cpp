#include "pushforward/audit/audit.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

using namespace pushforward;

namespace {

/// One claim on one seed; the runs are kept for the next case of this process.
ClaimResult quick(const std::string& id, const std::vector<std::string>& sets,
                  bool lesion = false) {
    AuditRequest request;
    request.claims = {id};
    request.sets = sets;
    request.quick = true;
    request.lesion = lesion;
    static const struct Work {
        std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("pushforward-audit-" + std::to_string(std::rand()));
        ~Work() { std::filesystem::remove_all(path); }
    } work;
    request.work = work.path;
    ClaimResult result = audit(request).front();
    INFO(to_text({result}));
    CHECK(result.verdict() == (lesion ? "fail" : "pass"));
    return result;
}

double first_expected(const ClaimResult& result) {
    return result.seeds.front().checks.front().expected;
}

double first_measured(const ClaimResult& result) {
    return result.seeds.front().checks.front().measured;
}

}  // namespace

TEST_CASE("F1: the forward process, and not without its fitted weights") {
    const std::vector<std::string> sets = {"steps=100"};
    quick("F1", sets);
    quick("F1", sets, true);
}

TEST_CASE("F2: the epsilon-loss, at a truth that moved, and not without its fitted weights") {
    const auto four = quick("F2", {"lambda=4"});
    CHECK(first_expected(four) == doctest::Approx(0.39541).epsilon(1e-5));
    const auto two = quick("F2", {"lambda=2"});
    CHECK(first_expected(two) != doctest::Approx(first_expected(four)).epsilon(0.01));
    CHECK(first_measured(two) == doctest::Approx(first_expected(two)).epsilon(0.02));
    quick("F2", {"lambda=2"}, true);
}

TEST_CASE("F3: the variational bound, and not without its fitted weights") {
    quick("F3", {"steps=100"});
    quick("F3", {"steps=100"}, true);
}

TEST_CASE("F4: the reverse SDE, and not without its fitted weights") {
    quick("F4", {"steps=250"});
    quick("F4", {"steps=250"}, true);
}

TEST_CASE("F6: orders of solvers, for another law too, and not without fitted weights") {
    quick("F6", {});
    quick("F6", {"weight=0.5"});
    quick("F6", {}, true);
}

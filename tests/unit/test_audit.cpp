#include "pushforward/audit/audit.hpp"
#include "pushforward/audit/catalogue.hpp"
#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/core/rng.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

using namespace pushforward;

namespace {

ClaimResult result_of(std::vector<SeedResult> seeds) {
    return {"X1", "a statement", "Somebody 2000", "lambda = 4\n", std::move(seeds), 1};
}

Check check(double measured) {
    return {"a figure", 1, measured, 0.1, 0.5, 1.5};
}

std::string refusal(const AuditRequest& request) {
    try {
        audit(request);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("the noise chains are the papers'") {
    const NoiseChain linear = noise_chain("linear", 1000);
    CHECK(linear.beta[1] == doctest::Approx(1e-4).scale(0));
    CHECK(linear.beta[1000] == doctest::Approx(0.02).scale(0));
    CHECK(linear.abar[1000] ==
          doctest::Approx(4.0358e-5).scale(0).epsilon(1e-4));  // prod (1 - beta)
    const NoiseChain cosine = noise_chain("cosine", 1000);
    CHECK(cosine.abar[500] ==
          doctest::Approx(std::pow(std::cos(std::acos(-1.0) / 2 * 0.508 / 1.008), 2) /
                          std::pow(std::cos(std::acos(-1.0) / 2 * 0.008 / 1.008), 2)));
    CHECK(cosine.beta[1000] == 0.999);
    CHECK_THROWS_AS(noise_chain("quadratic", 10), UsageError);
}

TEST_CASE("tail probabilities at known quantiles") {
    // 5 % critical values: Kolmogorov 1.3581 / sqrt n, chi-square with 4 degrees 9.4877
    CHECK(kolmogorov_p(1.3581 / 1000, 1000000) == doctest::Approx(0.05).scale(0).epsilon(0.01));
    CHECK(kolmogorov_p(0, 100) == 1);
    CHECK(kolmogorov_p(1, 100) < 1e-12);
    CHECK(chi_square_p(9.4877, 4) == doctest::Approx(0.05).scale(0).epsilon(1e-3));
    CHECK(normal_quantile(0.975) == doctest::Approx(1.95996).epsilon(1e-5));
    CHECK(ks_distance({0}, normal_cdf) == doctest::Approx(0.5));
    CHECK(ks_distance({0, std::nan("")}, normal_cdf) == 1);
}

TEST_CASE("a noised batch spreads its rows over all steps, by the truth's levels") {
    const NoiseChain chain = noise_chain("linear", 100);
    const Tensor x0 = torch::ones({200, 1}, torch::kDouble);
    const Noised b = noised(chain, x0, Rng(1));
    CHECK(b.time[0].item<double>() == doctest::Approx(0.01));
    CHECK(b.time[199].item<double>() == doctest::Approx(1));
    CHECK(b.alpha[199].square().item<double>() == doctest::Approx(chain.abar[100]));
    CHECK((b.x - b.alpha * x0 - b.sigma * b.eps).abs().max().item<double>() < 1e-15);
}

TEST_CASE("a claim holds when every check of every seed is inside its band") {
    CHECK(result_of({{0, {check(1)}, ""}, {1, {check(1.4)}, ""}}).verdict() == "pass");
    CHECK(result_of({{0, {check(1)}, ""}, {1, {check(1.6)}, ""}}).verdict() == "fail");
    CHECK(result_of({{0, {check(1), check(std::nan(""))}, ""}}).verdict() == "fail");
    CHECK(result_of({{0, {check(1)}, ""}, {1, {}, "diverged"}}).verdict() == "error");
    CHECK(result_of({{0, {}, ""}}).verdict() == "fail");  // nothing measured is nothing shown
    const auto pass = result_of({{0, {check(1)}, ""}}), fail = result_of({{0, {check(2)}, ""}}),
               error = result_of({{0, {}, "no"}});
    CHECK(audit_status({pass, pass}, false) == 0);
    CHECK(audit_status({pass, fail}, false) == 1);
    CHECK(audit_status({pass, error}, false) == 1);
    CHECK(audit_status({fail, fail}, true) == 0);  // without fitted weights every claim must fail
    CHECK(audit_status({fail, pass}, true) == 1);
    CHECK(audit_status({fail, error}, true) == 1);
}

TEST_CASE("results as JSON, text and page") {
    const auto results = {result_of({{0, {check(1)}, ""}, {1, {check(1.2)}, ""}})};
    const auto json = to_json(results).at("claims").as_array().at(0).as_object();
    CHECK(json.at("id") == "X1");
    CHECK(json.at("expected").as_double() == 1);
    CHECK(json.at("measured").as_double() == doctest::Approx(1.1));
    CHECK(json.at("stderr").as_double() == doctest::Approx(0.1).scale(0));  // sqrt(0.02 / 2)
    CHECK(json.at("seeds").as_int64() == 2);
    CHECK(json.at("verdict") == "pass");
    CHECK(json.at("checks").as_array().at(0).at("measured").as_array().at(1).as_double() == 1.2);
    CHECK(to_text(results).find("measured 1 +- 0.1 1.2 +- 0.1; band 0.5 to 1.5") !=
          std::string::npos);
    CHECK(to_text(results).find("1 of 1 claims hold") != std::string::npos);
    AuditRequest request;
    request.lesion = true;
    const std::string page = audit_page(results, request);
    CHECK(page.find("fitted weights replaced by fresh ones") != std::string::npos);
    CHECK(page.find("0.5 to 1.5") != std::string::npos);
}

TEST_CASE("what an audit cannot do is refused before any work") {
    AuditRequest request;
    request.work = "audit-that-must-not-appear";
    request.claims = {"F22"};
    CHECK(refusal(request).find("nearest: F2") != std::string::npos);
    request.claims = {"F1", "F2"};
    request.sets = {"lamda=2"};
    CHECK(refusal(request).find("no chosen claim has a parameter 'lamda' (nearest: lambda)") !=
          std::string::npos);
    request.sets = {"lambda=-1"};
    CHECK(refusal(request).find("expected from 0.01 to 100, got -1") != std::string::npos);
    request.sets = {"lambda"};
    CHECK(refusal(request).find("expected parameter=value, got lambda") != std::string::npos);
    request.sets = {"lambda=1"};  // N(0, 1) does not change, so F1 has nothing to show
    CHECK(refusal(request).find("a variance other than 1") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(request.work));
}

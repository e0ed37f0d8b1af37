#include "gaussian_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <doctest/doctest.h>

using namespace pushforward;

TEST_CASE("the uniform grid visits every discrete step and ends at the data") {
    const auto path = ddpm_path(BetaSchedule::linear, 40, Prediction::epsilon);
    const auto times = time_grid(*path, Grid::uniform, 40);
    REQUIRE(times.size() == 41);
    for (std::size_t i = 0; i <= 40; ++i)
        CHECK(times[i] == doctest::Approx((40. - static_cast<double>(i)) / 40).epsilon(1e-14));
    const auto some = time_grid(*path, Grid::uniform, 7);  // still whole steps
    for (double t : some) CHECK(std::abs(t * 40 - std::round(t * 40)) < 1e-12);
}

TEST_CASE("the leading grid has DDIM's steps 0, 20, ..., 980 counted from 0") {
    const auto path = ddpm_path(BetaSchedule::linear, 1000, Prediction::epsilon);
    const auto times = time_grid(*path, Grid::leading, 50);
    REQUIRE(times.size() == 51);
    for (std::size_t i = 0; i < 50; ++i)
        CHECK(times[i] * 1000 - 1 == doctest::Approx(20. * (49. - static_cast<double>(i))));
    CHECK(times.back() == 0);
}

TEST_CASE("the log-SNR grid has equal steps") {
    const testing::VpPath path;
    const auto times = time_grid(path, Grid::log_snr, 9);
    CHECK(times.front() == 1);
    CHECK(times[8] == doctest::Approx(1e-3).scale(0));
    const auto log_snr = [&](double t) {
        const LevelAt l = level_at(path, t);
        return std::log(l.alpha / l.sigma);
    };
    const double step = log_snr(times[1]) - log_snr(times[0]);
    for (std::size_t i = 1; i < 8; ++i)
        CHECK(log_snr(times[i + 1]) - log_snr(times[i]) == doctest::Approx(step));
    // a path that begins at alpha = 0 has a finite grid all the same
    const auto straight = time_grid(*straight_path(), Grid::log_snr, 9);
    CHECK(straight.front() == 1);
    for (std::size_t i = 0; i < 9; ++i) CHECK(straight[i + 1] < straight[i]);
}

TEST_CASE("the rho grid is equation 5 of Karras et al. 2022") {
    const auto path = edm_path(0.5, 0.002, 80);
    for (double rho : {7.0, 3.0}) {
        const auto times = time_grid(*path, Grid::rho, 18, rho);
        for (int i = 0; i < 18; ++i) {
            const double high = std::pow(80, 1 / rho), low = std::pow(0.002, 1 / rho);
            CHECK(times[static_cast<std::size_t>(i)] ==
                  doctest::Approx(std::pow(high + i / 17. * (low - high), rho)).epsilon(1e-9));
        }
    }
}

TEST_CASE("impossible grids are refused with the option's name") {
    const auto discrete = ddpm_path(BetaSchedule::linear, 10, Prediction::v);
    CHECK_THROWS_WITH_AS(time_grid(*discrete, Grid::uniform, 11),
                         "sample.steps: expected at most the model's 10 steps, got 11", UsageError);
    CHECK_THROWS_WITH_AS(time_grid(*discrete, Grid::uniform, 0),
                         "sample.steps: expected at least 1, got 0", UsageError);
    CHECK_THROWS_WITH_AS(time_grid(*straight_path(), Grid::leading, 5),
                         "sample.grid 'leading': expected a model with discrete steps, got "
                         "continuous time",
                         UsageError);
}

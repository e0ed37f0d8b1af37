#include "pushforward/audit/chain_rule.hpp"
#include "pushforward/audit/lattice_pictures.hpp"
#include "pushforward/audit/markov_sources.hpp"
#include "pushforward/audit/receptive_field.hpp"
#include "pushforward/audit/sequence_truth.hpp"
#include "pushforward/audit/temperature.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/ising.hpp"
#include "pushforward/simulators/parity.hpp"
#include "pushforward/training/recipe.hpp"
#include "support.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>

using namespace pushforward;
using pushforward::testing::refusal;

namespace {

void set(Claim& claim, const std::string& assignment) {
    Node root{Node::Table{}, "--set"};
    set_value(root, assignment);
    read_options(claim.parameters(), root);
}

std::string recipes_of(const Claim& claim) {
    std::string all;
    for (const PlannedRun& run : claim.runs(0)) all += run.recipe;
    return all;
}

}  // namespace

TEST_CASE("strings and counts of a law") {
    const Tensor strings = all_strings(3, 2);
    CHECK(strings.size(0) == 9);
    CHECK(strings.equal(torch::cartesian_prod({torch::arange(3), torch::arange(3)})));

    const auto numbers = [](std::vector<double> values) {
        return torch::tensor(values, torch::kDouble);
    };
    // (60 - 50)^2 / 50 twice: P(chi^2_1 > 4) = 2 (1 - Phi(2)) = 0.0455
    CHECK(counts_p(numbers({40, 60}), numbers({0.5, 0.5})) ==
          doctest::Approx(0.0455003).epsilon(1e-5));
    CHECK(counts_p(numbers({50, 50, 1}), numbers({0.5, 0.5, 0})) == 0);
    // two cells of three expected draws are one of six, so that 0 and 6 are as expected
    CHECK(counts_p(numbers({0, 6, 47, 47}), numbers({0.03, 0.03, 0.47, 0.47})) ==
          doctest::Approx(1));
}

TEST_CASE("the entropies that chain rules are held to are those of enumerated laws") {
    ParityOptions parity;
    parity.length = 10;
    parity.lag = 4;
    parity.flip = 0.3;
    const Tensor bits = make_parity(parity)->log_prob(all_strings(2, 10));
    CHECK(bits.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-12));
    CHECK(-(bits.exp() * bits).sum().item<double>() ==
          doctest::Approx(entropy(parity)).epsilon(1e-12));
    IsingOptions ising;
    ising.size = 3;
    ising.beta = 0.6;
    const Tensor pictures = make_ising(ising)->log_prob(all_strings(2, 9).view({-1, 1, 3, 3}));
    CHECK(pictures.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-12));
    CHECK(-(pictures.exp() * pictures).sum().item<double>() ==
          doctest::Approx(ising_law(ising).entropy).epsilon(1e-12));
}

TEST_CASE("claims about sequences plan trainings that parse, on the law of their parameters") {
    const struct {
        std::unique_ptr<Claim> claim;
        std::string assignment, moved;
        std::size_t runs;
    } cases[] = {{make_chain_rule(), "law=3", "law=3", 5},
                 {make_lattice_pictures(), "beta=0.25", "beta=0.25", 1},
                 {make_receptive_field(), "flip=0.1", "flip=0.1", 2},
                 {make_temperature(), "law=5", "law=5", 1},
                 {make_markov_sources(), "concentration=2.0", "concentration=2", 2}};
    for (const auto& c : cases) {
        CHECK(c.claim->runs(0).size() == c.runs);
        for (const PlannedRun& run : c.claim->runs(0)) CHECK_NOTHROW(parse_recipe(run.recipe, ""));
        CHECK(recipes_of(*c.claim).find(c.moved) == std::string::npos);
        set(*c.claim, c.assignment);
        CHECK(recipes_of(*c.claim).find(c.moved) != std::string::npos);
    }
    const auto field = make_receptive_field();
    set(*field, "beyond=8");
    CHECK(refusal([&] { field->runs(0); }) == "beyond: expected another lag than within, got 8");
    const auto temperature = make_temperature();
    set(*temperature, "context=8");
    CHECK(refusal([&] { temperature->runs(0); }) == "context: expected one of the symbols, got 8");
}

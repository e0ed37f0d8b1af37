#include "pushforward/audit/lattice_pictures.hpp"

#include "pushforward/audit/sequence_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/ising.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <numbers>

namespace pushforward {
namespace {

struct Parameters : Options {
    IsingOptions law;

    void visit(Fields& f) override {
        f.number("beta", law.beta,
                 {.doc = "inverse temperature, by default critical", .low = 0, .high = 1});
    }
};

/// sum_<ij> s_i s_j of pictures of 0 and 1 on a torus, float64 [N].
Tensor bonds_of(const Tensor& x) {
    const Tensor s = 2 * x.to(torch::kDouble) - 1;
    return (s * (s.roll(1, 2) + s.roll(1, 3))).flatten(1).sum(1);
}

class LatticePictures : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"pixel_cnn", symbols_recipe(data(2000000, seed),
                                             "name = \"pixel_cnn\"\nlevels = 2\nfeatures = 24\n"
                                             "layers = 4\nkernel = 5\npositions = true",
                                             {.steps = 1500,
                                              .batch = 64,
                                              .learning_rate = "4e-3",
                                              .warmup = 50,
                                              .half_life = 50},
                                             true)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun run = open_run(runs.at("pixel_cnn").string());
        const IsingLaw law = ising_law(p_.law);
        const double log_z = kaufman_log_partition(p_.law);
        const double pixels = static_cast<double>(p_.law.size * p_.law.size);
        ScoreRequest request;
        request.data = data(10000, seed + 1000);
        request.batch = 500;
        const Tensor x = all_of(request.data), log_q = score_run(run, request).log_prob;
        const Tensor exact = make_ising(p_.law)->log_prob(x);
        const Mean gap = mean_of(exact - log_q);
        // E[beta bonds - log q] = ln Z + KL(law || model)
        const Mean partition = mean_of(p_.law.beta * bonds_of(x) - log_q);
        const Mean control = mean_of(exact + pixels * std::numbers::ln2);
        const Mean bonds = mean_of(bonds_of(
            draw_samples(*run.model, run.description.scaling, 4000, {}, seed, 1000, run.device).x));
        const double independent = pixels * std::numbers::ln2 - law.entropy;
        return {
            {"nats a picture that the model is short of the law", 0, gap.value, gap.standard_error,
             -4 * gap.standard_error, 0.1},
            {"beta bonds - log q: ln Z, which is Kaufman's, and the same", log_z, partition.value,
             partition.standard_error, log_z - 4 * partition.standard_error, log_z + 0.1},
            {"nats that independent pixels are short, on the same pictures", independent,
             control.value, control.standard_error, independent - 4 * control.standard_error,
             independent + 4 * control.standard_error},
            {"bonds of the model's own pictures", law.bonds, bonds.value, bonds.standard_error,
             law.bonds - 1 - 4 * bonds.standard_error, law.bonds + 1 + 4 * bonds.standard_error}};
    }

private:
    std::string data(std::int64_t n, std::uint64_t seed) const {
        return text("sim:ising?size=", p_.law.size, "&beta=", number_text(p_.law.beta), "&n=", n,
                    "&seed=", seed);
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_lattice_pictures() {
    return std::make_unique<LatticePictures>();
}

}  // namespace pushforward

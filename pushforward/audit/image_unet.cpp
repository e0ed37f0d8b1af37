#include "pushforward/audit/image_unet.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/simulators/catalogue.hpp"
#include "pushforward/simulators/sprites.hpp"
#include "pushforward/training/run.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t images = 8, size = 16, steps = 1000;

    void visit(Fields& f) override {
        f.integer("images", images, {.doc = "pictures that are over-fitted", .low = 2, .high = 64});
        f.integer(
            "size", size,
            {.doc = "height and width of the pictures", .unit = "pixels", .low = 12, .high = 32});
        f.integer("steps", steps,
                  {.doc = "noise levels T of the linear chain", .low = 50, .high = 10000});
    }
};

class ImageUnet : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"few", few_recipe(seed)}, {"sprites", sprites_recipe(seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks = {few_loss(runs.at("few"), seed)};
        for (auto& check : drawn_sprites(runs.at("sprites"), seed))
            checks.push_back(std::move(check));
        checks.push_back(other_size(runs.at("sprites"), seed));
        return checks;
    }

private:
    std::string few_recipe(std::uint64_t seed) const {
        return text("[data]\nsource = \"sim:sprites?size=", p_.size, "&n=", p_.images,
                    "&seed=", seed, "\"\nvalidation = 0.0\nconditional = false\n",
                    "[model]\nname = \"ddpm\"\nprediction = \"v\"\nsteps = ", p_.steps, R"(
[model.network]
name = "unet"
channels = 16
multipliers = [1, 2, 2]
blocks = 1
attention = []
groups = 1
[objective]
times = "logit_normal"
location = -1.7
scale = 1.8
reference = 64
)",
                    cosine_training({.steps = 6000,
                                     .batch = 64,
                                     .learning_rate = "4e-3",
                                     .warmup = 50,
                                     .half_life = 300}));
    }

    std::string sprites_recipe(std::uint64_t seed) const {
        return text("[data]\nsource = \"sim:sprites?size=", p_.size, "&n=400000&seed=", seed,
                    "\"\nvalidation = 0.0\nconditional = false\n",
                    "[model]\nname = \"ddpm\"\nprediction = \"v\"\nsteps = ", p_.steps, R"(
[model.network]
name = "unet"
channels = 32
multipliers = [1, 2, 2]
blocks = 1
attention = [1, 2]
groups = 8
[objective]
times = "logit_normal"
location = -0.3
scale = 1.0
reference = 16384
[train]
steps = 18000
batch = 64
learning_rate = 2e-3
schedule = "cosine"
warmup = 50
ema_half_life = 200
)",
                    weights_only_training, R"([sample]
sampler = "dpm_solver_pp_2m"
grid = "log_snr"
steps = 40
)");
    }

    /// Sprites that no run was fitted on: [n, 1, side, side] in [-1, 1], float64.
    static Tensor fresh_sprites(std::int64_t side, std::int64_t n, std::uint64_t seed) {
        const auto sprites = make_simulator("sprites", {{"size", std::to_string(side)}});
        return 2 * sprites->batch(0, n, Rng(seed).split(7).key()).x.to(torch::kDouble) - 1;
    }

    /// The loss of the network against the least possible one on the same draws: with
    /// w_j ~ exp(-|x - alpha x_j|^2 / (2 sigma^2)), E[x0 | x] = sum_j w_j x_j / sum_j w_j.
    Check few_loss(const std::filesystem::path& folder, std::uint64_t seed) const {
        const OpenedRun run = open_run(folder.string());
        const auto sprites = make_simulator("sprites", {{"size", std::to_string(p_.size)}});
        const Tensor few = 2 * sprites->batch(0, p_.images, seed).x.to(torch::kDouble) - 1;
        const std::int64_t n = 20000;
        Rng rng = Rng(seed).split(3);
        const Tensor which = rng.integers(0, p_.images, {n});
        const Noised b =
            noised(noise_chain("linear", p_.steps), few.index_select(0, which), rng.split(0));
        const Tensor distance =
            (b.x.flatten(1).unsqueeze(1) - b.alpha.flatten(1).unsqueeze(1) * few.flatten(1))
                .square()
                .sum(2);
        const Tensor weight = at::softmax(-distance / (2 * b.sigma.flatten(1).square()), 1);
        const Tensor x0 = weight.matmul(few.flatten(1)).view(b.x.sizes());
        const Tensor floor = per_item(((b.x - b.alpha * x0) / b.sigma - b.eps).square());
        const Tensor loss =
            per_item((believed_epsilon(*run.model->denoiser(), b, 500) - b.eps).square());
        const Mean least = mean_of(floor), reached = mean_of(loss), over = mean_of(loss - floor);
        return {text("epsilon-loss on ", p_.images, " pictures"),
                least.value,
                reached.value,
                over.standard_error,
                least.value - 3 * over.standard_error,
                1.25 * least.value};
    }

    /// Samples by the run's own sampler, read by the oracle.
    static std::vector<SpriteReading> read(const Tensor& pictures) {
        const auto n = pictures.size(0), parts = std::min<std::int64_t>(n, at::get_num_threads());
        std::vector<std::vector<SpriteReading>> read(static_cast<std::size_t>(parts));
        at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i)
                read[static_cast<std::size_t>(i)] =
                    read_sprites(pictures.slice(0, n * i / parts, n * (i + 1) / parts));
        });
        std::vector<SpriteReading> all;
        for (auto& part : read) all.insert(all.end(), part.begin(), part.end());
        return all;
    }

    static std::vector<Check> drawn_sprites(const std::filesystem::path& folder,
                                            std::uint64_t seed) {
        const OpenedRun run = open_run(folder.string());
        const std::int64_t n = 1000;
        const auto readings =
            read(draw_samples(*run.model, run.description.scaling, n, {}, seed, 250, run.device).x);
        std::vector<SpriteFactors> valid;
        for (const auto& r : readings)
            if (r.valid) valid.push_back(r.factors);
        const double share = static_cast<double>(valid.size()) / static_cast<double>(n);
        return {{"share of samples that the oracle reads as sprites", 1, share,
                 std::sqrt(share * (1 - share) / static_cast<double>(n)), 0.95, 1},
                {"chi-square p, factors against their laws", 0.01, factor_p(valid), 0, 0.01,
                 std::numeric_limits<double>::infinity()}};
    }

    /// The least of five chi-square probabilities times five (Bonferroni): the shapes are equally
    /// likely; x, y, size and angle uniform in their ranges, five bins each.
    static double factor_p(const std::vector<SpriteFactors>& sprites) {
        constexpr std::size_t bins = 5;
        std::array<double, 4> shapes{};
        std::array<std::array<double, bins>, 4> numbers{};
        for (const auto& f : sprites) {
            ++shapes[static_cast<std::size_t>(f.shape)];
            const std::array<double, 4> share = {(f.x - 0.35) / 0.3, (f.y - 0.35) / 0.3,
                                                 (f.size - 0.25) / 0.15,
                                                 f.angle / sprite_period(f.shape)};
            for (std::size_t i = 0; i < share.size(); ++i)
                ++numbers[i][static_cast<std::size_t>(std::clamp(5 * share[i], 0.0, 4.0))];
        }
        double least = uniform_p(shapes.begin(), shapes.end());
        for (const auto& counts : numbers)
            least = std::min(least, uniform_p(counts.begin(), counts.end()));
        return std::min(1.0, 5 * least);
    }

    template <class Iterator>
    static double uniform_p(Iterator begin, Iterator end) {
        double total = 0, statistic = 0;
        for (auto i = begin; i != end; ++i) total += *i;
        if (total == 0) return 0;
        const double expected = total / static_cast<double>(end - begin);
        for (auto i = begin; i != end; ++i)
            statistic += (*i - expected) * (*i - expected) / expected;
        return chi_square_p(statistic, end - begin - 1);
    }

    /// The same network on pictures of twice the size, a tenth up the chain: the error of its
    /// E[x0 | x] over that of x / alpha. 1 would be a network that sees nothing there.
    Check other_size(const std::filesystem::path& folder, std::uint64_t seed) const {
        const OpenedRun run = open_run(folder.string());
        const torch::NoGradGuard no_grad;
        const std::int64_t n = 64, k = p_.steps / 10;
        const double abar = noise_chain("linear", p_.steps).abar[static_cast<std::size_t>(k)];
        const Tensor x0 = fresh_sprites(2 * p_.size, n, seed);
        Rng rng = Rng(seed).split(4);
        const Tensor eps = rng.normal(x0.sizes(), torch::kDouble);
        const Tensor x = std::sqrt(abar) * x0 + std::sqrt(1 - abar) * eps;
        const Tensor t = torch::full({n}, static_cast<double>(k) / static_cast<double>(p_.steps),
                                     torch::kDouble);
        const Tensor denoised =
            run.model->denoiser()->predict_x0(x.to(torch::kFloat), t, {}).x0.to(torch::kDouble);
        const Mean error = mean_of(per_item((denoised - x0).square()) * (abar / (1 - abar)));
        return {text("error over noise at ", 2 * p_.size, " x ", 2 * p_.size),
                0,
                error.value,
                error.standard_error,
                0,
                0.5};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_image_unet() {
    return std::make_unique<ImageUnet>();
}

}  // namespace pushforward

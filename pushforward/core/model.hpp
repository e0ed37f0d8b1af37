#pragma once

#include "pushforward/core/batch.hpp"
#include "pushforward/core/rng.hpp"
#include "pushforward/core/space.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace torch::nn {
class Module;
}

namespace pushforward {

/// What a log-density is: of what strength, and with respect to which measure.
enum class Strength { exact, lower_bound, estimate };
enum class Measure { density, mass, dequantised };
inline const char* strength_name(Strength strength) {
    return strength == Strength::exact         ? "exact"
           : strength == Strength::lower_bound ? "lower_bound"
                                               : "estimate";
}
struct Estimator {
    std::string name;
    Strength strength;
    Measure measure;
};

/// log p(x | c) in nats, one number an item; differentiable where it is exact.
class Density {
public:
    virtual ~Density() = default;
    /// What `log_prob` can compute; the first is the default.
    virtual std::vector<Estimator> estimators() const = 0;
    /// x [B, event...] -> [B].
    virtual Tensor log_prob(const Tensor& x, const Condition& c, const std::string& estimator,
                            Rng rng) const = 0;
};

/// An unnormalised density: -log p(x | c) up to a constant, [B].
class Energy {
public:
    virtual ~Energy() = default;
    virtual Tensor energy(const Tensor& x, const Condition& c) const = 0;
};

/// alpha(t) and sigma(t) of x_t = alpha(t) x0 + sigma(t) eps, of t's shape and type.
struct Level {
    Tensor alpha, sigma;
};

/// The Gaussian path from data, at(0) = {1, 0}, to noise at t_max. Networks are trained and asked
/// in [t_min, t_max] only; a sampler's last step, to t = 0, is the denoised item itself.
class Path {
public:
    virtual ~Path() = default;
    virtual Level at(const Tensor& t) const = 0;
    /// d alpha / dt and d sigma / dt.
    virtual Level derivative(const Tensor& t) const = 0;
    virtual double t_min() const = 0;
    virtual double t_max() const = 0;
    /// The number of discrete steps the model was trained at, 0 for continuous time. A discrete
    /// path's times are k / steps() for k = 1..steps().
    virtual std::int64_t steps() const { return 0; }
    /// The quantile function of the training times of the path's paper: u in [0, 1) -> t. Uniform
    /// times give t_min + u (t_max - t_min), discrete ones (floor(u steps()) + 1) / steps().
    virtual Tensor training_time(const Tensor& u) const = 0;
};

/// What is believed of x0 given x_t, [B, event...] each: its mean and, where that has been learnt,
/// E[(x0 - mean)^2 | x_t] of each entry, which is the variance and the square of the mean's own
/// error (Bao et al. 2022).
struct Denoised {
    Tensor x0, variance = {};

    Denoised(Tensor mean, Tensor square = {}) : x0(std::move(mean)), variance(std::move(square)) {}
    operator const Tensor&() const { return x0; }
};

/// A network's error in its own units and, where it has learnt that, the logarithm of the square
/// that it expects, [B, event...] each.
struct Residual {
    Tensor value, log_square = {};

    Residual(Tensor error, Tensor log_expected = {})
        : value(std::move(error)), log_square(std::move(log_expected)) {}
    operator const Tensor&() const { return value; }
};

/// A model that can say E[x0 | x_t]; score, epsilon and velocity follow from the path:
/// eps = (x_t - alpha x0) / sigma, score = -eps / sigma (Vincent 2011; Ho et al. 2020).
class Denoiser {
public:
    virtual ~Denoiser() = default;
    virtual const Path& path() const = 0;
    /// x [B, event...], t [B], or [1] for all rows, in the path's range -> E[x0 | x_t, c], x's
    /// shape.
    virtual Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const = 0;
    /// The network's error in its own units, F(x_t, t, c) - F*(x0, eps, t): [B, event...]. The
    /// square of it is the simple loss of the parametrisation's paper.
    virtual Residual residual(const Tensor& x0, const Tensor& eps, const Tensor& t,
                              const Condition& c) const = 0;
    /// That unit: E[x0 | x_t] - x0 is this times the residual, float64 [B].
    virtual Tensor residual_scale(const Tensor& t) const = 0;
    /// Whether it learns the variance, too.
    virtual bool learns_variance() const { return false; }
};

/// A model that can say which class an item is of, clean or noisy: log p(label | y) of one
/// condition of classes, for y = x0 + s eps. Any path's x_t is asked about as y = x_t / alpha, s =
/// sigma / alpha.
class Classifier {
public:
    virtual ~Classifier() = default;
    /// The condition that it tells: its name and its K classes.
    virtual const Field& label() const = 0;
    /// y [B, event...], s [B] float64 (0: clean) -> log p(label | y) [B, K], differentiable in y.
    virtual Tensor log_probs(const Tensor& y, const Tensor& s) const = 0;
    /// What its last layer sees of clean items: [B, F].
    virtual Tensor features(const Tensor& x) const = 0;
};

/// What an encoder says of an item's latents: normal with `mean` and standard deviation `std`, both
/// [B, event...] of the latent space; a point where `std` is undefined.
struct Posterior {
    Tensor mean, std = {};
};

/// Where latents live, under the name that the family gives them. They are N(0, I) for items of the
/// model's own law, so that decode(z), z ~ N(0, I), is a sample.
struct LatentSpace {
    std::string name;
    Space space;
};

/// To a latent space and back, differentiably; a row's answer depends on that row, its condition
/// and its row of `rng` alone. UsageError where the family has no encoder (a GAN).
class Latent {
public:
    virtual ~Latent() = default;
    virtual LatentSpace latent_space() const = 0;
    /// x [B, event...] in model units -> q(z | x, c).
    virtual Posterior encode(const Tensor& x, const Condition& c, Rng rng) const = 0;
    /// z [B, latent event...] -> [B, event...] in model units.
    virtual Tensor decode(const Tensor& z, const Condition& c, Rng rng) const = 0;
};

/// A model that says one symbol after another: p(x | c) = prod_i p(s_i | s_1 .. s_(i-1), c), where
/// s are the item's symbols 0 .. K-1 in the order that the model takes them in.
class Sequential {
public:
    /// What rows have seen so far, and caches of it.
    class State {
    public:
        virtual ~State() = default;
    };
    virtual ~Sequential() = default;
    /// K.
    virtual std::int64_t symbols() const = 0;
    /// Items [B, event...] in model units -> int64 [B, L], -1 beyond an item's end.
    virtual Tensor to_symbols(const Tensor& x) const = 0;
    /// And back.
    virtual Tensor to_items(const Tensor& symbols) const = 0;
    /// log p(s_i = k | s_<i, c) up to a constant a place, for all places at once: [B, L, K].
    virtual Tensor logits(const Tensor& symbols, const Condition& c) const = 0;
    /// log p(s_i | s_<i, c) of the symbols themselves, 0 beyond an item's end: [B, L]. Of any
    /// length; differentiable in the weights.
    virtual Tensor log_probs(const Tensor& symbols, const Condition& c) const = 0;
    /// n rows that have seen nothing; `c` has n rows, or is empty.
    virtual std::unique_ptr<State> start(const Condition& c, std::int64_t n) const = 0;
    /// The same log-probabilities of the symbol that follows, [n, K], after `came`, int64 [n, k],
    /// k >= 0, came next. A row's answer is a function of its symbols and its condition: its bits
    /// depend neither on the rows beside it nor on the number of threads.
    virtual Tensor next(State& state, const Tensor& came) const = 0;
};

/// What samples begin from in place of noise alone, for models that denoise.
struct Draft {
    Tensor x = {};                  ///< [n, event...] in model units; undefined: noise alone
    double strength = 1;            ///< in (0, 1], the share of the time grid that is run
    Tensor keep = {};               ///< bool, broadcast to the event: entries that stay as in x
    std::int64_t resamplings = 10;  ///< how often each step is done, where `keep` is given
};

/// What a sequence of symbols goes on from, for models that say one symbol after another.
struct Prompt {
    Tensor symbols = {};      ///< int64 [k], the same for all samples; undefined: nothing
    std::int64_t length = 0;  ///< symbols drawn at most after it (0: the recipe's)
    /// Hears each symbol when all rows have it, int64 [n] (-1: the row had ended), and says which
    /// rows shall end there, bool [n], or nothing (undefined).
    std::function<Tensor(const Tensor&)> hear = {};
};

class Model;

struct SampleRequest {
    std::int64_t n = 1;
    std::int64_t first = 0;  ///< the index of the first sample: sample i depends on (seed, i)
    Condition c = {};        ///< [n] rows, or empty
    at::Device device = at::kCPU;
    const Model* guide = nullptr;  ///< steers a denoiser, see samplers/guidance.hpp
    Draft draft = {};
    Prompt prompt = {};
};

/// UsageError, on behalf of `who`, for a condition that `spec` lacks, one that has not `rows` rows,
/// or a label out of range.
void check_conditions(const std::string& who, const DataSpec& spec, const Condition& c,
                      std::int64_t rows);
/// UsageError when fewer than one item is asked for, an item's size varies, or a condition does not
/// fit.
void check_request(const DataSpec& spec, const SampleRequest& request);
/// [n, event...].
std::vector<std::int64_t> shape_of(const Space& x, std::int64_t n);

struct Samples {
    Tensor x;                      ///< [n, event...] in model units
    Tensor log_prob = {};          ///< [n] where it came with the sample
    std::int64_t evaluations = 0;  ///< network evaluations a sample
};

/// A family of measures and what it can do. A capability that the options withhold is null.
/// Const calls are thread-safe, never toggle train/eval, and only `sample` drops the graph.
class Model {
public:
    virtual ~Model() = default;
    virtual const DataSpec& spec() const = 0;
    virtual torch::nn::Module& module() = 0;
    const torch::nn::Module& module() const { return const_cast<Model*>(this)->module(); }
    /// The type that networks compute in (parameters, log-determinants and losses stay float32).
    virtual void compute_in(at::ScalarType) {}
    virtual bool allows(at::ScalarType dtype) const { return dtype == at::kFloat; }

    /// Sets what begins from data (a normalisation, a mixture's means), from rows to train on:
    /// once, before the first step. `rows` fetches them, so that models that need none cost
    /// nothing.
    virtual void initialise(const std::function<Batch()>& /*rows*/, Rng /*rng*/) {}

    /// Whether it draws samples at all; `sample` of a model that does not is a UsageError.
    virtual bool samples() const { return true; }
    /// Row r of the answer depends on rng's key and request.first + r alone.
    virtual Samples sample(const SampleRequest& request, Rng rng) const = 0;

    virtual const Density* density() const { return nullptr; }
    virtual const Energy* energy() const { return nullptr; }
    virtual const Denoiser* denoiser() const { return nullptr; }
    virtual const Classifier* classifier() const { return nullptr; }
    virtual const Latent* latent() const { return nullptr; }
    virtual const Sequential* sequential() const { return nullptr; }

    /// Rows, since the model was made, that float32 could not carry and float64 was asked for.
    virtual std::int64_t float64_rows() const { return 0; }
};

}  // namespace pushforward

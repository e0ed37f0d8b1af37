#include "pushforward/testing/laws.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/dataset.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/core/weights.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <set>

namespace pushforward {
namespace {

/// The batch itself as a data set: objectives may refuse to learn without one.
class Rows : public Dataset {
public:
    Rows(const DataSpec& spec, const Batch& batch) : spec_(spec), batch_(batch) {}
    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override { return batch_.size(); }
    Batch get(std::span<const std::int64_t>) const override { return batch_; }

private:
    const DataSpec& spec_;
    const Batch& batch_;
};

/// A model whose weights are no longer those of its start, where zeros may hide mistakes.
std::unique_ptr<Model> moved(const LawSubject& s, std::uint64_t seed = 1) {
    at::manual_seed(seed);
    auto model = s.make();
    const at::NoGradGuard no_grad;
    Rng rng(seed);
    for (auto& p : model->module().parameters()) p.add_(0.05 * rng.normal(p.sizes()));
    return model;
}

SampleRequest request_of(const LawSubject& s, std::int64_t first, std::int64_t n) {
    return {n, first, s.batch.c.slice(first, first + n)};
}

/// What a model says: samples, or where it draws none log p(label | x) of the batch.
Tensor answer(const LawSubject& s, const Model& model) {
    if (model.samples()) return model.sample(request_of(s, 0, 2), Rng(7)).x;
    PF_CHECK(model.classifier(), "laws", "a model that samples or tells classes", "neither");
    const at::NoGradGuard no_grad;
    return model.classifier()->log_probs(s.batch.x, at::zeros({s.batch.size()}, at::kDouble));
}

/// Sequences made as long as `length` by what stands beyond their ends.
Tensor padded(const Tensor& x, std::int64_t length) {
    if (x.scalar_type() != at::kLong || x.dim() != 2 || x.size(1) >= length) return x;
    return at::constant_pad_nd(x, {0, length - x.size(1)}, -1);
}

double apart(const Tensor& a, const Tensor& b) {
    return (a - b).abs().max().item<double>() / (1 + a.abs().max().item<double>());
}

std::string gradients(const LawSubject& s) {
    const auto model = moved(s);
    const Rows rows(model->spec(), s.batch);
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows.size()));
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    const Sources sources{.data = &rows, .rows = numbers, .teacher = s.teacher.get()};
    if (const auto why = s.objective->refusal(*model, sources); !why.empty()) return why;
    std::set<const void*> seen;
    for (const auto& player : s.objective->players(*model, sources)) {
        const Loss once = player.loss(s.batch, {3, Rng(5)}),
                   again = player.loss(s.batch, {3, Rng(5)});
        if (!once.value.isfinite().item<bool>() || once.value.dim() != 0)
            return player.name + ": the loss is no finite number";
        if (!at::equal(once.value, again.value))
            return player.name + ": the loss is no function of weights, batch, step and seed";
        once.value.backward();
        for (const auto& group : player.groups)
            for (const auto& [name, p] : group.parameters) {
                if (!seen.insert(p.unsafeGetTensorImpl()).second)
                    return name + " belongs to two players";
                if (!p.grad().defined() || p.grad().abs().sum().item<double>() == 0)
                    return "the loss does not reach " + name;
                if (!p.grad().isfinite().all().item<bool>())
                    return "the gradient of " + name + " is not finite";
            }
    }
    for (const auto& p : model->module().named_parameters())
        if (p.value().requires_grad() && !seen.count(p.value().unsafeGetTensorImpl()))
            return p.key() + " belongs to no player";
    return "";
}

std::string samples(const LawSubject& s) {
    const auto model = moved(s);
    if (!model->samples()) {
        try {
            model->sample(request_of(s, 0, 2), Rng(7));
        } catch (const UsageError&) {
            return "";
        }
        return "a model that says it draws no samples draws some";
    }
    const auto before = weights_of(model->module());
    NamedTensors copies;
    for (const auto& [name, t] : before) copies[name] = t.clone();
    const std::int64_t n = s.batch.size();
    const Tensor x = model->sample(request_of(s, 0, n), Rng(7)).x;
    const bool varies = model->spec().x.is_sequence() && model->spec().x.event[0] < 0;
    if (varies ? x.dim() != 2 || x.size(0) != n : x.sizes() != s.batch.x.sizes())
        return "samples are not shaped as the data";
    if (!x.isfinite().all().item<bool>()) return "samples are not finite";
    if (x.requires_grad()) return "samples keep the graph";
    if (!at::equal(x, model->sample(request_of(s, 0, n), Rng(7)).x))
        return "the same seed gave other bits";
    if (at::equal(x, model->sample(request_of(s, 0, n), Rng(8)).x))
        return "another seed gave the same samples";
    const Tensor part = model->sample(request_of(s, 1, n - 1), Rng(7)).x;
    if (apart(x.slice(0, 1), varies ? padded(part, x.size(1)) : part) > 1e-4)
        return "sample i depends on more than the seed and i";
    for (const auto& [name, t] : before)
        if (!at::equal(t, copies[name])) return "sampling changed " + name;
    return "";
}

std::string saving(const LawSubject& s) {
    const auto model = moved(s), other = moved(s, 2);
    const Tensor x = answer(s, *model);
    if (at::equal(x, answer(s, *other))) return "the weights make no difference";
    copy_tensors(weights_of(other->module()), weights_of(model->module()), "memory");
    if (!at::equal(x, answer(s, *other)))
        return "the weights by their names do not make the same model";
    return "";
}

/// The losses of all players on the batch, in the type that the model computes in now.
std::vector<double> losses(const LawSubject& s, Model& model) {
    const Rows rows(model.spec(), s.batch);
    std::vector<double> out;
    for (const auto& player :
         s.objective->players(model, {.data = &rows, .teacher = s.teacher.get()}))
        out.push_back(player.loss(s.batch, {3, Rng(5)}).value.item<double>());
    return out;
}

std::string types(const LawSubject& s) {
    const auto model = moved(s);
    const Tensor x = answer(s, *model);
    const auto plain = losses(s, *model);
    for (auto type : {at::kFloat, at::kBFloat16, at::kDouble}) {
        if (!model->allows(type)) continue;
        model->compute_in(type);
        const Tensor y = answer(s, *model);
        const std::string in = std::string(" computing in ") + at::toString(type);
        if (y.scalar_type() != x.scalar_type()) return "answers have another type" + in;
        if (!y.isfinite().all().item<bool>()) return "answers are not finite" + in;
        // A sampler may amplify the eighth bit without bound; a loss averages over it.
        if (type != at::kBFloat16 && apart(x, y) > 1e-3) return "answers differ" + in;
        const auto typed = losses(s, *model);
        const double tolerance = type == at::kBFloat16 ? 2e-2 : 1e-4;
        for (std::size_t i = 0; i < plain.size(); ++i)
            if (std::abs(typed[i] - plain[i]) > tolerance * std::abs(plain[i]))
                return text("losses differ", in, ": ", typed[i], " instead of ", plain[i]);
    }
    return "";
}

/// f(batch) row by row: permuted rows give permuted answers, and a smooth one can be differentiated
/// in x.
std::string row_function(
    const LawSubject& s,
    const std::function<Tensor(const Tensor& x, const Condition& c, const Tensor& rows)>& f,
    bool smooth = true) {
    const std::int64_t n = s.batch.size();
    const Tensor order = at::arange(n - 1, -1, -1, at::kLong), ascending = at::arange(n, at::kLong);
    const Condition turned = s.batch.c.rows(order);
    const Tensor x = s.batch.x.clone().requires_grad_(smooth);
    const Tensor y = f(x, s.batch.c, ascending);
    const Tensor z = f(s.batch.x.index_select(0, order), turned, order);
    if (apart(y.index_select(0, order), z) > 1e-4)
        return "rows depend on each other or their order";
    if (smooth) {
        const Tensor g = torch::autograd::grad({y.square().sum()}, {x}, {}, {}, false, true)[0];
        if (!g.defined() || g.abs().sum().item<double>() == 0) return "not differentiable in x";
    }
    if (apart(f(s.batch.x, s.batch.c.none(), ascending), f(s.batch.x, {}, ascending)) > 1e-5)
        return "a condition that no row is given is not the same as none";
    return "";
}

std::string denoising(const LawSubject& s) {
    const auto model = moved(s);
    const Denoiser* denoiser = model->denoiser();
    if (!denoiser) return "";
    const Path& path = denoiser->path();
    const auto times = [&](const Tensor& rows) {
        return path.training_time((rows.to(at::kDouble) + 0.5) / static_cast<double>(rows.size(0)));
    };
    const Level start = path.at(at::full({1}, 0., at::kDouble));
    if (start.alpha.item<double>() != 1 || start.sigma.item<double>() != 0)
        return "the path does not begin at the data";
    const Tensor x0 = s.batch.x, eps = Rng(9).normal(x0.sizes());
    const Tensor t = times(at::arange(x0.size(0), at::kLong));
    const Level level = path.at(t);
    const Tensor noised = rowwise(level.alpha, x0) * x0 + rowwise(level.sigma, x0) * eps;
    const Tensor error = denoiser->predict_x0(noised, t, s.batch.c) - x0;
    const Tensor scale = rowwise(denoiser->residual_scale(t), x0);
    if (apart(error, scale * denoiser->residual(x0, eps, t, s.batch.c)) > 1e-3)
        return "the residual times its scale is not the error of x0";
    return row_function(s, [&](const Tensor& x, const Condition& c, const Tensor& rows) {
        return denoiser->predict_x0(x, times(rows), c);
    });
}

std::string classifying(const LawSubject& s) {
    const auto model = moved(s);
    const Classifier* classifier = model->classifier();
    if (!classifier) return "";
    const Field* label = model->spec().condition(classifier->label().name);
    if (!label || !(*label == classifier->label())) return "its label is none of the conditions";
    const auto levels = [](const Tensor& rows) { return rows.to(at::kDouble) / 2; };  // 0, 0.5, ...
    const Tensor all = at::arange(s.batch.size(), at::kLong);
    const Tensor p = classifier->log_probs(s.batch.x, levels(all)).exp();
    if (p.sizes() != at::IntArrayRef({s.batch.size(), label->space.symbols}))
        return "it does not tell all classes of each row";
    if ((p.sum(1) - 1).abs().max().item<double>() > 1e-5) return "probabilities do not add to 1";
    if (classifier->features(s.batch.x).dim() != 2) return "features are not a vector a row";
    return row_function(s, [&](const Tensor& x, const Condition&, const Tensor& rows) {
        return classifier->log_probs(x, levels(rows));
    });
}

std::string density(const LawSubject& s) {
    const auto model = moved(s);
    const Density* density = model->density();
    if (!density) return "";
    if (density->estimators().empty()) return "a density without an estimator";
    for (const Estimator& e : density->estimators()) {
        if (e.strength != Strength::exact) continue;
        const auto why = row_function(
            s,
            [&](const Tensor& x, const Condition& c, const Tensor&) {
                return density->log_prob(x, c, e.name, Rng(3));
            },
            e.measure != Measure::mass);
        if (!why.empty()) return e.name + ": " + why;
    }
    return "";
}

/// What each place says is a function of the symbols before it, at once or one after another.
std::string sequential(const LawSubject& s) {
    const auto model = moved(s);
    const Sequential* said = model->sequential();
    if (!said) return "";
    const at::NoGradGuard no_grad;
    const Tensor symbols = said->to_symbols(s.batch.x);
    const std::int64_t n = symbols.size(0), l = symbols.size(1), k = said->symbols();
    if (apart(said->to_items(symbols), s.batch.x) > 1e-6)
        return "symbols do not lead back to items";
    const Tensor logits = said->logits(symbols, s.batch.c);
    if (logits.sizes() != at::IntArrayRef({n, l, k})) return "logits are not shaped [B, L, K]";
    if (apart(model->density()->log_prob(s.batch.x, s.batch.c, "exact", Rng(3)),
              said->log_probs(symbols, s.batch.c).sum(1)) > 1e-4)
        return "the log-density is not the sum of the symbols'";
    for (std::int64_t j = 0; j < l; ++j) {
        const Tensor other = symbols.clone();
        other.select(1, j).copy_((symbols.select(1, j).clamp_min(0) + 1).remainder(k));
        const Tensor changed = said->logits(other, s.batch.c);
        if (!at::equal(logits.slice(1, 0, j + 1), changed.slice(1, 0, j + 1)))
            return "a symbol is said knowing itself or what follows";
        if (j + 1 < l && at::equal(logits.slice(1, j + 1), changed.slice(1, j + 1)))
            return "nothing that follows knows a symbol";
    }
    const auto state = said->start(s.batch.c, n), alone = said->start(s.batch.c.slice(1, 2), 1);
    for (std::int64_t i = 0; i < l; ++i) {
        const Tensor came = symbols.slice(1, std::max<std::int64_t>(i - 1, 0), i).clamp_min(0);
        const Tensor next = said->next(*state, came);
        if (apart(next, logits.select(1, i)) > 1e-5)
            return "one after another they are not the same";
        if (!at::equal(next.slice(0, 1, 2), said->next(*alone, came.slice(0, 1, 2))))
            return "a row's bits depend on the rows beside it";
    }
    return "";
}

std::string latents(const LawSubject& s) {
    const auto model = moved(s);
    // rounding must not be taken for rows that meet
    if (model->allows(at::kDouble)) model->compute_in(at::kDouble);
    const Latent* latent = model->latent();
    if (!latent) return "";
    const std::int64_t n = s.batch.size();
    auto shape = latent->latent_space().space.event;
    shape.insert(shape.begin(), n);
    const Condition rest = s.batch.c.slice(1, n);
    const Tensor x = s.batch.x.clone().requires_grad_(true);
    const Posterior q = latent->encode(x, s.batch.c, Rng(3));
    if (q.mean.sizes() != at::IntArrayRef(shape)) return "latents are not shaped as their space";
    if (q.std.defined() && (q.std.sizes() != q.mean.sizes() || !(q.std >= 0).all().item<bool>()))
        return "the deviations of latents are no deviations of them";
    const Tensor g = torch::autograd::grad({q.mean.square().sum()}, {x}, {}, {}, false, true)[0];
    if (!g.defined() || g.abs().sum().item<double>() == 0) return "not differentiable in x";
    const at::NoGradGuard no_grad;
    if (apart(q.mean.slice(0, 1),
              latent->encode(s.batch.x.slice(0, 1), rest, Rng(3).rows_from(1)).mean) > 1e-4)
        return "latents depend on the rows around them";
    const Tensor y = latent->decode(q.mean, s.batch.c, Rng(4));
    if (y.sizes() != s.batch.x.sizes()) return "decoded items are not shaped as the data";
    if (!q.mean.isfinite().all().item<bool>() || !y.isfinite().all().item<bool>())
        return "latents or what they decode to are not finite";
    if (!at::equal(y, latent->decode(q.mean, s.batch.c, Rng(4))))
        return "decoding again gave other bits";
    if (apart(y.slice(0, 1), latent->decode(q.mean.slice(0, 1), rest, Rng(4).rows_from(1))) > 1e-4)
        return "decoded items depend on the rows around them";
    return "";
}

std::string drafts(const LawSubject& s) {
    const auto model = moved(s);
    if (!model->denoiser()) return "";
    const std::int64_t n = s.batch.size();
    SampleRequest request = request_of(s, 0, n);
    const Tensor plain = model->sample(request, Rng(7)).x;
    request.draft.x = s.batch.x;
    if (apart(plain, model->sample(request, Rng(7)).x) > 1e-4)
        return "a draft of strength 1 changes the samples";
    request.draft.strength = 0.5;
    if (at::equal(plain, model->sample(request, Rng(7)).x)) return "a draft changes nothing";
    request.draft.keep = at::full(s.batch.x.sizes().slice(1), true, at::kBool);
    if (!at::equal(s.batch.x, model->sample(request, Rng(7)).x)) return "what is kept changed";
    return "";
}

}  // namespace

const std::vector<Law>& laws() {
    static const std::vector<Law> all = {
        {"the loss reaches every parameter and is a function of its inputs", gradients},
        {"samples are shaped, finite, seeded, and leave the model alone", samples},
        {"weights move between models by name", saving},
        {"allowed types of computation agree", types},
        {"a denoiser answers row by row", denoising},
        {"a classifier answers row by row", classifying},
        {"an exact density answers row by row", density},
        {"symbols are said knowing those before, at once or one after another", sequential},
        {"latents are shaped, finite, and made row by row, both ways", latents},
        {"samples heed the draft that they begin from, and keep what is kept", drafts},
    };
    return all;
}

std::vector<std::string> broken_laws(const LawSubject& subject) {
    std::vector<std::string> all;
    for (const Law& law : laws())
        if (const std::string why = law.broken(subject); !why.empty())
            all.push_back(law.name + ": " + why);
    return all;
}

}  // namespace pushforward

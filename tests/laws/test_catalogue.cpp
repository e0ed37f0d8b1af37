// Every model of the catalogue, with each of its networks and objectives, against the laws.
#include "pushforward/base/errors.hpp"
#include "pushforward/families/autoregressive/models.hpp"
#include "pushforward/families/catalogue.hpp"
#include "pushforward/families/classifier/classifier.hpp"
#include "pushforward/families/diffusion/gaussian.hpp"
#include "pushforward/families/flow/models.hpp"
#include "pushforward/nn/mlp.hpp"
#include "pushforward/nn/residual_network.hpp"
#include "pushforward/nn/unet.hpp"
#include "pushforward/objectives/consistency.hpp"
#include "pushforward/testing/laws.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/remainder.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

using namespace pushforward;

namespace {

DataSpec images_of(std::int64_t width) {
    return {{Kind::real, {2, 6, width}, 0},
            {{"label", {Kind::symbol, {}, 3}}, {"angle", {Kind::real, {2}, 0}}}};
}

/// Items that a model takes: text, or pictures with an odd side, where it can.
DataSpec items_for(const CatalogueEntry& entry, const Options& options, const Options& sampling) {
    for (const Space& x : {images_of(7).x, images_of(8).x}) try {
            const DataSpec spec{x, images_of(7).conditions};
            entry.make(options, sampling, spec);
            return spec;
        } catch (const UsageError&) {
        }
    return {entry.example, images_of(7).conditions};
}

/// Sentences of different length, longer than what a model sees at once.
Tensor sentences(const Space& x, Rng& rng) {
    constexpr std::int64_t length = 13;
    const Tensor symbols = rng.integers(0, x.symbols - 1, {6, length});
    symbols.select(1, length - 1).fill_(x.end);
    symbols[0].slice(0, 6).fill_(-1);
    symbols[0][5].fill_(x.end);
    return symbols;
}

Batch some(const DataSpec& spec) {
    Rng rng(3);
    std::vector<std::int64_t> shape{6};
    shape.insert(shape.end(), spec.x.event.begin(), spec.x.event.end());
    Batch batch;
    if (spec.x.is_sequence())
        batch.x = sentences(spec.x, rng);
    else
        batch.x = rng.normal(shape).clamp(-1, 1);
    batch.c.value["label"] = at::arange(6, at::kLong).remainder(3);
    batch.c.value["angle"] = rng.normal({6, 2});
    return batch;
}

/// The networks that a model can be made of.
Variant* network_of(Options& options) {
    if (auto* o = dynamic_cast<GaussianOptions*>(&options)) return &o->network;
    if (auto* o = dynamic_cast<ClassifierOptions*>(&options)) return &o->network;
    return nullptr;
}

void shrink(Options& options, Options& sampling, const std::string& network) {
    if (Variant* variant = network_of(options)) {
        variant->select(network);
        if (auto* unet = dynamic_cast<UnetOptions*>(variant->options.get())) {
            unet->channels = 8;
            unet->multipliers = {1, 2};
            unet->blocks = 1;
            unet->attention = {1};
            unet->head_size = 8;
        }
        if (auto* residual = dynamic_cast<ResidualNetworkOptions*>(variant->options.get())) {
            residual->channels = 8;
            residual->multipliers = {1, 2};
        }
        if (auto* mlp = dynamic_cast<MlpOptions*>(variant->options.get())) mlp->width = 32;
    }
    if (auto* o = dynamic_cast<GlowOptions*>(&options)) {
        o->pictures.levels = 1;
        o->transforms = 2;
        o->width = 8;
    }
    if (auto* o = dynamic_cast<RealNvpOptions*>(&options)) {
        o->pictures.levels = 1;
        o->width = 8;
    }
    if (auto* o = dynamic_cast<GptOptions*>(&options)) {
        o->layers = 2;
        o->heads = 4;
        o->width = 16;
        o->context = 8;
    }
    if (auto* o = dynamic_cast<LstmOptions*>(&options)) {
        o->embedding = 8;
        o->width = 16;
        o->layers = 2;
    }
    if (auto* o = dynamic_cast<PixelCnnModelOptions*>(&options)) {
        o->features = 12;
        o->layers = 2;
        o->levels = 8;
    }
    if (auto* o = dynamic_cast<WaveNetModelOptions*>(&options)) {
        o->features = o->skip = 8;
        o->layers = 3;
        o->cycles = 1;
        o->levels = 8;
    }
    if (auto* o = dynamic_cast<MadeModelOptions*>(&options)) o->width = 64;
    if (auto* o = dynamic_cast<SymbolSampling*>(&sampling)) o->length = 13;
    if (auto* o = dynamic_cast<DenoisingSampling*>(&sampling)) o->steps = 4;
}

/// The names of those networks, or one empty name.
std::vector<std::string> networks_of(const CatalogueEntry& entry) {
    const auto options = entry.options();
    const Variant* variant = network_of(*options);
    if (!variant) return {""};
    std::vector<std::string> names;
    for (const auto& a : variant->alternatives) names.push_back(a.name);
    return names;
}

/// Forgets a parameter, and lets items depend on the batch around them: what the laws are for.
class Careless : public Model, public Latent {
public:
    explicit Careless(std::unique_ptr<Model> honest) : honest_(std::move(honest)) {
        honest_->module().register_parameter("forgotten", at::ones({2}));
    }
    const DataSpec& spec() const override { return honest_->spec(); }
    torch::nn::Module& module() override { return honest_->module(); }
    Samples sample(const SampleRequest& request, Rng rng) const override {
        auto all = honest_->sample(request, rng);
        all.x = all.x + static_cast<double>(request.n);  // depends on the batch
        return all;
    }
    const Denoiser* denoiser() const override { return honest_->denoiser(); }
    const Latent* latent() const override { return this; }
    LatentSpace latent_space() const override { return honest_->latent()->latent_space(); }
    Posterior encode(const Tensor& x, const Condition& c, Rng rng) const override {
        return honest_->latent()->encode(x, c, rng);
    }
    Tensor decode(const Tensor& z, const Condition& c, Rng rng) const override {
        return honest_->latent()->decode(z, c, rng) + static_cast<double>(z.size(0));
    }

private:
    std::unique_ptr<Model> honest_;
};

LawSubject subject(const CatalogueEntry& entry, const std::string& network,
                   const std::string& objective) {
    LawSubject s;
    const auto small = [&entry, network](const auto& use) {
        const auto options = entry.options(), sampling = entry.sample_options();
        shrink(*options, *sampling, network);
        return use(*options, *sampling);
    };
    const DataSpec images = small([&](const Options& options, const Options& sampling) {
        return items_for(entry, options, sampling);
    });
    s.batch = some(images);
    s.make = [&entry, small, images] {
        return small([&](const Options& options, const Options& sampling) {
            return entry.make(options, sampling, images);
        });
    };
    // models of symbols take what symbols stand for
    if (const auto model = s.make(); model->sequential() && !images.x.is_sequence()) {
        Rng rng(4);
        s.batch.x = model->sequential()->to_items(rng.integers(
            0, model->sequential()->symbols(), {s.batch.size(), images.x.dimensions()}));
    }
    const auto& made = objective_entry(objective);
    const auto how = made.options();
    if (auto* o = dynamic_cast<ConsistencyOptions*>(how.get())) {
        o->teacher = "memory";
        s.teacher = s.make();
    }
    s.objective = made.make(*how);
    return s;
}

}  // namespace

TEST_CASE("every model of the catalogue obeys the laws") {
    for (const auto& entry : catalogue())
        for (const auto& objective : entry.objectives)
            for (const std::string& network : networks_of(entry)) {
                CAPTURE(entry.name);
                CAPTURE(network);
                for (const std::string& broken : broken_laws(subject(entry, network, objective)))
                    FAIL_CHECK(broken);
            }
}

TEST_CASE("the laws find a model that breaks them") {
    LawSubject s = subject(catalogue_entry("ddpm"), "mlp", "denoising");
    const auto honest = s.make;
    s.make = [honest]() -> std::unique_ptr<Model> { return std::make_unique<Careless>(honest()); };
    const auto broken = broken_laws(s);
    REQUIRE(broken.size() == 4);
    CHECK(broken[0] ==
          "the loss reaches every parameter and is a function of its inputs: the loss does not "
          "reach forgotten");
    CHECK(broken[1] ==
          "samples are shaped, finite, seeded, and leave the model alone: sample i depends on more "
          "than the seed and i");
    CHECK(broken[2] ==
          "latents are shaped, finite, and made row by row, both ways: decoded items depend on the "
          "rows around them");
    CHECK(broken[3] ==
          "samples heed the draft that they begin from, and keep what is kept: what is kept "
          "changed");
}

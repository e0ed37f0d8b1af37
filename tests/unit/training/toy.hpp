#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/training/trainer.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/linspace.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>

namespace pushforward::toy {

namespace fs = std::filesystem;

/// A folder that is gone after the test.
struct Folder {
    fs::path path;
    explicit Folder(const std::string& name)
        : path(fs::temp_directory_path() / text("pushforward-", name, "-", ::getpid())) {
        fs::remove_all(path);
        fs::create_directories(path);
    }
    ~Folder() { fs::remove_all(path); }
};

struct Net : torch::nn::Module {
    Tensor w, b, unused_buffer;
    explicit Net(at::ScalarType type = at::kFloat) {
        w = register_parameter("w", torch::linspace(-1, 1, 6, type).reshape({3, 2}));
        b = register_parameter("b", torch::zeros({3}, type));
        unused_buffer = register_buffer("count", torch::zeros({1}, at::kLong));
    }
};

/// x [B, 2] -> w x + b. No capability but being trained.
class Toy : public Model {
public:
    explicit Toy(at::ScalarType type = at::kFloat) : net(std::make_shared<Net>(type)) {
        spec_.x.event = {2};
    }
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return *net; }
    Samples sample(const SampleRequest& r, Rng rng) const override {
        return {.x = rng.normal({r.n, 2})};
    }
    std::shared_ptr<Net> net;

private:
    DataSpec spec_;
};

/// The mean of |w (x + noise) + b - target|² with noise by row: depends on everything that a
/// resumed training must restore.
inline Player player(Toy& toy, double noise = 0.3) {
    Player p;
    p.name = "toy";
    p.groups = {{{{"w", toy.net->w}, {"b", toy.net->b}}}};
    p.loss = [net = toy.net, noise](const Batch& batch, const Step& step) {
        Rng rng = step.rng;
        const auto eps = rng.normal(batch.x.sizes(), batch.x.scalar_type());
        const auto y = (batch.x + noise * eps).matmul(net->w.t()) + net->b;
        const auto target = torch::cat({batch.x, batch.x.sum(1, true)}, 1);
        const auto error = (y - target).square().mean();
        return Loss{error, {{"bias", net->b.abs().mean()}}};
    };
    return p;
}

inline std::function<Batch(std::int64_t)> batches(std::int64_t rows,
                                                  at::ScalarType type = at::kFloat) {
    return [=](std::int64_t k) {
        Batch b;
        b.x = Rng(7).split(static_cast<std::uint64_t>(k)).normal({rows, 2}, type);
        return b;
    };
}

inline Training training(Toy& toy, std::int64_t steps) {
    Training t;
    t.model = &toy;
    t.players = {player(toy)};
    t.options.steps = steps;
    t.options.batch = 8;
    t.options.learning_rate = 0.02;
    t.options.schedule = ScheduleKind::cosine;
    t.options.warmup = 3;
    t.options.ema_half_life = 4;
    t.options.log_every = 1;
    t.options.checkpoint_every = 5;
    t.options.validate_every = 0;
    t.options.sample_every = 0;
    t.batch = batches(8);
    t.identity.seed = 5;
    return t;
}

/// What a TrainingLog heard.
struct Heard : TrainingLog {
    std::vector<StepReport> steps;
    std::vector<ValidationReport> validations;
    std::vector<std::int64_t> checkpoints, pictures;
    std::vector<std::string> warnings;
    void on_step(const StepReport& r) override { steps.push_back(r); }
    void on_validation(const ValidationReport& r) override { validations.push_back(r); }
    void on_samples(std::int64_t step, const std::string&) override { pictures.push_back(step); }
    void on_checkpoint(std::int64_t step, const fs::path&) override { checkpoints.push_back(step); }
    void on_warning(const std::string& m) override { warnings.push_back(m); }
};

inline bool same(const NamedTensors& a, const NamedTensors& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [name, t] : a)
        if (!b.contains(name) || !t.equal(b.at(name))) return false;
    return true;
}

inline NamedTensors copy_of(const NamedTensors& a) {
    NamedTensors out;
    for (const auto& [name, t] : a) out[name] = t.detach().clone();
    return out;
}

inline std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void spit(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// The message of the error of type E that f throws; "" when it throws none.
template <class E, class F>
std::string message_of(F f) {
    try {
        f();
    } catch (const E& e) {
        return e.what();
    }
    return "";
}

}  // namespace pushforward::toy

#include "tests/unit/training/toy.hpp"

#include <cmath>

namespace pushforward {
using namespace toy;

TEST_CASE("training lowers the loss and leaves averaged weights") {
    Toy toy;
    Heard heard;
    auto t = training(toy, 300);
    t.logs = {&heard};
    const auto summary = Trainer(t).run();
    CHECK(heard.steps.size() == 300);
    CHECK(heard.steps.back().terms.front().second < 0.3 * heard.steps.front().terms.front().second);
    CHECK(heard.steps.back().terms.at(1).first == "bias");
    CHECK(heard.steps.back().samples == 2400);
    CHECK(summary.parameters == 9);
    CHECK(summary.peak_memory_bytes > 1 << 20);
    CHECK(summary.step == 300);
    CHECK(summary.end == TrainingSummary::End::steps);
}

TEST_CASE("what the model is left with is the mean that the half-life says") {
    Toy toy;
    auto t = training(toy, 6);
    struct Weights : TrainingLog {
        std::shared_ptr<Net> net;
        std::vector<Tensor> seen;
        void on_step(const StepReport&) override { seen.push_back(net->w.detach().clone()); }
    } log;
    log.net = toy.net;
    t.logs = {&log};
    Trainer(t).run();
    auto sum = torch::zeros({3, 2});
    double weight = 0;
    for (const auto& w : log.seen) {
        const double d = std::exp2(-1.0 / 4);
        sum = sum * d + w;
        weight = weight * d + 1;
    }
    CHECK(torch::allclose(toy.net->w, sum / weight, 1e-5, 1e-6));
}

TEST_CASE("k pieces of B/k rows make the gradient of B") {
    auto weights_after = [](std::int64_t pieces) {
        Toy toy(at::kDouble);
        auto t = training(toy, 5);
        t.options.accumulate = pieces;
        t.batch = batches(8, at::kDouble);
        Trainer(t).run();
        return toy.net->w.detach().clone();
    };
    const auto whole = weights_after(1);
    for (std::int64_t pieces : {2, 3, 8})
        CHECK(torch::allclose(weights_after(pieces), whole, 1e-12, 1e-13));
}

TEST_CASE("clipping: the update sees a gradient of at most that norm") {
    // Adam forgets a constant factor but for epsilon; with a huge epsilon the step is linear in g.
    auto moved = [](double clip) {
        Toy toy(at::kDouble);
        auto t = training(toy, 1);
        t.batch = batches(8, at::kDouble);
        t.options.clip = clip;
        t.options.epsilon = 1e6;
        t.options.warmup = 0;
        Heard heard;
        t.logs = {&heard};
        const auto before = toy.net->w.detach().clone();
        Trainer(t).run();
        const double norm = heard.steps.front().gradient_norm;
        return std::pair{(toy.net->w - before).norm().item<double>(), norm};
    };
    const auto [free, norm] = moved(0);
    CHECK(moved(norm / 4).first / free == doctest::Approx(0.25).epsilon(1e-5));
    CHECK(moved(norm * 2).first / free == doctest::Approx(1));
    CHECK(moved(norm / 4).second == doctest::Approx(norm));
}

TEST_CASE("players must be disjoint and cover every parameter") {
    Toy toy;
    auto t = training(toy, 1);
    auto refused = [&] { return message_of<UsageError>([&] { Trainer{t}; }); };
    t.players[0].groups[0].parameters.pop_back();
    CHECK(
        refused() ==
        "trainer: expected a player for every parameter that requires a gradient, got none for b");
    toy.net->b.set_requires_grad(false);
    CHECK(refused() == "");
    toy.net->b.set_requires_grad(true);
    t.players = {player(toy), player(toy)};
    t.players[1].name = "second";
    CHECK(refused() ==
          "trainer: expected players without a parameter in common, got w of both toy and second");
    // A player's own network may live outside the model, under a name of its own.
    Toy critic;
    t.players = {player(toy), player(critic)};
    t.players[1].name = "critic";
    CHECK(refused() == "trainer: expected parameters of different names, got two named w");
    t.players[1].groups = {{{{"critic.w", critic.net->w}, {"count", critic.net->b}}}};
    CHECK(refused() ==
          "trainer: expected one tensor of each name, got a player's parameter and the model's, "
          "both named count");
    t.players[1].groups = {{{{"critic.w", critic.net->w}, {"critic.b", critic.net->b}}}};
    CHECK(refused() == "");
    t.players.clear();
    CHECK(refused() == "trainer: expected at least one player, got none");
}

TEST_CASE("a game: opponents are frozen, turns and pauses are kept") {
    Toy toy;
    struct Seen {
        int calls = 0;
        bool own = true, other = false;
        std::vector<const void*> batches;
    } seen[2];
    auto make = [&](const std::string& name, int i, Tensor own, Tensor other) {
        Player p;
        p.name = name;
        p.groups = {{{{name, own}}}};
        p.loss = [&seen, i, own, other](const Batch& b, const Step&) {
            ++seen[i].calls;
            seen[i].own &= own.requires_grad();
            seen[i].other |= other.requires_grad();
            seen[i].batches.push_back(b.x.const_data_ptr());
            return Loss{(own.sum() * other.sum() + own.square().sum()) * b.x.mean()};
        };
        return p;
    };
    auto t = training(toy, 4);
    t.players = {make("w", 0, toy.net->w, toy.net->b), make("b", 1, toy.net->b, toy.net->w)};
    t.players[0].turns = 2;
    t.players[1].every = 2;
    t.players[1].fresh_batch = false;
    Heard heard;
    t.logs = {&heard};
    Trainer(t).run();
    CHECK(seen[0].calls == 8);
    CHECK(seen[1].calls == 2);
    for (const auto& s : seen) {
        CHECK(s.own);
        CHECK_FALSE(s.other);
    }
    CHECK(seen[1].batches[0] == seen[0].batches[1]);  // reuses the last batch
    CHECK(heard.steps[0].terms.at(0).first == "loss/w");
    CHECK(heard.steps[0].terms.at(1).first == "loss/b");
    CHECK(heard.steps[1].terms.size() == 1);
    CHECK(heard.steps[3].samples == 64);
    CHECK(toy.net->w.requires_grad());
}

TEST_CASE("a non-finite loss or gradient stops with status 4 and names the last good checkpoint") {
    Folder folder("diverge");
    for (const bool gradient_only : {false, true}) {
        CAPTURE(gradient_only);
        Toy toy;
        Checkpoints checkpoints(folder.path / (gradient_only ? "g" : "l"), 2);
        auto t = training(toy, 20);
        t.checkpoints = &checkpoints;
        const auto loss = t.players[0].loss;
        t.players[0].loss = [=, net = toy.net](const Batch& b, const Step& s) {
            auto l = loss(b, s);
            // d sqrt(x) / dx is infinite at 0, where sqrt(x) is finite.
            if (s.step == 12)
                l.value = gradient_only ? l.value + (net->w * 0).sum().sqrt() : l.value * NAN;
            return l;
        };
        try {
            Trainer(t).run();
            FAIL("no error");
        } catch (const NumericalError& e) {
            CHECK(e.status() == 4);
            const std::string message = e.what();
            CAPTURE(message);
            CHECK(message.find("diverged at step 13") == 0);
            CHECK(message.find(checkpoints.path(10).string()) != std::string::npos);
            CHECK(message.find(gradient_only ? "norm is nan, loss " : "loss nan") !=
                  std::string::npos);
        }
        CHECK(checkpoints.latest()->state.step == 10);
        CHECK(checkpoints.latest()->weights.at("w").isfinite().all().item<bool>());
        CHECK(toy.net->w.isfinite().all().item<bool>());
    }
}

TEST_CASE("weights that overflowed are never written") {
    Folder folder("overflow");
    Toy toy;
    Checkpoints checkpoints(folder.path, 2);
    auto t = training(toy, 5);
    t.checkpoints = &checkpoints;
    t.options.learning_rate = 1e39;  // beyond float32
    t.options.warmup = 0;
    t.options.checkpoint_every = 1;
    CHECK(message_of<NumericalError>([&] { Trainer(t).run(); }).find("is not finite") !=
          std::string::npos);
    CHECK(checkpoints.steps().empty());
}

TEST_CASE("validation: averaged weights, the same noise each time, early stop, the best weights") {
    Folder folder("patience");
    Toy toy;
    Checkpoints checkpoints(folder.path, 1);
    Heard heard;
    auto t = training(toy, 100);
    t.checkpoints = &checkpoints;
    t.logs = {&heard};
    t.options.learning_rate = 1e-12;  // the weights stay: only the noise could change the loss
    t.options.validate_every = 2;
    t.validation = batches(16);
    t.validation_batches = 3;
    Trainer(t).run();
    CHECK(heard.validations.size() == 50);
    for (const auto& v : heard.validations)
        CHECK(v.loss == doctest::Approx(heard.validations[0].loss).epsilon(1e-6));

    // A loss that is best after the second validation.
    Toy other;
    Heard second;
    Checkpoints fresh(folder.path / "second", 1);
    auto u = training(other, 100);
    u.checkpoints = &fresh;
    u.logs = {&second};
    u.options.validate_every = 3;
    u.options.checkpoint_every = 0;
    u.options.patience = 4;
    u.validation = batches(4);
    u.validation_batches = 1;
    const auto loss = u.players[0].loss;
    u.players[0].loss = [=](const Batch& b, const Step& s) {
        auto l = loss(b, s);
        if (b.size() == 4) l.value = l.value * 0 + std::abs(static_cast<double>(s.step) - 6);
        return l;
    };
    const auto summary = Trainer(u).run();
    CHECK(summary.end == TrainingSummary::End::patience);
    CHECK(summary.step == 18);
    CHECK(summary.best_step == 6);
    CHECK(*summary.best_loss == 0);
    CHECK(fresh.steps() == std::vector<std::int64_t>{6, 18});
    CHECK(
        same({{"w", other.net->w}, {"b", other.net->b}}, Checkpoints::read(fresh.path(6)).average));
    const auto good = folder.path / "good";
    fs::copy_file(fresh.path(6) / "weights.safetensors", good);
    // Without the best checkpoint the last weights are left, and it is said.
    {
        spit(fresh.path(6) / "weights.safetensors", "");
        Toy again;
        u.model = &again;
        u.players = {player(again)};
        Trainer resumed(u);
        CHECK(resumed.resume());
        resumed.run();
        CHECK(second.warnings.at(0).find("the best weights are lost") == 0);
        CHECK(again.net->w.equal(fresh.latest()->average.at("w")));
        fs::copy_file(good, fresh.path(6) / "weights.safetensors",
                      fs::copy_options::overwrite_existing);
    }
    // A finished training has nothing left to do.
    Toy again;
    u.model = &again;
    u.players = {player(again)};
    second.steps.clear();
    Trainer resumed(u);
    CHECK(resumed.resume());
    CHECK(resumed.finished());
    resumed.run();
    CHECK(second.steps.empty());
    CHECK(again.net->w.equal(other.net->w));
}

TEST_CASE("pictures and validation: averaged weights, eval mode, when they are due") {
    Toy toy;
    Heard heard;
    auto t = training(toy, 7);
    t.options.sample_every = 3;
    t.logs = {&heard};
    t.draw = [&](std::int64_t step) {
        CHECK_FALSE(toy.net->is_training());
        return step == 6 ? "" : "png";
    };
    Tensor drawn_with, validated_with;
    const auto draw = t.draw;
    t.draw = [&](std::int64_t step) {
        drawn_with = toy.net->w.detach().clone();
        return draw(step);
    };
    t.options.validate_every = 7;
    t.validation = batches(16);
    t.validation_batches = 1;
    const auto loss = t.players[0].loss;
    t.players[0].loss = [&, loss](const Batch& b, const Step& s) {
        if (b.size() == 16) validated_with = toy.net->w.detach().clone();
        return loss(b, s);
    };
    Trainer(t).run();
    CHECK(heard.pictures == std::vector<std::int64_t>{3, 7});
    // The last picture and the last validation are of the weights that are left.
    CHECK(drawn_with.equal(toy.net->w));
    CHECK(validated_with.equal(toy.net->w));
}

TEST_CASE("a signal or the time limit: the step is finished, a checkpoint written") {
    Folder folder("signal");
    Toy toy;
    Checkpoints checkpoints(folder.path, 2);
    std::atomic<int> stop = 0;
    auto t = training(toy, 50);
    t.checkpoints = &checkpoints;
    t.stop = &stop;
    t.how_to_resume = "train toy --resume";
    const auto loss = t.players[0].loss;
    t.players[0].loss = [&, loss](const Batch& b, const Step& s) {
        if (s.step == 6) stop = 15;
        return loss(b, s);
    };
    try {
        Trainer(t).run();
        FAIL("no error");
    } catch (const Interrupted& e) {
        CHECK(e.status() == 143);
        CHECK(std::string(e.what()).find("interrupted after step 7 of 50") == 0);
        CHECK(std::string(e.what()).find("train toy --resume") != std::string::npos);
    }
    CHECK(checkpoints.latest()->state.step == 7);
    t.players[0].loss = loss;
    t.stop = nullptr;
    t.max_seconds = 1e-9;
    const auto summary = Trainer(t).run();
    CHECK(summary.end == TrainingSummary::End::time);
    CHECK(summary.step == 1);
}

}  // namespace pushforward

#include "tests/unit/training/toy.hpp"

#include "pushforward/base/json.hpp"
#include "pushforward/training/run_log.hpp"

#include <sys/mount.h>

#include <sstream>

namespace pushforward {
using namespace toy;

namespace {

/// Some checkpoint of `step`.
Checkpoint checkpoint_of(std::int64_t step, std::int64_t floats = 100) {
    Checkpoint c;
    c.state.step = step;
    c.state.samples = 8 * step;
    c.state.last_terms = {{"loss", 0.1}};
    c.state.identity.seed = ~std::uint64_t{0};
    c.weights["w"] = torch::full({floats}, static_cast<double>(step));
    c.average["w"] = torch::ones({floats});
    c.optimiser["toy/updates"] = torch::tensor({step}, at::kLong);
    return c;
}

/// metrics.jsonl without the times.
std::string timeless(const fs::path& file) {
    std::istringstream in(slurp(file));
    std::string out;
    for (std::string line; std::getline(in, line);) {
        auto value = parse_json(line, file.string());
        value.get_object().erase("seconds");
        out += to_json(value) + "\n";
    }
    return out;
}

struct Outcome {
    Checkpoint last;
    NamedTensors left;  ///< in the model
    std::string metrics;
};

/// Trains 20 steps in the folder, stopped after each of the steps in `stops`.
Outcome train_in(const fs::path& folder, std::vector<std::int64_t> stops) {
    stops.push_back(-1);
    for (const auto stop : stops) {
        Toy toy;
        auto run = RunFolder::create(folder, "toy", RunFolder::Existing::resume);
        Checkpoints checkpoints(run.checkpoints(), 2);
        RunLog log(run);
        auto t = training(toy, 20);
        t.checkpoints = &checkpoints;
        t.logs = {&log};
        t.options.validate_every = 4;
        t.validation = batches(16);
        t.validation_batches = 2;
        std::atomic<int> flag = 0;
        t.stop = &flag;
        const auto loss = t.players[0].loss;
        t.players[0].loss = [&, loss](const Batch& b, const Step& s) {
            if (s.step + 1 == stop) flag = 2;
            return loss(b, s);
        };
        Trainer trainer(t);
        trainer.resume();
        try {
            trainer.run();
        } catch (const Interrupted&) {
            continue;
        }
        return {*checkpoints.latest(), copy_of(weights_of(*toy.net)), timeless(run.metrics())};
    }
    return {};
}

}  // namespace

TEST_CASE("resuming is exact: weights, optimiser, average, state and metrics to the last bit") {
    Folder folder("resume");
    const auto whole = train_in(folder.path / "whole", {});
    const auto parts = train_in(folder.path / "parts", {3, 10, 17});
    CHECK(same(whole.last.weights, parts.last.weights));
    CHECK(same(whole.last.average, parts.last.average));
    CHECK(same(whole.last.optimiser, parts.last.optimiser));
    CHECK(same(whole.left, parts.left));
    CHECK(whole.last.state.batches == 20);
    CHECK(parts.last.state.batches == 20);
    CHECK(whole.last.state.best_loss == parts.last.state.best_loss);
    CHECK(whole.last.state.best_step == parts.last.state.best_step);
    CHECK(whole.metrics == parts.metrics);
    CHECK(std::count(whole.metrics.begin(), whole.metrics.end(), '\n') == 25);
}

TEST_CASE("killed after the checkpoint, metrics.jsonl is cut back to it") {
    Folder folder("cut");
    const auto whole = train_in(folder.path, {});
    fs::remove_all(folder.path / "checkpoints" / "step-20");
    fs::remove(folder.path / "model.safetensors");
    spit(folder.path / "metrics.jsonl",
         slurp(folder.path / "metrics.jsonl") + "{\"step\": 21, \"lo");
    const auto again = train_in(folder.path, {});
    CHECK(again.metrics == whole.metrics);
    CHECK(same(whole.last.weights, again.last.weights));
}

TEST_CASE("a checkpoint comes back as it was") {
    Folder folder("roundtrip");
    Checkpoints all(folder.path, 2);
    auto c = checkpoint_of(7);
    c.state.best_loss = 0.1 + 0.2;
    c.state.best_step = 5;
    c.state.worse = 3;
    c.state.seconds = 1e-9;
    c.state.stopped_early = true;
    c.state.identity = {"hash", "print", ~std::uint64_t{0} - 1, "bfloat16", "cuda", 4};
    all.save(c);
    const auto back = all.latest();
    REQUIRE(back);
    CHECK(same(back->weights, c.weights));
    CHECK(same(back->average, c.average));
    CHECK(same(back->optimiser, c.optimiser));
    CHECK(back->state.best_loss == c.state.best_loss);
    CHECK(back->state.best_step == 5);
    CHECK(back->state.worse == 3);
    CHECK(back->state.seconds == 1e-9);
    CHECK(back->state.samples == 56);
    CHECK(back->state.stopped_early);
    CHECK(back->state.last_terms == c.state.last_terms);
    CHECK(back->state.identity.seed == c.state.identity.seed);
    CHECK(back->state.identity.precision == "bfloat16");
    CHECK(back->state.identity.threads == 4);
}

TEST_CASE("the newest checkpoints and the best are kept; left-overs of a kill are removed") {
    Folder folder("keep");
    fs::create_directories(folder.path / "step-9.tmp");
    Checkpoints all(folder.path, 2);
    CHECK_FALSE(fs::exists(folder.path / "step-9.tmp"));
    CHECK_FALSE(all.latest());
    for (std::int64_t step : {1, 2, 3, 4, 5}) {
        auto c = checkpoint_of(step);
        c.state.best_loss = 1;
        c.state.best_step = 2;
        all.save(c);
    }
    CHECK(all.steps() == std::vector<std::int64_t>{2, 4, 5});
}

TEST_CASE("any flipped bit and any cut is found, and the checkpoint before it is used") {
    Folder folder("damage");
    std::vector<std::string> warnings;
    Checkpoints all(folder.path, 3, [&](const std::string& w) { warnings.push_back(w); });
    all.save(checkpoint_of(1));
    const auto newest = all.save(checkpoint_of(2));
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(newest)) files.push_back(entry.path());
    CHECK(files.size() == 5);
    for (const auto& file : files) {
        CAPTURE(file.string());
        const auto good = slurp(file);
        auto damaged = [&](const std::string& bytes) {
            warnings.clear();
            spit(file, bytes);
            const auto message = message_of<DataError>([&] { Checkpoints::read(newest); });
            CHECK(message.find(file.filename().string()) != std::string::npos);
            REQUIRE(all.latest());
            CHECK(all.latest()->state.step == 1);
            CHECK(warnings.at(0).find("the checkpoint before it is used") != std::string::npos);
        };
        for (std::size_t k = 0; k < 40; ++k) {
            auto bytes = good;
            const auto at = k * (good.size() - 1) / 39;
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << (k % 8)));
            damaged(bytes);
        }
        for (std::size_t length : {std::size_t{0}, good.size() / 2, good.size() - 1})
            damaged(good.substr(0, length));
        damaged(good + "x");
        if (file.filename() != "manifest.json")
            CHECK(message_of<DataError>([&] { Checkpoints::read(newest); }).find("cut short") !=
                  std::string::npos);
        fs::remove(file);
        CHECK(all.latest()->state.step == 1);
        spit(file, good);
        CHECK(all.latest()->state.step == 2);
    }
    spit(folder.path / "step-1" / "state.json", "");
    spit(folder.path / "step-2" / "manifest.json", "{}");
    CHECK(message_of<DataError>([&] { all.latest(); }).find("no checkpoint is readable") !=
          std::string::npos);
}

TEST_CASE(
    "other recipes, seeds, precisions and data are refused on resume; threads are warned of") {
    Folder folder("identity");
    Checkpoints checkpoints(folder.path, 1);
    Toy toy;
    auto t = training(toy, 5);
    t.checkpoints = &checkpoints;
    t.identity = {"recipe", "data", 1, "float32", "cpu", 1};
    Trainer(t).run();
    Heard heard;
    t.logs = {&heard};
    auto refusal = [&](auto change) {
        auto other = t;
        change(other.identity);
        std::string message;
        try {
            Trainer(other).resume();
        } catch (const Error& e) {
            message = text(e.status(), ' ', e.what());
        }
        return message;
    };
    CHECK(refusal([](RunIdentity& i) { i.recipe_hash = "x"; })
              .find("2 --resume: expected the "
                    "recipe") == 0);
    CHECK(refusal([](RunIdentity& i) { i.seed = 2; }) ==
          "2 --resume: expected the seed that the run began with, 1, got 2");
    CHECK(refusal([](RunIdentity& i) { i.precision = "bfloat16"; }) ==
          "2 --resume: expected the precision that the run began with, float32, got bfloat16");
    CHECK(refusal([](RunIdentity& i) { i.data_fingerprint = "x"; }).find("3 ") == 0);
    CHECK(heard.warnings.empty());
    CHECK(refusal([](RunIdentity& i) { i.threads = 2; }) == "");
    CHECK(heard.warnings.at(0).find("the run began with threads 1, it goes on with 2") == 0);
}

TEST_CASE("another model's weights are refused with the tensor's name") {
    Toy toy;
    auto weights = copy_of(weights_of(*toy.net));
    const auto before = toy.net->w.detach().clone();
    auto refusal = [&](const NamedTensors& from) {
        return message_of<DataError>([&] { copy_tensors(weights_of(*toy.net), from, "file"); });
    };
    weights["w"] = torch::zeros({3, 2});
    weights["b"] = torch::zeros({4});
    CHECK(refusal(weights) == "file: b: expected Float [3], got Float [4]");
    CHECK(toy.net->w.equal(before));
    weights["b"] = torch::zeros({3}, at::kDouble);
    CHECK(refusal(weights) == "file: b: expected Float [3], got Double [3]");
    weights.erase("b");
    CHECK(refusal(weights) == "file: b: the tensor is missing");
    weights["b"] = torch::zeros({3});
    weights["c"] = torch::zeros({3});
    CHECK(refusal(weights) == "file: c: this model has no such tensor");
    weights.erase("c");
    CHECK(refusal(weights) == "");
    CHECK(toy.net->w.equal(torch::zeros({3, 2})));
}

TEST_CASE("a full disk: status 5, the bytes needed, and the checkpoints before stay whole") {
    Folder folder("full");
    if (mount("none", folder.path.c_str(), "tmpfs", 0, "size=3m") != 0) {
        MESSAGE("skipped: mounting a tmpfs is not permitted");
        return;
    }
    {
        Checkpoints all(folder.path, 5);
        all.save(checkpoint_of(1, 100000));
        const auto message = message_of<StorageError>([&] { all.save(checkpoint_of(2, 1000000)); });
        CHECK(message.find("a checkpoint needs 9") != std::string::npos);
        CHECK(all.steps() == std::vector<std::int64_t>{1});
        CHECK(all.latest()->state.step == 1);
        // Room by the figures, but not when it comes to writing: another writer takes it.
        spit(folder.path / "filler", std::string(1100000, 'x'));
        bool failed = false;
        try {
            all.save(checkpoint_of(3, 120000));
        } catch (const StorageError&) {
            failed = true;
        }
        CHECK(failed);
        CHECK(all.steps() == std::vector<std::int64_t>{1});
        CHECK_FALSE(fs::exists(folder.path / "step-3.tmp"));
    }
    umount(folder.path.c_str());
}

TEST_CASE("run folders: new names, existing runs, foreign folders") {
    Folder folder("runs");
    const auto before = fs::current_path();
    fs::current_path(folder.path);
    using Existing = RunFolder::Existing;
    CHECK(RunFolder::create("", "glyphs", Existing::refuse).path() == "runs/glyphs-001");
    CHECK(RunFolder::create("", "glyphs", Existing::refuse).path() == "runs/glyphs-002");
    const auto run = RunFolder::create("mine", "glyphs", Existing::refuse);
    CHECK(message_of<DataError>([&] { RunFolder::open("mine"); }).find("mine: recipe.toml") == 0);
    CHECK(message_of<DataError>([&] { RunFolder::open("none"); }).find("none: ") == 0);
    spit(run.recipe(), "x");
    spit(run.weights(), "x");
    spit(run.path() / "events.out.tfevents.1", "x");
    spit(run.path() / "notes.txt", "mine");
    CHECK(RunFolder::open("mine").weights() == "mine/model.safetensors");
    const auto refusal =
        message_of<UsageError>([&] { RunFolder::create("mine", "glyphs", Existing::refuse); });
    CHECK(refusal.find("--resume") != std::string::npos);
    CHECK(refusal.find("--overwrite") != std::string::npos);
    RunFolder::create("mine", "glyphs", Existing::resume);
    CHECK(fs::exists(run.recipe()));
    RunFolder::create("mine", "glyphs", Existing::overwrite);
    CHECK_FALSE(fs::exists(run.recipe()));
    CHECK_FALSE(fs::exists(run.path() / "events.out.tfevents.1"));
    CHECK(slurp(run.path() / "notes.txt") == "mine");
    for (auto existing : {Existing::refuse, Existing::resume, Existing::overwrite})
        CHECK(message_of<UsageError>([&] {
                  RunFolder::create("mine", "glyphs", existing);
              }).find("holds something else") != std::string::npos);
    CHECK(message_of<UsageError>([&] {
              RunFolder::create("mine/notes.txt", "", Existing::refuse);
          }).find("which is a file") != std::string::npos);
    spit("plain", "");
    CHECK(message_of<StorageError>([&] { RunFolder::create("plain/run", "", Existing::refuse); }) !=
          "");
    fs::current_path(before);
}

}  // namespace pushforward

#include "tests/unit/training/toy.hpp"

#include "pushforward/training/run_log.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <thread>

namespace pushforward {
using namespace toy;

namespace {

const char* const kVictim = "victim: trains in the folder that PF_VICTIM names";

void train_in(const fs::path& folder) {
    Toy toy;
    auto run = RunFolder::create(folder, "toy", RunFolder::Existing::resume);
    Checkpoints checkpoints(run.checkpoints(), 2);
    RunLog log(run);
    auto t = training(toy, 150);
    t.checkpoints = &checkpoints;
    t.logs = {&log};
    t.options.checkpoint_every = 1;
    Trainer trainer(t);
    trainer.resume();
    trainer.run();
}

/// The newest checkpoint's step as its folder's name says, 0 without any.
std::int64_t newest(const fs::path& run) {
    std::int64_t step = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(run / "checkpoints", none))
        if (entry.path().extension().empty())
            step =
                std::max<std::int64_t>(step, std::stol(entry.path().filename().string().substr(5)));
    return step;
}

pid_t start(const fs::path& run) {
    const auto test = text("--test-case=", kVictim);
    const pid_t child = fork();
    if (child == 0) {
        setenv("PF_VICTIM", run.c_str(), 1);
        setenv("OMP_NUM_THREADS", "1", 1);
        execl("/proc/self/exe", "test", test.c_str(), "--no-skip", "--minimal", nullptr);
        _exit(127);
    }
    return child;
}

bool finished(pid_t child, int flags) {
    int status = 0;
    return waitpid(child, &status, flags) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Kills the training some microseconds after it got `more` steps further. False: it had finished.
bool train_and_kill(const fs::path& run, std::int64_t more, std::int64_t microseconds) {
    const auto goal = newest(run) + more;
    const pid_t child = start(run);
    while (newest(run) < goal) {
        if (finished(child, WNOHANG)) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status);
}

}  // namespace

TEST_CASE("victim: trains in the folder that PF_VICTIM names" * doctest::skip()) {
    const char* folder = std::getenv("PF_VICTIM");
    REQUIRE(folder != nullptr);
    train_in(folder);
}

TEST_CASE("killed at ten moments and resumed: the weights of the uninterrupted run, bit for bit") {
    Folder folder("kill");
    const auto whole = folder.path / "whole", parts = folder.path / "parts";
    REQUIRE(finished(start(whole), 0));
    Rng when(3);
    for (int k = 0; k < 10; ++k) {
        const auto more = static_cast<std::int64_t>(when.bits() % 12);
        CHECK(train_and_kill(parts, more, static_cast<std::int64_t>(when.bits() % 20000)));
        if (newest(parts) > 0) CHECK(Checkpoints(parts / "checkpoints", 2).latest());
    }
    CHECK(newest(parts) < 150);
    REQUIRE(finished(start(parts), 0));
    const auto last = fs::path("checkpoints") / "step-150";
    for (const char* file : {"weights.safetensors", "average.safetensors", "optimiser.safetensors"})
        CHECK(slurp(whole / last / file) == slurp(parts / last / file));
}

}  // namespace pushforward

#include "program.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
}

ScratchFolder::ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pushforward-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Outcome pushforward_program(const std::vector<std::string>& arguments,
                            const std::filesystem::path& folder, double signal_after, int signal) {
    const ScratchFolder scratch;
    const auto out = scratch / "out", err = scratch / "err";
    const pid_t child = fork();
    if (child == 0) {
        std::vector<char*> argv{const_cast<char*>(PF_PROGRAM)};
        for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
        argv.push_back(nullptr);
        const int o = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        const int e = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(o, 1);
        dup2(e, 2);
        if (chdir(folder.c_str()) != 0) _exit(99);
        execv(PF_PROGRAM, argv.data());
        _exit(98);
    }
    if (signal_after > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double>(signal_after));
        kill(child, signal);
    }
    int raw = 0;
    waitpid(child, &raw, 0);
    const int status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 1000 + WTERMSIG(raw);
    return {status, contents(out), contents(err)};
}

std::string tiny_recipe(const std::string& train) {
    return "[data]\nsource = \"sim:ring?n=2000\"\n[model]\nname = \"edm\"\n[model.network]\n"
           "name = \"mlp\"\nwidth = 16\nlayers = 2\n[train]\nbatch = 64\nseed = 1\nthreads = 1\n"
           "validate_every = 10\nsample_every = 20\ncheckpoint_every = 5\n" +
           train + "\n[sample]\nsteps = 4\n[eval]\nn = 200\n";
}

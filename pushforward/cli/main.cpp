#include "pushforward/base/errors.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/cli/common.hpp"

#include <CLI/CLI.hpp>

#include <c10/util/Exception.h>
#include <torch/version.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <limits>
#include <new>

#include <malloc.h>

namespace pushforward {
namespace {

int failed(int status, const std::string& message) {
    std::cerr << "error: " << message << '\n';
    return status;
}

int run(int argc, char** argv) {
    CLI::App program{"Generative models for native code: train, sample, judge.", "pushforward"};
    program.require_subcommand(1);
    program.set_version_flag("--version",
                             text("pushforward ", version(), *commit() ? " (" : "", commit(),
                                  *commit() ? ")" : "", ", LibTorch ", TORCH_VERSION));
    program.footer(
        "`pushforward VERB --help` documents a verb. `pushforward recipes list` shows "
        "what can be trained at once.");
    Common common;
    for (const auto add :
         {add_train, add_sample, add_score, add_compress, add_encode, add_decode, add_interpolate,
          add_eval, add_recipes, add_models, add_info, add_data, add_audit, add_bench, add_doctor})
        add(program, common);
    try {
        program.parse(argc, argv);
        std::cout.flush();
        if (!std::cout) throw StorageError("standard output: could not be written");
        return common.status;
    } catch (const CLI::Success& e) {
        return program.exit(e);
    } catch (const CLI::ParseError& e) {
        return failed(2, std::string(e.what()) + "\nsee `pushforward --help`");
    } catch (const Error& e) {
        return failed(e.status(), e.what());
    } catch (const std::filesystem::filesystem_error& e) {
        return failed(5, e.what());
    } catch (const std::bad_alloc&) {
        return failed(1, "out of memory");
    } catch (const c10::Error& e) {
        return failed(1, e.what_without_backtrace());
    } catch (const std::exception& e) {
        return failed(1, e.what());
    }
}

}  // namespace
}  // namespace pushforward

int main(int argc, char** argv) {
    // LibTorch takes its tensors from malloc, which maps large blocks afresh, page by page, and
    // gives them back at once: kept, they cost no page faults the next time.
    mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
    mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
    std::signal(SIGPIPE, SIG_IGN);
    return pushforward::run(argc, argv);
}

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// What confined work may use.
struct Confines {
    std::uint64_t memory = std::uint64_t{512} << 20;  ///< bytes beyond what the process has mapped
    int processor_seconds = 1;
    int seconds = 30;                                ///< by the clock
    std::uint64_t answer = std::uint64_t{64} << 20;  ///< bytes that it may say
};

using Say = std::function<void(Bytes)>;  ///< what is said by work that succeeds is its answer

struct Confined {
    Buffer said;
    std::string
        failure;  ///< "" when the work was done; else how it ended: "died of signal 11 (...)"
};

/// Does `work` in a forked child that only reaches memory: no file, socket, process or terminal. A
/// library that crashes, hangs or is taken over on hostile bytes takes nothing else with it. The
/// process may have threads, so the work locks nothing that another thread may hold at the fork.
/// Error (1) when no process can be started.
Confined run_confined(const std::function<void(const Say&)>& work, const Confines& confines = {});

}  // namespace pushforward

#include "pushforward/base/confined.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <new>

#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

enum Ending : int { done, no_memory, threw };  // the child's exit status

void limit(decltype(RLIMIT_AS) what, rlim_t soft, rlim_t hard) {
    rlimit now{};
    if (::getrlimit(what, &now) != 0) return;
    now = {std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
    ::setrlimit(what, &now);
}

/// Bytes of address space that this process has mapped; 0 where /proc does not tell.
std::uint64_t mapped_bytes() {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Leaves the system calls that memory, the answer and the end need; the others say EPERM.
void forbid_system_calls() {
#if defined(__x86_64__)
    constexpr std::uint32_t machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    constexpr std::uint32_t machine = AUDIT_ARCH_AARCH64;
#else
    return;
#endif
    constexpr std::uint32_t allowed[] = {
        SYS_write,        SYS_exit,   SYS_exit_group,   SYS_brk,          SYS_mmap,
        SYS_munmap,       SYS_mremap, SYS_madvise,      SYS_mprotect,     SYS_futex,
        SYS_rt_sigreturn, SYS_getpid, SYS_gettimeofday, SYS_clock_gettime};
    constexpr std::size_t count = std::size(allowed);
    std::array<sock_filter, count + 6> filter{};
    filter[0] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
    filter[1] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 1, 0);
    filter[2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter[3] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (std::size_t i = 0; i < count; ++i)
        filter[4 + i] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
                                 static_cast<std::uint8_t>(count - i), 0);
    filter[4 + count] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    filter[5 + count] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);  // a kernel without it has the limits
}

/// The child's life. Its only descriptor is the pipe, so messages of malloc go nowhere.
[[noreturn]] void live(const std::function<void(const Say&)>& work, const Confines& confines,
                       std::uint64_t memory, int pipe, pid_t parent) {
    for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
    // The terminal's signals are for the parent, which then waits no longer than it would anyway.
    for (const int s : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP}) ::signal(s, SIG_IGN);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(threw);
    ::prctl(PR_SET_DUMPABLE, 0);
    ::dup2(pipe, 0);
    ::close_range(1, ~0U, 0);
    const auto seconds = static_cast<rlim_t>(confines.processor_seconds);
    limit(RLIMIT_CPU, seconds, seconds + 1);
    for (const auto what : {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_FSIZE}) limit(what, 0, 0);
    if (memory > 0) limit(RLIMIT_AS, memory, memory);
    forbid_system_calls();
    try {
        work([](Bytes bytes) {
            while (!bytes.empty()) {
                const ssize_t written = ::write(0, bytes.data(), bytes.size());
                if (written <= 0) ::_exit(threw);
                bytes = bytes.subspan(static_cast<std::size_t>(written));
            }
        });
    } catch (const std::bad_alloc&) {
        ::_exit(no_memory);
    } catch (...) {
        ::_exit(threw);
    }
    ::_exit(done);
}

/// Everything up to the end of the pipe; what is wrong, where that does not come.
std::string listen(int pipe, const Confines& confines, Buffer& said) {
    using std::chrono::milliseconds;
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::seconds(confines.seconds);
    constexpr std::size_t step = 1 << 16;
    for (;;) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
        pollfd ready{pipe, POLLIN, 0};
        const int got = ::poll(&ready, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text("gave no answer within ", confines.seconds, " s");
        const std::size_t have = said.size();
        said.resize(have + step);
        const ssize_t read = ::read(pipe, said.data() + have, step);
        said.resize(have + static_cast<std::size_t>(std::max<ssize_t>(read, 0)));
        if (read < 0 && errno == EINTR) continue;
        if (read <= 0) return "";
        if (said.size() > confines.answer)
            return text("said more than ", confines.answer, " bytes");
    }
}

std::string ending_of(int status, const Confines& confines) {
    const auto busy = [&] {
        return text("was busy for more than ", confines.processor_seconds, " s");
    };
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        if (signal == SIGXCPU) return busy();
        return text("died of signal ", signal, " (", ::strsignal(signal), ")");
    }
    switch (WEXITSTATUS(status)) {
        case done:
            return "";
        case no_memory:
            return "ran out of memory";
        default:
            return "gave up";
    }
}

}  // namespace

Confined run_confined(const std::function<void(const Say&)>& work, const Confines& confines) {
    int ends[2];
    const auto fail = [](int error) {
        throw Error(1, text("cannot start a process: ", std::strerror(error)));
    };
    if (::pipe2(ends, O_CLOEXEC) != 0) fail(errno);
    const std::uint64_t mapped = mapped_bytes();
    const pid_t parent = ::getpid(), child = ::fork();
    if (child == 0) live(work, confines, mapped ? mapped + confines.memory : 0, ends[1], parent);
    const int error = errno;
    ::close(ends[1]);
    Confined out;
    if (child > 0) {
        try {
            out.failure = listen(ends[0], confines, out.said);
        } catch (const std::bad_alloc&) {
            out.failure = "said more than memory holds";
        }
    }
    ::close(ends[0]);
    if (child < 0) fail(error);
    // It has ended, is ending, or must: a child that is already on its way out keeps its status.
    ::kill(child, SIGKILL);
    int status = 0;
    pid_t waited;
    while ((waited = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
    }
    // A host that ignores SIGCHLD never learns the status; the answer itself then has to tell.
    if (out.failure.empty() && waited == child) out.failure = ending_of(status, confines);
    return out;
}

}  // namespace pushforward

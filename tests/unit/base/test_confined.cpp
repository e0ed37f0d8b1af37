#include "pushforward/base/confined.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "tests/unit/base/scratch.hpp"

using namespace pushforward;

namespace {

std::string said(const Confined& heard) {
    return std::string(blob_of("", heard.said).text());
}

}  // namespace

TEST_CASE("confined work says its answer and changes nothing here") {
    int mine = 1;
    const Confined heard = run_confined([&](const Say& say) {
        mine = 2;
        say(bytes_of("hello "));
        say(bytes_of(std::string(200'000, 'x')));
    });
    CHECK(heard.failure.empty());
    CHECK(said(heard) == "hello " + std::string(200'000, 'x'));
    CHECK(mine == 1);
}

TEST_CASE("confined work that crashes, hangs, fails or says too much is an ending with a reason") {
    const auto failure = [](const std::function<void(const Say&)>& work, int seconds = 30) {
        Confines confines;
        confines.seconds = seconds;
        confines.answer = 1000;
        confines.memory = 256 << 20;
        return run_confined(work, confines).failure;
    };
    int* volatile nowhere = nullptr;
    CHECK(contains(failure([&](const Say&) { *nowhere = 1; }), "died of signal 11"));
    CHECK(failure([](const Say&) {
              for (volatile int i = 0;;) i = 1 - i;
          }) == "was busy for more than 1 s");
    CHECK(failure(
              [](const Say&) {
                  std::atomic<int> never{0};
                  never.wait(0);
              },
              1) == "gave no answer within 1 s");
    CHECK(failure([](const Say&) { throw 1; }) == "gave up");
    CHECK(failure([](const Say&) { Buffer(std::size_t{300} << 20); }) == "ran out of memory");
    CHECK(failure([](const Say& say) { say(bytes_of(std::string(100'000, 'x'))); }) ==
          "said more than 1000 bytes");
}

TEST_CASE("confined work reaches no file, socket or process") {
    const Scratch scratch;
    std::ofstream(scratch / "here") << "text";
    const int open_here = ::open((scratch / "here").c_str(), O_RDWR);
    REQUIRE(open_here >= 0);
    const bool filters = ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
    if (!filters) MESSAGE("this kernel does not filter system calls");
    const Confined heard = run_confined([&](const Say& say) {
        std::string reached;
        if (::open((scratch / "here").c_str(), O_RDONLY) >= 0) reached += "open ";
        if (::open((scratch / "new").c_str(), O_WRONLY | O_CREAT, 0666) >= 0) reached += "create ";
        if (::write(open_here, "lost", 4) >= 0) reached += "write ";
        if (::socket(AF_INET, SOCK_STREAM, 0) >= 0) reached += "socket ";
        if (!filters) return say(bytes_of(reached));
        if (::unlink((scratch / "here").c_str()) == 0) reached += "unlink ";
        if (::kill(::getppid(), 0) == 0) reached += "kill ";
        if (::fork() >= 0) reached += "fork ";
        say(bytes_of(reached));
    });
    ::close(open_here);
    CHECK(heard.failure.empty());
    CHECK(said(heard) == "");
    std::ifstream in(scratch / "here");
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "text");
}

TEST_CASE("confined work that cannot begin") {
    rlimit files{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
    const rlimit none{0, files.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const std::string why = message_of<Error>([] { run_confined([](const Say&) {}); });
    ::setrlimit(RLIMIT_NOFILE, &files);
    CHECK(why == "cannot start a process: Too many open files");
}

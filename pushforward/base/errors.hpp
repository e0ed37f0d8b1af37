#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace pushforward {

/// What every deliberate failure throws. `status()` is the program's exit status (contract.md).
class Error : public std::runtime_error {
public:
    Error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
    int status() const noexcept { return status_; }

private:
    int status_;
};

/// Wrong usage or recipe, or something this model cannot do. Status 2.
class UsageError : public Error {
public:
    explicit UsageError(const std::string& message) : Error(2, message) {}
};

/// Bad input data or model file: names the file, the place in it, and what was expected. Status 3.
class DataError : public Error {
public:
    DataError(const std::string& file, const std::string& place, const std::string& message)
        : Error(3, file + (place.empty() ? "" : ": " + place) + ": " + message) {}
};

/// The optimisation diverged or a computation gave a non-finite result. Status 4.
class NumericalError : public Error {
public:
    explicit NumericalError(const std::string& message) : Error(4, message) {}
};

/// A full disk, a folder that cannot be written; what was there before is intact. Status 5.
class StorageError : public Error {
public:
    explicit StorageError(const std::string& message) : Error(5, message) {}
};

/// Interrupted by a signal (SIGINT 2, SIGTERM 15); status 128 + signal.
class Interrupted : public Error {
public:
    Interrupted(int signal, const std::string& message) : Error(128 + signal, message) {}
};

/// Text of any streamable values, joined: `text("rows: ", 3)`.
template <class... T>
std::string text(const T&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return out.str();
}

}  // namespace pushforward

/// Refuses a caller's mistake: PF_CHECK(n > 0, "sample", "n of at least 1", n).
#define PF_CHECK(condition, who, expected, ...)                                            \
    do {                                                                                   \
        if (!(condition))                                                                  \
            throw ::pushforward::UsageError(                                               \
                ::pushforward::text(who, ": expected ", expected, ", got ", __VA_ARGS__)); \
    } while (false)

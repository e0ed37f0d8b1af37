#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"

/// A folder of its own for a test, removed at the end.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "pushforward-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
    const std::filesystem::path& path() const { return folder_; }

private:
    std::filesystem::path folder_;
};

/// What `E` says when `action` throws it; "" when nothing is thrown.
template <class E = pushforward::DataError, class F>
std::string message_of(const F& action) {
    try {
        action();
    } catch (const E& error) {
        return error.what();
    }
    return "";
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// `CHECK_SAYS(read_x(blob), "offset 12")`: a DataError whose message holds the part.
#define CHECK_SAYS(expression, part)                                                      \
    do {                                                                                  \
        const std::string said = message_of([&] { static_cast<void>(expression); });      \
        CHECK_MESSAGE(contains(said, part), "expected \"", part, "\" in \"", said, "\""); \
    } while (false)

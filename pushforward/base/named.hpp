#pragma once

#include "pushforward/base/errors.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pushforward {

/// The entry of `all` whose member `name` is `wanted`; else UsageError with `message(names)`.
template <class All, class Name, class Message>
const auto& find_named(const All& all, Name name, const std::string& wanted, Message message) {
    std::vector<std::string> names;
    for (const auto& entry : all) {
        if (std::invoke(name, entry) == wanted) return entry;
        names.push_back(std::invoke(name, entry));
    }
    throw UsageError(message(names));
}

}  // namespace pushforward

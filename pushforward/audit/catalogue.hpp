#pragma once

#include "pushforward/audit/claim.hpp"

#include <functional>

namespace pushforward {

struct ClaimEntry {
    std::string id, statement, reference;
    std::function<std::unique_ptr<Claim>()> make;
    bool timed = false;  ///< compares wall-clock times
};

/// Every claim: THE list (audit/catalogue.cpp), one line a claim.
const std::vector<ClaimEntry>& claim_catalogue();
/// The entry of that id; UsageError with the nearest id when there is none.
const ClaimEntry& claim_entry(const std::string& id);

}  // namespace pushforward

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>
#include <unordered_map>

#include "pushforward/base/byte_pairs.hpp"
#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

// Longer pieces (a file without blanks) are counted in parts, so that no merge rewrites a whole
// file.
constexpr std::size_t max_piece = max_ascii_piece;

struct Piece {
    std::size_t begin = 0, length = 0;  // in `symbols_`
    std::int64_t count = 0;             // how often the texts hold it
};

struct PairHash {
    std::size_t operator()(const BytePair& p) const {
        // Multiplication by 2^64 / golden ratio (Knuth, vol. 3, 6.4).
        const auto key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(p.first)) << 32 |
                         static_cast<std::uint32_t>(p.second);
        return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ull) >> 20);
    }
};

struct Seen {
    std::int64_t count = 0;
    std::vector<std::uint32_t> pieces;  // that held the pair when it was counted
};

struct Candidate {
    std::int64_t count;
    BytePair pair;
    bool operator<(const Candidate& other) const {
        return count != other.count ? count < other.count : pair > other.pair;
    }
};

class Trainer {
public:
    Trainer(std::span<const std::string_view> texts, Split split) {
        std::unordered_map<std::string_view, std::int64_t> counts;
        for (const auto text : texts)
            for_each_piece(text, split, [&](std::string_view piece) {
                for (std::size_t at = 0; at < piece.size(); at += max_piece)
                    ++counts[piece.substr(at, max_piece)];
            });
        PF_CHECK(counts.size() < std::numeric_limits<std::uint32_t>::max(), "byte pairs",
                 "fewer than 2^32 different pieces", counts.size());
        for (const auto& [piece, count] : counts) {
            pieces_.push_back({symbols_.size(), piece.size(), count});
            for (const char c : piece) symbols_.push_back(static_cast<unsigned char>(c));
        }
        for (std::size_t i = 0; i < pieces_.size(); ++i) {
            const Piece& p = pieces_[i];
            for (std::size_t k = 1; k < p.length; ++k)
                add({symbols_[p.begin + k - 1], symbols_[p.begin + k]}, i);
        }
        for (const auto& [pair, seen] : seen_) queue_.push({seen.count, pair});
    }

    std::vector<BytePair> run(std::int64_t merges) {
        std::vector<BytePair> out;
        while (static_cast<std::int64_t>(out.size()) < merges && !queue_.empty()) {
            const Candidate best = queue_.top();
            queue_.pop();
            const auto found = seen_.find(best.pair);
            if (found == seen_.end() || found->second.count < 2) continue;
            if (found->second.count != best.count) {  // it has lost occurrences since
                queue_.push({found->second.count, best.pair});
                continue;
            }
            merge(best.pair, static_cast<Symbol>(256 + out.size()));
            out.push_back(best.pair);
        }
        return out;
    }

private:
    void add(const BytePair& pair, std::size_t piece) {
        Seen& seen = seen_[pair];
        seen.count += pieces_[piece].count;
        const auto index = static_cast<std::uint32_t>(piece);
        if (seen.pieces.empty() || seen.pieces.back() != index) seen.pieces.push_back(index);
    }
    void remove(const BytePair& pair, std::size_t piece) {
        seen_[pair].count -= pieces_[piece].count;
    }

    void merge(const BytePair& pair, Symbol joined) {
        const std::vector<std::uint32_t> where = std::move(seen_[pair].pieces);
        fresh_.clear();
        for (const std::uint32_t i : where) merge_in(i, pair, joined);
        seen_.erase(pair);
        // Only pairs with the new symbol have gained occurrences.
        std::sort(fresh_.begin(), fresh_.end());
        fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
        for (const auto& p : fresh_) queue_.push({seen_[p].count, p});
    }

    void merge_in(std::size_t i, const BytePair& pair, Symbol joined) {
        Symbol* const s = symbols_.data() + pieces_[i].begin;
        const std::size_t length = pieces_[i].length;
        const auto gain = [&](const BytePair& p) {
            add(p, i);
            fresh_.push_back(p);
        };
        const auto matches = [&](std::size_t k) {
            return k + 1 < length && s[k] == pair.first && s[k + 1] == pair.second;
        };
        std::size_t kept = 0;
        bool merged_before = false;
        for (std::size_t k = 0; k < length;) {
            if (!matches(k)) {
                s[kept++] = s[k++];
                merged_before = false;
                continue;
            }
            remove(pair, i);
            if (kept > 0) {
                // The pair to the left is gone; after a merge it went with that.
                if (!merged_before) remove({s[kept - 1], pair.first}, i);
                gain({s[kept - 1], joined});
            }
            if (k + 2 < length) {
                remove({pair.second, s[k + 2]}, i);
                if (!matches(k + 2)) gain({joined, s[k + 2]});
            }
            s[kept++] = joined;
            merged_before = true;
            k += 2;
        }
        pieces_[i].length = kept;
    }

    std::vector<Symbol> symbols_;
    std::vector<Piece> pieces_;
    std::unordered_map<BytePair, Seen, PairHash> seen_;
    std::priority_queue<Candidate> queue_;
    std::vector<BytePair> fresh_;
};

}  // namespace

std::vector<BytePair> learn_byte_pairs(std::span<const std::string_view> texts, std::int64_t merges,
                                       Split split) {
    PF_CHECK(merges >= 0, "byte pairs", "merges of 0 or more", merges);
    return Trainer(texts, split).run(merges);
}

}  // namespace pushforward

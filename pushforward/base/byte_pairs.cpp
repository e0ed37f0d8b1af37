#include "pushforward/base/byte_pairs.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/vocabulary_json.hpp"

namespace pushforward {
namespace {

constexpr std::size_t max_spelling = 4096, max_spellings = std::size_t{64} << 20;  // bytes
constexpr std::size_t cached_pieces = std::size_t{1} << 18;

const char* name_of(Split split) {
    return split == Split::ascii ? "ascii" : "gpt2";
}

std::string printable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) append_utf8(out, printable_bytes()[static_cast<unsigned char>(c)]);
    return out;
}

/// The bytes that printable characters stand for; nothing when one of them stands for none.
std::optional<std::string> bytes_of_printable(std::string_view text) {
    static const auto byte_of = [] {
        std::array<int, 324> table;
        table.fill(-1);
        for (int b = 0; b < 256; ++b) table[printable_bytes()[static_cast<std::size_t>(b)]] = b;
        return table;
    }();
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (point.length == 0 || point.value >= byte_of.size() || byte_of[point.value] < 0)
            return {};
        out.push_back(static_cast<char>(byte_of[point.value]));
        at += point.length;
    }
    return out;
}

std::uint64_t key_of(Symbol left, Symbol right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
}

struct Merge {
    Symbol left, right, joined;
};

/// What a vocabulary of byte pairs consists of.
struct Parts {
    std::vector<std::string> spellings;  ///< of each symbol; of marks ""
    std::array<Symbol, 256> bytes;
    std::vector<Merge> merges;  ///< the first is merged first
    Marks marks;
    Split split = Split::ascii;
};

class BytePairVocabulary : public Vocabulary {
public:
    explicit BytePairVocabulary(Parts parts) : parts_(std::move(parts)) {
        marks_ = parts_.marks;
        rank_.reserve(parts_.merges.size());
        for (std::size_t i = 0; i < parts_.merges.size(); ++i)
            rank_.emplace(key_of(parts_.merges[i].left, parts_.merges[i].right),
                          static_cast<std::uint32_t>(i));
    }
    std::string kind() const override { return "bpe"; }
    std::int64_t size() const override {
        return static_cast<std::int64_t>(parts_.spellings.size());
    }
    std::string_view spelling(Symbol symbol) const override {
        check(symbol);
        return parts_.spellings[static_cast<std::size_t>(symbol)];
    }
    json::object to_json() const override {
        json::array pieces, merges;
        for (std::size_t i = 0; i < parts_.spellings.size(); ++i)
            pieces.push_back(is_mark(static_cast<Symbol>(i))
                                 ? json::value()
                                 : printable(parts_.spellings[i]).c_str());
        for (const Merge& m : parts_.merges)
            merges.push_back(
                (printable(spelling(m.left)) + " " + printable(spelling(m.right))).c_str());
        return {{"kind", kind()},
                {"split", name_of(parts_.split)},
                {"pieces", std::move(pieces)},
                {"merges", std::move(merges)},
                {"marks", marks_json(marks_)}};
    }

    void encode(std::string_view text, std::vector<Symbol>& out, const TextOrigin&) const override {
        // Most pieces of a text were there before: (begin, length) in `store`.
        std::unordered_map<std::string_view, std::pair<std::size_t, std::size_t>> cache;
        std::vector<Symbol> store;
        Workspace workspace;
        for_each_piece(text, parts_.split, [&](std::string_view piece) {
            if (piece.size() == 1) {
                out.push_back(parts_.bytes[static_cast<unsigned char>(piece[0])]);
                return;
            }
            if (cache.size() >= cached_pieces) {
                cache.clear();
                store.clear();
            }
            const auto [entry, is_new] = cache.try_emplace(piece);
            auto& [begin, length] = entry->second;
            if (is_new) {
                begin = store.size();
                merge_piece(piece, workspace, store);
                length = store.size() - begin;
            }
            const auto first = store.begin() + static_cast<std::ptrdiff_t>(begin);
            out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(length));
        });
    }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    /// A symbol in a doubly linked list; `symbol` is -1 once its left neighbour took it in.
    struct Node {
        Symbol symbol;
        std::size_t before, after;
    };
    struct Candidate {
        std::uint32_t rank;
        std::size_t at;
        bool operator>(const Candidate& other) const {
            return rank != other.rank ? rank > other.rank : at > other.at;
        }
    };
    struct Workspace {
        std::vector<Node> nodes;
        std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    };

    bool is_mark(Symbol s) const {
        return s == marks_.begin || s == marks_.end || s == marks_.unknown;
    }
    std::uint32_t rank(Symbol left, Symbol right) const {
        const auto found = rank_.find(key_of(left, right));
        return found == rank_.end() ? none : found->second;
    }

    /// Joins the neighbours of lowest rank, the leftmost among equals, until no pair is known.
    void merge_piece(std::string_view piece, Workspace& w, std::vector<Symbol>& out) const {
        const std::size_t n = piece.size();
        w.nodes.resize(n);
        for (std::size_t i = 0; i < n; ++i)
            w.nodes[i] = {parts_.bytes[static_cast<unsigned char>(piece[i])], i - 1, i + 1};
        const auto offer = [&](std::size_t i) {
            const std::size_t next = w.nodes[i].after;
            if (next >= n) return;
            const std::uint32_t r = rank(w.nodes[i].symbol, w.nodes[next].symbol);
            if (r != none) w.queue.push({r, i});
        };
        for (std::size_t i = 0; i + 1 < n; ++i) offer(i);
        while (!w.queue.empty()) {
            const auto [r, i] = w.queue.top();
            w.queue.pop();
            const Merge& merge = parts_.merges[r];
            Node& left = w.nodes[i];
            // What has changed since it was offered was offered again.
            if (left.symbol != merge.left || left.after >= n) continue;
            Node& right = w.nodes[left.after];
            if (right.symbol != merge.right) continue;
            left.symbol = merge.joined;
            right.symbol = -1;
            left.after = right.after;
            if (left.after < n) w.nodes[left.after].before = i;
            if (i > 0) offer(left.before);
            offer(i);
        }
        for (std::size_t i = 0; i < n; i = w.nodes[i].after) out.push_back(w.nodes[i].symbol);
    }

    Parts parts_;
    std::unordered_map<std::uint64_t, std::uint32_t> rank_;
};

/// Builds a vocabulary from printable pieces by symbol ("" for marks) and merges as "left right".
/// `refuse(list, index, what)` gives the error of one entry of the "pieces" or the "merges".
template <class Refuse>
VocabularyPointer build(const std::vector<std::optional<std::string>>& pieces,
                        const std::vector<std::string_view>& merges, Split split,
                        const Marks& marks, const Refuse& refuse) {
    Parts parts;
    parts.split = split;
    parts.marks = marks;
    parts.bytes.fill(-1);
    std::unordered_map<std::string_view, Symbol> symbol_of;
    std::size_t total = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        parts.spellings.emplace_back();
        const auto symbol = static_cast<Symbol>(i);
        if (symbol == marks.begin || symbol == marks.end || symbol == marks.unknown) continue;
        if (!pieces[i]) throw refuse("pieces", i, "expected text for a symbol that is no mark");
        auto bytes = bytes_of_printable(*pieces[i]);
        if (!bytes || bytes->empty() || bytes->size() > max_spelling)
            throw refuse(
                "pieces", i,
                text("expected 1 to ", max_spelling, " printable characters that stand for bytes"));
        if ((total += bytes->size()) > max_spellings)
            throw refuse("pieces", i,
                         text("expected at most ", max_spellings, " bytes in all pieces"));
        if (!symbol_of.emplace(*pieces[i], symbol).second)
            throw refuse("pieces", i, "expected every piece once");
        if (bytes->size() == 1) parts.bytes[static_cast<unsigned char>((*bytes)[0])] = symbol;
        parts.spellings.back() = std::move(*bytes);
    }
    for (std::size_t b = 0; b < 256; ++b)
        if (parts.bytes[b] < 0) throw refuse("pieces", b, text("expected one for the byte ", b));
    std::unordered_set<std::uint64_t> seen;
    for (std::size_t i = 0; i < merges.size(); ++i) {
        const std::size_t blank = merges[i].find(' ');
        if (blank == std::string_view::npos || merges[i].find(' ', blank + 1) != merges[i].npos)
            throw refuse("merges", i, "expected two pieces with a blank between them");
        const std::string_view left = merges[i].substr(0, blank),
                               right = merges[i].substr(blank + 1);
        const auto find = [&](std::string_view piece) {
            const auto found = symbol_of.find(piece);
            if (found == symbol_of.end())
                throw refuse("merges", i,
                             "expected pieces of the vocabulary whose join is one too");
            return found->second;
        };
        const Symbol l = find(left), r = find(right);
        const std::string joined = std::string(left) + std::string(right);
        parts.merges.push_back({l, r, find(joined)});
        if (!seen.insert(key_of(l, r)).second)
            throw refuse("merges", i, "expected every pair once");
    }
    return std::make_shared<BytePairVocabulary>(std::move(parts));
}

}  // namespace

const std::array<char32_t, 256>& printable_bytes() {
    static const auto table = [] {
        std::array<char32_t, 256> out{};
        char32_t next = 256;
        for (char32_t b = 0; b < 256; ++b) {
            const bool shown = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
            out[b] = shown ? b : next++;
        }
        return out;
    }();
    return table;
}

VocabularyPointer byte_pair_vocabulary(const std::vector<BytePair>& merges, Split split,
                                       const WantedMarks& wanted) {
    PF_CHECK(!wanted.unknown, "byte pairs", "no mark for unknown text, as there is none",
             "unknown");
    Parts parts;
    parts.split = split;
    for (int b = 0; b < 256; ++b) {
        parts.bytes[static_cast<std::size_t>(b)] = b;
        parts.spellings.emplace_back(1, static_cast<char>(b));
    }
    for (const auto& [left, right] : merges) {
        const auto next = static_cast<Symbol>(parts.spellings.size());
        PF_CHECK(left >= 0 && left < next && right >= 0 && right < next, "byte pairs",
                 text("a pair of symbols below ", next), left, " and ", right);
        parts.merges.push_back({left, right, next});
        parts.spellings.push_back(parts.spellings[static_cast<std::size_t>(left)] +
                                  parts.spellings[static_cast<std::size_t>(right)]);
        PF_CHECK(parts.spellings.back().size() <= max_spelling, "byte pairs",
                 text("at most ", max_spelling, " bytes a symbol"), parts.spellings.back().size());
    }
    auto size = static_cast<std::int64_t>(parts.spellings.size());
    parts.marks = place_marks(wanted, size);
    parts.spellings.resize(static_cast<std::size_t>(size));
    return std::make_shared<BytePairVocabulary>(std::move(parts));
}

VocabularyPointer read_byte_pairs(const JsonPlace& from) {
    const std::string split = from.text("split");
    if (split != "ascii" && split != "gpt2") from.refuse("split", "expected ascii or gpt2");
    std::vector<std::optional<std::string>> pieces;
    for (const auto& p : from.list("pieces")) {
        if (!p.is_string() && !p.is_null())
            from.refuse("pieces", "expected texts, or null for marks");
        pieces.push_back(p.is_null() ? std::optional<std::string>() : std::string(p.get_string()));
    }
    std::vector<std::string_view> merges;
    for (const auto& m : from.list("merges")) {
        if (!m.is_string()) from.refuse("merges", "expected texts");
        merges.emplace_back(m.get_string().data(), m.get_string().size());
    }
    const Marks marks = read_marks(from, 0, static_cast<std::int64_t>(pieces.size()));
    return build(pieces, merges, split == "ascii" ? Split::ascii : Split::gpt2, marks,
                 [&](const char* list, std::size_t i, const std::string& what) {
                     const std::string dot = from.place.empty() ? "" : ".";
                     return DataError(from.file, text(from.place, dot, list, "[", i, "]"), what);
                 });
}

VocabularyPointer read_gpt2_vocabulary(const Blob& vocab, const Blob& merges) {
    const json::value root = parse_json(vocab.text(), vocab.name);
    const auto* object = root.if_object();
    if (!object) throw DataError(vocab.name, "", "expected an object of pieces and symbols");
    std::vector<std::optional<std::string>> pieces(object->size());
    Marks marks;
    for (const auto& [key, value] : *object) {
        const std::string piece(key);
        const std::string place = "\"" + piece + "\"";
        if (!value.is_int64() || value.get_int64() < 0 ||
            static_cast<std::size_t>(value.get_int64()) >= pieces.size())
            throw DataError(
                vocab.name, place,
                text("expected a symbol from 0 to ", pieces.size() - 1, ", got ", to_json(value)));
        auto& slot = pieces[static_cast<std::size_t>(value.get_int64())];
        if (slot) throw DataError(vocab.name, place, "expected a symbol of its own");
        slot = piece;
        if (piece == "<|endoftext|>")
            marks.begin = marks.end = static_cast<Symbol>(value.get_int64());
    }

    std::vector<std::string_view> pairs;
    std::vector<std::int64_t> lines;
    std::int64_t line = 0;
    for (std::string_view rest = merges.text(); !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.ends_with('\r')) pair.remove_suffix(1);
        if (++line == 1 && pair.starts_with("#version")) continue;
        if (pair.empty()) continue;
        pairs.push_back(pair);
        lines.push_back(line);
    }
    return build(pieces, pairs, Split::gpt2, marks,
                 [&](const std::string& list, std::size_t i, const std::string& what) {
                     return list == "merges" ? DataError(merges.name, text("line ", lines[i]),
                                                         what + " (" + vocab.name + ")")
                                             : DataError(vocab.name, text("symbol ", i), what);
                 });
}

}  // namespace pushforward

#include "pushforward/base/sentencepiece.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cfloat>
#include <functional>
#include <queue>
#include <unordered_map>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/sentencepiece_model.hpp"
#include "pushforward/base/sentencepiece_rules.hpp"
#include "pushforward/base/vocabulary_json.hpp"

namespace pushforward {
namespace {

using Type = SentencePieceModel::Type;

constexpr std::string_view blank_piece = "\xE2\x96\x81";  // U+2581 stands for a blank
constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr float unknown_penalty = 10;  // below the least score (Kudo & Richardson's program)

std::string base64(Bytes bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
    out.pop_back();
    return out;
}

std::optional<Buffer> from_base64(std::string_view text) {
    if (text.size() % 4 != 0 || text.size() > (std::size_t{1} << 30)) return {};
    Buffer out(text.size() / 4 * 3);
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size != static_cast<int>(out.size())) return {};
    for (int k = 0; k < 2 && text.ends_with('='); ++k, text.remove_suffix(1)) out.pop_back();
    return out;
}

/// Pieces in the order of their bytes: all that begin a text are found by narrowing a range.
class SortedPieces {
public:
    void add(std::string_view text, Symbol symbol) { pieces_.emplace_back(text, symbol); }
    void sort() { std::sort(pieces_.begin(), pieces_.end()); }

    /// Calls f(length, symbol) for every piece that `text` begins with, the shortest first.
    template <class F>
    void each_prefix(std::string_view text, const F& f) const {
        auto low = pieces_.begin(), high = pieces_.end();
        for (std::size_t i = 0; i < text.size() && low != high; ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            const auto at = [i](const auto& p) { return static_cast<unsigned char>(p.first[i]); };
            low = std::partition_point(
                low, high, [&](const auto& p) { return p.first.size() <= i || at(p) < byte; });
            high = std::partition_point(low, high, [&](const auto& p) { return at(p) == byte; });
            if (low != high && low->first.size() == i + 1) f(i + 1, low->second);
        }
    }
    std::size_t longest_prefix(std::string_view text) const {
        std::size_t out = 0;
        each_prefix(text, [&](std::size_t length, Symbol) { out = length; });
        return out;
    }

private:
    std::vector<std::pair<std::string_view, Symbol>> pieces_;
};

class SentencePieceVocabulary : public Vocabulary {
public:
    explicit SentencePieceVocabulary(const Blob& file)
        : file_(base64(file.bytes)), model_(read_sentencepiece_model(file)) {
        if (!rules_.read(model_.rules))
            throw DataError(file.name, "", "expected a normalisation table, got a malformed one");
        bytes_.fill(-1);
        // The largest score begins at the least positive number, as in the original.
        min_score_ = FLT_MAX;
        max_score_ = FLT_MIN;
        for (std::size_t i = 0; i < model_.pieces.size(); ++i) {
            const auto& piece = model_.pieces[i];
            const auto symbol = static_cast<Symbol>(i);
            switch (piece.type) {
                case Type::normal:
                    min_score_ = std::min(min_score_, piece.score);
                    max_score_ = std::max(max_score_, piece.score);
                    break;
                case Type::user_defined:
                    user_defined_.add(piece.text, symbol);
                    break;
                case Type::unknown:
                    marks_.unknown = symbol;
                    break;
                case Type::control:
                    if (piece.text == model_.begin) marks_.begin = symbol;
                    if (piece.text == model_.end) marks_.end = symbol;
                    break;
                case Type::byte:
                    add_byte(file, symbol);
                    break;
                case Type::unused:
                    break;
            }
            if (piece.type == Type::normal || piece.type == Type::user_defined ||
                piece.type == Type::unused) {
                sorted_.add(piece.text, symbol);
                symbol_of_.emplace(piece.text, symbol);
            }
            spellings_.push_back(spell(piece));
        }
        sorted_.sort();
        user_defined_.sort();
        if (model_.byte_fallback && std::find(bytes_.begin(), bytes_.end(), -1) != bytes_.end())
            throw DataError(file.name, "", "expected a piece for each of the 256 bytes");
    }

    std::string kind() const override { return "sentencepiece"; }
    std::int64_t size() const override { return static_cast<std::int64_t>(model_.pieces.size()); }
    std::string_view spelling(Symbol symbol) const override {
        check(symbol);
        return spellings_[static_cast<std::size_t>(symbol)];
    }
    json::object to_json() const override { return {{"kind", kind()}, {"model", file_}}; }
    /// 0 when the text as a whole would not come back: what is normalised has no place of its own.
    std::size_t find_unknown(std::string_view text) const override {
        return decode(encoded(text)) == text ? std::string_view::npos : 0;
    }

    void encode(std::string_view text, std::vector<Symbol>& out, const TextOrigin&) const override {
        const std::string normal = normalised(text);
        bool after_unknown = false;
        const auto emit = [&](std::string_view piece, Symbol symbol) {
            const bool unknown = symbol == marks_.unknown;
            if (unknown && model_.byte_fallback) {
                for (const char c : piece) out.push_back(bytes_[static_cast<unsigned char>(c)]);
            } else if (!unknown || !after_unknown) {  // a run of unknown characters is one symbol
                out.push_back(symbol);
            }
            after_unknown = unknown;
        };
        if (model_.bpe)
            merge(normal, emit);
        else
            most_probable(normal, emit);
    }

    std::string decode(std::span<const Symbol> symbols) const override {
        std::string out;
        bool leading = true, blank_seen = false;
        for (const Symbol symbol : symbols) {
            check(symbol);
            const auto i = static_cast<std::size_t>(symbol);
            const Type type = model_.pieces[i].type;
            if (type == Type::unknown) {
                out += model_.unknown_surface;
                continue;
            }
            std::string_view piece = spellings_[i];
            if (blank_seen || !out.empty()) leading = false;
            // The blank that encoding put in front, or that it would have removed.
            const bool text_piece = type != Type::control && type != Type::byte;
            if (text_piece && leading && (model_.dummy_prefix || model_.remove_extra_blanks) &&
                std::string_view(model_.pieces[i].text).starts_with(blank_piece)) {
                piece.remove_prefix(1);
                blank_seen = !model_.remove_extra_blanks;
            }
            out += piece;
        }
        return out;
    }

private:
    void add_byte(const Blob& file, Symbol symbol) {
        const std::string& name = model_.pieces[static_cast<std::size_t>(symbol)].text;
        const auto digit = [&](char c) {
            const std::string_view digits = "0123456789ABCDEF";
            return digits.find(c);
        };
        if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>' || digit(name[3]) > 15 ||
            digit(name[4]) > 15)
            throw DataError(file.name, "", "expected a byte's piece like <0x0A>, got " + name);
        bytes_[16 * digit(name[3]) + digit(name[4])] = symbol;
    }
    std::string spell(const SentencePieceModel::Piece& piece) const {
        if (piece.type == Type::control) return {};
        if (piece.type == Type::unknown) return std::string(replacement);
        if (piece.type == Type::byte) {
            const int value = std::stoi(piece.text.substr(3, 2), nullptr, 16);
            return std::string(1, static_cast<char>(value));
        }
        std::string out;
        for (std::size_t at = 0; at < piece.text.size();) {
            const bool blank = std::string_view(piece.text).substr(at).starts_with(blank_piece);
            out.push_back(blank ? ' ' : piece.text[at]);
            at += blank ? blank_piece.size() : 1;
        }
        return out;
    }

    /// What the beginning of a text becomes, and how many bytes that takes.
    std::pair<std::string_view, std::size_t> normal_prefix(std::string_view text) const {
        if (const std::size_t length = user_defined_.longest_prefix(text); length > 0)
            return {text.substr(0, length), length};
        if (const auto rule = rules_.longest(text); rule.length > 0)
            return {rule.text, rule.length};
        const std::size_t length = code_point_at(text, 0).length;
        if (length == 0) return {replacement, 1};
        return {text.substr(0, length), length};
    }

    std::string normalised(std::string_view text) const {
        const auto ends = [](std::string_view s) { return s.ends_with(' '); };
        while (model_.remove_extra_blanks && !text.empty()) {
            const auto [normal, length] = normal_prefix(text);
            if (normal != " ") break;
            text.remove_prefix(length);
        }
        if (text.empty()) return {};
        const std::string_view blank = model_.escape_blanks ? blank_piece : " ";
        std::string out(model_.dummy_prefix ? blank : "");
        bool after_blank = model_.remove_extra_blanks;
        while (!text.empty()) {
            auto [normal, length] = normal_prefix(text);
            while (after_blank && normal.starts_with(' ')) normal.remove_prefix(1);
            if (!normal.empty()) {
                for (const char c : normal)
                    if (c == ' ')
                        out += blank;
                    else
                        out.push_back(c);
                after_blank = ends(normal);
            }
            text.remove_prefix(length);
            if (!model_.remove_extra_blanks) after_blank = false;
        }
        while (model_.remove_extra_blanks && out.ends_with(blank))
            out.resize(out.size() - blank.size());
        return out;
    }

    Type type_of(Symbol symbol) const {
        return model_.pieces[static_cast<std::size_t>(symbol)].type;
    }
    float score_of(Symbol symbol) const {
        return model_.pieces[static_cast<std::size_t>(symbol)].score;
    }
    std::size_t character_at(std::string_view text, std::size_t at) const {
        return std::max<std::size_t>(code_point_at(text, at).length, 1);
    }

    /// Kudo 2018: the segmentation with the largest sum of log-probabilities, by dynamic
    /// programming over the places at which a piece may end.
    template <class Emit>
    void most_probable(std::string_view text, const Emit& emit) const {
        struct Best {
            Symbol symbol = -1;
            float score = 0;
            std::size_t begin = SIZE_MAX;
        };
        std::vector<Best> best(text.size() + 1);
        const float unknown_score = min_score_ - unknown_penalty;
        for (std::size_t at = 0; at < text.size();) {
            const float here = best[at].score;
            const std::size_t character = character_at(text, at);
            const auto offer = [&](std::size_t length, Symbol symbol, float score) {
                Best& there = best[at + length];
                if (there.begin == SIZE_MAX || score > there.score) there = {symbol, score, at};
            };
            bool single = false;
            sorted_.each_prefix(text.substr(at), [&](std::size_t length, Symbol symbol) {
                const Type type = type_of(symbol);
                if (type == Type::unused) return;
                // A user-defined piece is always the better choice.
                const float score = type == Type::user_defined
                                        ? static_cast<float>(length) * max_score_ - 0.1f
                                        : score_of(symbol);
                offer(length, symbol, score + here);
                single = single || length == character;
            });
            if (!single) offer(character, *marks_.unknown, unknown_score + here);
            at += character;
        }
        std::vector<std::size_t> ends;
        for (std::size_t end = text.size(); end > 0; end = best[end].begin) ends.push_back(end);
        for (auto e = ends.rbegin(); e != ends.rend(); ++e)
            emit(text.substr(best[*e].begin, *e - best[*e].begin), best[*e].symbol);
    }

    /// Joins the neighbours whose join has the highest score, the leftmost among equals.
    template <class Emit>
    void merge(std::string_view text, const Emit& emit) const {
        struct Node {
            std::string_view piece;
            std::size_t before, after;
            bool frozen;
        };
        struct Candidate {
            float score;
            std::size_t at, size;
            bool operator<(const Candidate& other) const {
                return score != other.score ? score < other.score : at > other.at;
            }
        };
        std::vector<Node> nodes;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t fixed = user_defined_.longest_prefix(text.substr(at));
            const std::size_t length = fixed > 0 ? fixed : character_at(text, at);
            const std::size_t i = nodes.size();
            nodes.push_back({text.substr(at, length), i - 1, i + 1, fixed > 0});
            at += length;
        }
        std::unordered_map<std::string_view, std::size_t> parts;  // of unused joins: left's size
        std::priority_queue<Candidate> queue;
        const auto offer = [&](std::size_t i) {
            if (i >= nodes.size() || nodes[i].after >= nodes.size()) return;
            const Node &left = nodes[i], &right = nodes[left.after];
            if (left.frozen || right.frozen) return;
            const std::string_view joined(left.piece.data(),
                                          left.piece.size() + right.piece.size());
            const auto found = symbol_of_.find(joined);
            if (found == symbol_of_.end()) return;
            queue.push({score_of(found->second), i, joined.size()});
            if (type_of(found->second) == Type::unused) parts[joined] = left.piece.size();
        };
        for (std::size_t i = 0; i < nodes.size(); ++i) offer(i);
        while (!queue.empty()) {
            const Candidate top = queue.top();
            queue.pop();
            Node& left = nodes[top.at];
            if (left.piece.empty() || left.after >= nodes.size()) continue;
            Node& right = nodes[left.after];
            if (left.piece.size() + right.piece.size() != top.size) continue;
            left.piece = {left.piece.data(), top.size};
            right.piece = {};
            left.after = right.after;
            if (left.after < nodes.size()) nodes[left.after].before = top.at;
            if (top.at > 0) offer(left.before);
            offer(top.at);
        }
        const auto put = [&](const auto& self, std::string_view piece) -> void {
            const auto found = symbol_of_.find(piece);
            const auto split = parts.find(piece);
            if (found == symbol_of_.end()) return emit(piece, *marks_.unknown);
            if (type_of(found->second) != Type::unused || split == parts.end())
                return emit(piece, found->second);
            self(self, piece.substr(0, split->second));
            self(self, piece.substr(split->second));
        };
        for (std::size_t i = 0; i < nodes.size(); i = nodes[i].after) put(put, nodes[i].piece);
    }

    std::string file_;  // base64
    SentencePieceModel model_;
    SentencePieceRules rules_;
    SortedPieces sorted_, user_defined_;
    std::unordered_map<std::string_view, Symbol> symbol_of_;
    std::vector<std::string> spellings_;
    std::array<Symbol, 256> bytes_;
    float min_score_, max_score_;
};

}  // namespace

VocabularyPointer read_sentencepiece(const Blob& model) {
    return std::make_shared<SentencePieceVocabulary>(model);
}

VocabularyPointer read_sentencepiece_json(const JsonPlace& from) {
    auto bytes = from_base64(from.text("model"));
    if (!bytes) from.refuse("model", "expected base64");
    return read_sentencepiece(blob_of(from.file + ": " + from.place + ".model", std::move(*bytes)));
}

}  // namespace pushforward

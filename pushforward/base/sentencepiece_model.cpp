#include "pushforward/base/sentencepiece_model.hpp"

#include <bit>
#include <cmath>
#include <unordered_set>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/utf8.hpp"

namespace pushforward {
namespace {

constexpr std::size_t max_piece = 4096;  // bytes; SentencePiece's own default is 16 characters

/// The fields of one message of protocol buffers' wire format, one after another.
class Message {
public:
    Message(const Blob& blob, std::size_t begin, std::size_t end)
        : blob_(blob), at_(begin), end_(end) {}

    bool next() {
        if (at_ == end_) return false;
        const std::uint64_t key = varint();
        number_ = key >> 3;
        kind_ = static_cast<int>(key & 7);
        if (kind_ == 0) {
            value_ = varint();
        } else if (kind_ == 1 || kind_ == 5) {
            take(kind_ == 1 ? 8 : 4);
        } else if (kind_ == 2) {
            take(varint());
        } else {
            throw refuse(text("expected a field of a known kind, got ", kind_));
        }
        return true;
    }
    std::uint64_t number() const { return number_; }

    std::uint64_t integer() const {
        need(0, "an integer");
        return value_;
    }
    bool flag() const { return integer() != 0; }
    float real() const {
        need(5, "a float");
        return std::bit_cast<float>(little_endian<std::uint32_t>(blob_.bytes, begin_));
    }
    std::string string() const {
        need(2, "text");
        return std::string(blob_.text().substr(begin_, size_));
    }
    Message message() const {
        need(2, "a message");
        return {blob_, begin_, begin_ + size_};
    }
    DataError refuse(const std::string& what) const {
        return DataError(blob_.name, text("byte ", at_), what);
    }

private:
    std::uint64_t varint() {
        std::uint64_t out = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (at_ == end_) throw refuse("expected more of a number, the message ends");
            const auto byte = std::to_integer<std::uint64_t>(blob_.bytes[at_++]);
            out |= (byte & 0x7F) << shift;
            if (byte < 0x80) return out;
        }
        throw refuse("expected a number of at most 10 bytes");
    }
    void take(std::uint64_t size) {
        if (size > end_ - at_)
            throw refuse(text("expected ", size, " bytes, the message has ", end_ - at_, " left"));
        begin_ = at_;
        size_ = static_cast<std::size_t>(size);
        at_ += size_;
    }
    void need(int kind, const char* expected) const {
        if (kind_ != kind) throw refuse(text("expected ", expected, " in field ", number_));
    }

    const Blob& blob_;
    std::size_t at_, end_, begin_ = 0, size_ = 0;
    std::uint64_t number_ = 0, value_ = 0;
    int kind_ = 0;
};

SentencePieceModel::Piece read_piece(Message m) {
    using Type = SentencePieceModel::Type;
    SentencePieceModel::Piece piece;
    while (m.next()) {
        if (m.number() == 1) piece.text = m.string();
        if (m.number() == 2) piece.score = m.real();
        if (m.number() == 3) {
            if (m.integer() < 1 || m.integer() > 6)
                throw m.refuse(text("expected a type of piece from 1 to 6, got ", m.integer()));
            piece.type = static_cast<Type>(m.integer());
        }
    }
    if (piece.text.empty() || piece.text.size() > max_piece ||
        find_invalid_utf8(piece.text) != std::string::npos)
        throw m.refuse(text("expected a piece of 1 to ", max_piece, " bytes of UTF-8"));
    if (!std::isfinite(piece.score)) throw m.refuse("expected a finite score");
    return piece;
}

void read_trainer(Message m, SentencePieceModel& out) {
    while (m.next()) switch (m.number()) {
            case 3:
                if (m.integer() != 1 && m.integer() != 2)
                    throw m.refuse(text("expected a unigram (1) or bpe (2) model, got type ",
                                        m.integer(), "; word and char models are not supported"));
                out.bpe = m.integer() == 2;
                break;
            case 24:
                if (m.flag()) throw m.refuse("white space as a suffix is not supported");
                break;
            case 35:
                out.byte_fallback = m.flag();
                break;
            case 44:
                out.unknown_surface = m.string();
                break;
            case 46:
                out.begin = m.string();
                break;
            case 47:
                out.end = m.string();
                break;
            default:
                break;  // how it was trained
        }
}

void read_normalizer(Message m, SentencePieceModel& out) {
    while (m.next()) switch (m.number()) {
            case 2:
                out.rules = m.string();
                break;
            case 3:
                out.dummy_prefix = m.flag();
                break;
            case 4:
                out.remove_extra_blanks = m.flag();
                break;
            case 5:
                out.escape_blanks = m.flag();
                break;
            default:
                break;  // its name, the rules that `rules` were compiled from
        }
}

}  // namespace

SentencePieceModel read_sentencepiece_model(const Blob& blob) {
    SentencePieceModel out;
    std::unordered_set<std::string> seen;
    int unknown = 0;
    for (Message m(blob, 0, blob.bytes.size()); m.next();) {
        if (m.number() == 1) {
            out.pieces.push_back(read_piece(m.message()));
            const auto& piece = out.pieces.back();
            if (!seen.insert(piece.text).second)
                throw m.refuse("expected every piece once, got \"" + piece.text + "\" again");
            unknown += piece.type == SentencePieceModel::Type::unknown;
        } else if (m.number() == 2) {
            read_trainer(m.message(), out);
        } else if (m.number() == 3) {
            read_normalizer(m.message(), out);
        } else if (m.number() == 5) {
            for (Message after = m.message(); after.next();)
                if (after.number() == 2 && !after.string().empty())
                    throw after.refuse("a table that is applied after decoding is not supported");
        }
    }
    if (unknown != 1)
        throw DataError(blob.name, "",
                        text("expected a SentencePiece model with one piece for what "
                             "is unknown, got ",
                             unknown));
    return out;
}

}  // namespace pushforward

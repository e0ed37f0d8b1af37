#include "pushforward/base/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/idx.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/sniff.hpp"

namespace pushforward {
namespace {

constexpr std::uint64_t free_size = std::uint64_t{64} << 20;  // no ratio is a bomb below this
constexpr std::uint64_t bomb_ratio = 200;
constexpr std::uint64_t max_ratio = 1032;  // of deflate

struct End {
    void operator()(z_stream* stream) const {
        inflateEnd(stream);
        delete stream;
    }
};

/// Inflates until the end, or until `stop` bytes are there, when the rest does not matter.
Buffer inflate_all(const Blob& blob, std::uint64_t cap, std::uint64_t stop) {
    const Bytes in = blob.bytes;
    const auto refuse = [&](std::size_t offset, const std::string& what) -> DataError {
        return DataError(blob.name, text("gzip, byte ", offset), what);
    };
    // The last four bytes of a file of one member say its size (modulo 2^32).
    const std::uint64_t hint = in.size() < 18 ? 0 : little_endian<std::uint32_t>(in, in.size() - 4);
    Buffer out(std::min({hint + 1, max_ratio * in.size() + 1, free_size, stop}));
    std::size_t have = 0, used = 0;

    while (used < in.size()) {
        const std::unique_ptr<z_stream, End> stream(new z_stream{});
        if (inflateInit2(stream.get(), 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
        for (int state = Z_OK; state != Z_STREAM_END;) {
            if (have == out.size()) {
                if (have >= stop) return out;
                if (have > cap) throw refuse(used, text("expected at most ", cap, " bytes inside"));
                if (have >= free_size && have > bomb_ratio * used)
                    throw refuse(used, text("expected data, got a bomb: more than ", bomb_ratio,
                                            " times its size; unpack it first if it is meant"));
                out.resize(std::min({2 * have, cap + 1, stop}));
            }
            const std::size_t offered = std::min<std::size_t>(in.size() - used, 1 << 30);
            const std::size_t room = std::min<std::size_t>(out.size() - have, 1 << 30);
            // zlib's interface is not const but does not write there.
            stream->next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data() + used));
            stream->avail_in = static_cast<uInt>(offered);
            stream->next_out = reinterpret_cast<Bytef*>(out.data() + have);
            stream->avail_out = static_cast<uInt>(room);
            state = inflate(stream.get(), Z_NO_FLUSH);
            used += offered - stream->avail_in;
            have += room - stream->avail_out;
            if (state == Z_BUF_ERROR ||
                (state == Z_OK && used == in.size() && stream->avail_out > 0))
                throw refuse(used, "expected more, the file is cut short");
            if (state != Z_OK && state != Z_STREAM_END)
                throw refuse(used, std::string("corrupt: ") +
                                       (stream->msg ? stream->msg : "needs a dictionary"));
        }
    }
    if (have > cap) throw refuse(used, text("expected at most ", cap, " bytes inside"));
    out.resize(have);
    return out;
}

}  // namespace

bool is_gzip(Bytes bytes) {
    return sniff(bytes.first(std::min<std::size_t>(bytes.size(), 2))) == FileKind::gzip;
}

Blob gunzip(const Blob& blob, std::uint64_t cap) {
    return blob_of(blob.name, inflate_all(blob, cap, UINT64_MAX));
}

Buffer gunzip_head(const Blob& blob, std::size_t length) {
    return inflate_all(blob, UINT64_MAX - 1, length);
}

Blob unpack(const Blob& blob, std::uint64_t cap) {
    if (!is_gzip(blob.bytes)) return blob;
    const Blob head = blob_of(blob.name, gunzip_head(blob, 1 << 17));
    const FileKind kind = sniff(head.bytes);
    std::uint64_t declared = cap;
    if (kind == FileKind::npy) {
        const NpyHeader header = read_npy_header(head);
        declared = header.offset + header.bytes;
    } else if (kind == FileKind::idx) {
        const IdxHeader header = read_idx_header(head);
        declared = header.offset + header.bytes;
    }
    if (declared > cap)
        throw DataError(
            blob.name, "",
            text("expected at most ", cap, " bytes inside, its header declares ", declared));
    return gunzip(blob, declared);
}

Blob open_file(const FilePath& path, std::uint64_t cap) {
    return unpack(map_file(path), cap);
}

}  // namespace pushforward

#include "pushforward/base/npz.hpp"

#include <algorithm>

#include "pushforward/base/npy.hpp"
#include "pushforward/base/zip.hpp"

namespace pushforward {
namespace {

constexpr std::uint64_t longest_header = 12 + 65536;

/// The archive, when all that it declares stays below the cap.
ZipArchive open(const Blob& blob, std::uint64_t cap) {
    ZipArchive zip(blob);
    std::uint64_t total = 0;
    for (const auto& member : zip.members())
        if (member.size > cap || (total += member.size) > cap)
            throw DataError(blob.name, "",
                            text("expected at most ", cap, " bytes, its members declare more"));
    return zip;
}

std::string array_name(const std::string& member) {
    return member.ends_with(".npy") ? member.substr(0, member.size() - 4) : member;
}

/// The header of a member; its declared size must be what the header asks for.
NpyHeader header_of(const ZipArchive& zip, const ZipArchive::Member& member) {
    const std::string name = zip.name() + "#" + array_name(member.name);
    const NpyHeader header = read_npy_header(blob_of(name, zip.head(member, longest_header)));
    if (member.size != header.offset + header.bytes)
        throw DataError(
            name, "",
            text("expected ", header.offset + header.bytes, " bytes for ", name_of(header.dtype),
                 " ", shape_text(header.shape), ", the archive declares ", member.size));
    return header;
}

Array read_member(const ZipArchive& zip, const ZipArchive::Member& member, std::uint64_t cap) {
    header_of(zip, member);  // before anything large is inflated
    return read_npy(blob_of(zip.name() + "#" + array_name(member.name), zip.read(member, cap)));
}

}  // namespace

std::vector<ArrayEntry> list_npz(const Blob& blob, std::uint64_t cap) {
    const ZipArchive zip = open(blob, cap);
    std::vector<ArrayEntry> out;
    for (const auto& member : zip.members()) {
        ArrayEntry entry{array_name(member.name), DType::f32, {}, ""};
        try {
            NpyHeader header = header_of(zip, member);
            entry.dtype = header.dtype;
            entry.shape = std::move(header.shape);
        } catch (const DataError& error) {
            entry.problem = error.what();
        }
        out.push_back(std::move(entry));
    }
    return out;
}

Array read_npz(const Blob& blob, const std::string& name, std::uint64_t cap) {
    const ZipArchive zip = open(blob, cap);
    const auto& members = zip.members();
    const auto found = std::find_if(members.begin(), members.end(), [&](const auto& member) {
        return array_name(member.name) == name;
    });
    return read_member(zip, found != members.end() ? *found : zip.find(name), cap);
}

NamedArrays read_npz(const Blob& blob, std::uint64_t cap) {
    const ZipArchive zip = open(blob, cap);
    NamedArrays out;
    for (const auto& member : zip.members())
        out.emplace_back(array_name(member.name), read_member(zip, member, cap));
    return out;
}

void write_npz(const FilePath& path, const NamedArrays& arrays) {
    std::vector<Buffer> headers;
    for (const auto& [name, array] : arrays) headers.push_back(npy_header(array));
    std::vector<ZipEntry> entries;
    for (std::size_t i = 0; i < arrays.size(); ++i)
        entries.push_back({arrays[i].first + ".npy", {headers[i], arrays[i].second.view()}});
    write_zip(path, entries);
}

}  // namespace pushforward

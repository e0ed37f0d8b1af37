#include "pushforward/base/hdf5.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <sstream>

#include "pushforward/base/hdf5_calls.hpp"

namespace pushforward {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

/// A second is much for any file; more for what is large.
int seconds_for(std::uint64_t bytes) {
    return static_cast<int>(std::min<std::uint64_t>(1 + bytes / (16 * mebibyte), 3600));
}

Confines confines_for(std::uint64_t bytes) {
    Confines out;
    out.memory += 3 * bytes;
    out.processor_seconds = seconds_for(bytes);
    out.seconds += 10 * out.processor_seconds;
    return out;
}

/// The texts of an answer that ends well; DataError of `place` with what came instead.
std::vector<std::string> answer(const Confined& heard, const std::string& place) {
    if (!heard.failure.empty())
        throw DataError(place, "", "malformed HDF5: its reader " + heard.failure);
    const Blob said = blob_of(place, heard.said);
    std::vector<std::string> parts;
    std::istringstream in{std::string(said.text())};
    for (std::string part; std::getline(in, part, '\0');) parts.push_back(part);
    if (parts.empty() || parts.back() != hdf5_finished)
        throw DataError(place, "",
                        "malformed HDF5: " + (parts.empty() ? "no answer" : parts.back()));
    parts.pop_back();
    return parts;
}

/// Why a file of this size cannot hold the values that it declares, or "": deflate gives 1032 bytes
/// for one at most, and what was never written (a fill value) is believed up to 64 MiB.
std::string lie(const ArrayEntry& entry, const Blob& blob) {
    try {
        const std::uint64_t bytes = byte_count(entry.dtype, entry.shape, "", "");
        if (bytes > 64 * mebibyte && bytes / 1032 > blob.bytes.size())
            return text("declares ", bytes, " bytes, which a file of ", blob.bytes.size(),
                        " cannot hold");
    } catch (const DataError&) {
        return "expected a shape that can be addressed, got " + shape_text(entry.shape);
    }
    return "";
}

}  // namespace

std::vector<ArrayEntry> list_hdf5(const Blob& blob) {
    if (blob.bytes.empty()) throw DataError(blob.name, "", "expected an HDF5 file, got no bytes");
    const auto parts = answer(
        run_confined([&](const Say& say) { list_hdf5_in_child(blob, say); },
                     confines_for(std::min<std::uint64_t>(blob.bytes.size(), 1024 * mebibyte))),
        blob.name);
    std::vector<ArrayEntry> out;
    // The child may have been taken over: its answer is checked like a file's.
    for (std::size_t i = 0; i + hdf5_fields <= parts.size(); i += hdf5_fields) {
        const int type = std::atoi(parts[i].c_str());
        if (type < 0 || type > static_cast<int>(DType::f64))
            throw DataError(blob.name, "", "malformed HDF5: its reader made no sense");
        ArrayEntry entry{parts[i + 2], static_cast<DType>(type), {}, parts[i + 3]};
        std::istringstream sizes(parts[i + 1]);
        for (std::int64_t n; sizes >> n;) entry.shape.push_back(n);
        if (entry.problem.empty()) entry.problem = lie(entry, blob);
        out.push_back(std::move(entry));
    }
    return out;
}

Array read_hdf5(const Blob& blob, const std::string& name, std::uint64_t cap) {
    const std::string place = blob.name + "#" + name;
    const auto entries = list_hdf5(blob);
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const ArrayEntry& entry) { return entry.name == name; });
    if (found == entries.end()) {
        std::string names;
        for (std::size_t i = 0; i < entries.size() && i < 20; ++i)
            names += (i ? ", " : "") + entries[i].name;
        throw DataError(blob.name, "",
                        "expected one of its data sets (" + names + "), got \"" + name + "\"");
    }
    if (!found->problem.empty()) throw DataError(place, "", found->problem);
    const std::size_t bytes = byte_count(found->dtype, found->shape, place, "");
    if (bytes > cap)
        throw DataError(place, "", text("expected at most ", cap, " bytes, it declares ", bytes));
    if (bytes == 0) return make_array(found->dtype, found->shape, {});
    // The child reads into memory that both see.
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    std::shared_ptr<const void> owner(memory, [bytes](void* p) { ::munmap(p, bytes); });
    answer(run_confined([&](const Say& say) { read_hdf5_in_child(blob, *found, memory, say); },
                        confines_for(bytes)),
           place);
    ::mprotect(memory, bytes, PROT_READ);  // a later child inherits it
    const Array array = view_array(found->dtype, found->shape,
                                   {static_cast<const std::byte*>(memory), bytes}, owner);
    check_booleans(array, place, "");
    return array;
}

void write_hdf5(const FilePath& path, const NamedArrays& arrays) {
    std::uint64_t bytes = 0;
    for (const auto& [name, array] : arrays) bytes += array.bytes;
    Confines confines = confines_for(bytes);
    confines.processor_seconds += 60;
    confines.seconds += 600;
    confines.answer = 2 * bytes + 64 * mebibyte;
    const Confined heard =
        run_confined([&](const Say& say) { write_hdf5_in_child(arrays, say); }, confines);
    if (!heard.failure.empty())
        throw Error(1, text("cannot write ", path.string(), ": the writer ", heard.failure));
    const Blob image = blob_of(path.string(), heard.said);
    PF_CHECK(image.text().starts_with("\x89HDF"), "hdf5 " + path.string(),
             "arrays that HDF5 can hold", image.text().data());
    write_atomic(path, image.bytes);
}

}  // namespace pushforward

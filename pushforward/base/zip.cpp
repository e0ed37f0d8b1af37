#include "pushforward/base/zip.hpp"

#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

constexpr std::uint64_t max_ratio = 1032;  // of deflate
constexpr std::size_t max_members = 10'000'000;

std::string message_of(zip_error_t* error) {
    std::string out = zip_error_strerror(error);
    zip_error_fini(error);
    return out;
}

/// Would a file of that name lie outside the folder that an archive is unpacked into?
bool escapes(const std::string& name) {
    const FilePath path(name);
    return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end() ||
           name.find('\\') != std::string::npos;
}

}  // namespace

struct ZipArchive::Inside {
    Blob blob;
    zip_t* zip = nullptr;
    std::vector<Member> members;
    std::vector<zip_uint64_t> index;  // of each member, in the archive
    std::map<std::string, std::size_t> by_name;
    std::mutex mutex;  // libzip's handle is for one thread at a time

    ~Inside() {
        if (zip) zip_discard(zip);
    }

    DataError refuse(const std::string& member, const std::string& what) const {
        return DataError(blob.name, member.empty() ? "" : "member \"" + member + "\"", what);
    }

    void list() {
        const zip_int64_t count = zip_get_num_entries(zip, 0);
        if (static_cast<std::size_t>(count) > max_members)
            throw refuse("", text("expected at most ", max_members, " members, got ", count));
        for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
            zip_stat_t stat;
            zip_stat_init(&stat);
            if (zip_stat_index(zip, i, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_NAME) ||
                !(stat.valid & ZIP_STAT_SIZE) || !(stat.valid & ZIP_STAT_COMP_SIZE))
                throw refuse("", text("expected a directory entry, member ", i, " has none"));
            const std::string name = stat.name;
            if (name.ends_with('/')) continue;
            if (name.empty() || escapes(name))
                throw refuse(name, "expected a name inside the archive");
            if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
                throw refuse(name, text("expected a stored or deflated member, got method ",
                                        stat.comp_method));
            if (stat.encryption_method != ZIP_EM_NONE)
                throw refuse(name, "expected a member that is not encrypted");
            if (stat.comp_size > blob.bytes.size() || stat.size > max_ratio * (stat.comp_size + 1))
                throw refuse(name, text("declares ", stat.size, " bytes, which ", stat.comp_size,
                                        " deflated bytes cannot hold"));
            if (!by_name.emplace(name, members.size()).second)
                throw refuse(name, "expected every name once");
            members.push_back({name, stat.size, stat.comp_size});
            index.push_back(i);
        }
    }

    /// Inflates `length` bytes; at the end of a member its size and CRC must be right too.
    Buffer inflate(const Member& member, std::uint64_t length) {
        const std::lock_guard lock(mutex);
        zip_file_t* file = zip_fopen_index(zip, index[by_name.at(member.name)], 0);
        if (!file) throw refuse(member.name, zip_strerror(zip));
        const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> closer(file, zip_fclose);
        Buffer out(length);
        std::uint64_t have = 0;
        const auto check = [&](zip_int64_t got) {
            if (got < 0)
                throw refuse(member.name, text("corrupt after byte ", have, ": ",
                                               zip_error_strerror(zip_file_get_error(file))));
        };
        while (have < length) {
            const zip_int64_t got = zip_fread(file, out.data() + have, length - have);
            check(got);
            if (got == 0)
                throw refuse(member.name, text("expected ", member.size, " bytes, got ", have));
            have += static_cast<std::uint64_t>(got);
        }
        if (length == member.size) {
            std::byte more;
            const zip_int64_t got = zip_fread(file, &more, 1);
            check(got);
            if (got != 0)
                throw refuse(member.name, text("expected ", member.size, " bytes, got more"));
        }
        return out;
    }
};

ZipArchive::ZipArchive(Blob blob) : inside_(std::make_unique<Inside>()) {
    inside_->blob = std::move(blob);
    const Bytes bytes = inside_->blob.bytes;
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source) inside_->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (!inside_->zip) {
        if (source) zip_source_free(source);
        throw inside_->refuse("", "expected a zip archive: " + message_of(&error));
    }
    inside_->list();
}

ZipArchive::ZipArchive(ZipArchive&&) noexcept = default;
ZipArchive::~ZipArchive() = default;

const std::string& ZipArchive::name() const {
    return inside_->blob.name;
}
const std::vector<ZipArchive::Member>& ZipArchive::members() const {
    return inside_->members;
}

const ZipArchive::Member& ZipArchive::find(const std::string& member) const {
    const auto found = inside_->by_name.find(member);
    if (found != inside_->by_name.end()) return inside_->members[found->second];
    std::string names;
    for (std::size_t i = 0; i < inside_->members.size() && i < 20; ++i)
        names += (i ? ", " : "") + inside_->members[i].name;
    throw inside_->refuse("",
                          "expected one of its members (" + names + "), got \"" + member + "\"");
}

Buffer ZipArchive::read(const Member& member, std::uint64_t cap) const {
    if (member.size > cap)
        throw inside_->refuse(member.name,
                              text("expected at most ", cap, " bytes, it declares ", member.size));
    return inside_->inflate(member, member.size);
}

Buffer ZipArchive::head(const Member& member, std::uint64_t length) const {
    return inside_->inflate(member, std::min(length, member.size));
}

void write_zip(const FilePath& path, const std::vector<ZipEntry>& entries) {
    const FilePath temporary = temporary_beside(path);
    const auto fail = [&](const std::string& why) {
        ::unlink(temporary.c_str());
        throw StorageError("cannot write " + path.string() + ": " + why);
    };
    int code = 0;
    zip_t* zip = zip_open(temporary.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!zip) fail(std::generic_category().message(errno));
    const auto check = [&](bool good) {
        if (good) return;
        zip_error_t* error = zip_get_error(zip);
        const std::string why = zip_error_system_type(error) == ZIP_ET_SYS
                                    ? std::generic_category().message(zip_error_code_system(error))
                                    : zip_error_strerror(error);
        zip_discard(zip);
        fail(why);
    };
    for (const ZipEntry& entry : entries) {
        std::vector<zip_buffer_fragment_t> parts;
        for (const Bytes part : entry.parts)
            // libzip's interface is not const but reads only.
            parts.push_back(
                {reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(part.data())), part.size()});
        zip_source_t* source = zip_source_buffer_fragment(zip, parts.data(), parts.size(), 0);
        check(source != nullptr);
        const zip_int64_t index = zip_file_add(zip, entry.name.c_str(), source, ZIP_FL_ENC_UTF_8);
        if (index < 0) zip_source_free(source);
        check(index >= 0);
        const auto i = static_cast<zip_uint64_t>(index);
        constexpr zip_uint16_t first_of_january_1980 = (1 << 5) | 1;
        check(zip_file_set_dostime(zip, i, 0, first_of_january_1980, 0) == 0);
        check(zip_set_file_compression(zip, i, ZIP_CM_DEFLATE, 1) == 0);
    }
    check(zip_close(zip) == 0);
    try {
        commit_rename(temporary, path);
    } catch (const StorageError&) {
        ::unlink(temporary.c_str());
        throw;
    }
}

}  // namespace pushforward

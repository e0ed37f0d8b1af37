#include "pushforward/data/picture_files.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/image.hpp"
#include "pushforward/base/sniff.hpp"
#include "pushforward/base/zip.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

bool is_picture(Bytes bytes) {
    const FileKind kind = sniff(bytes);
    return kind == FileKind::png || kind == FileKind::jpeg;
}

bool called_picture(const std::string& name) {
    std::string end = fs::path(name).extension().string();
    std::transform(end.begin(), end.end(), end.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return end == ".png" || end == ".jpg" || end == ".jpeg";
}

/// Files kept by systems beside the user's.
bool hidden(const std::string& name) {
    return name.rfind(".", 0) == 0 || name.find("/.") != std::string::npos ||
           name.rfind("__MACOSX", 0) == 0;
}

/// A whole PNG ends with its IEND chunk, a JPEG with its end marker; where the end is another, the
/// picture is decoded to see.
void check_whole(const Blob& blob) {
    constexpr std::array<unsigned char, 8> iend = {'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82};
    constexpr std::array<unsigned char, 2> eoi = {0xFF, 0xD9};
    const auto ends_with = [&](const auto& mark) {
        return blob.bytes.size() >= mark.size() &&
               std::memcmp(blob.bytes.data() + blob.bytes.size() - mark.size(), mark.data(),
                           mark.size()) == 0;
    };
    if (sniff(blob.bytes) == FileKind::png ? ends_with(iend) : ends_with(eoi)) return;
    decode_image(blob);
}

Pictures::File describe(const std::string& name, const Blob& blob) {
    check_whole(blob);
    const Image header = image_header(blob);
    return {name, "", blob.bytes.size(), header.height, header.width, header.channels};
}

/// Classes are the folders, without what all of them begin with.
void name_classes(std::vector<Pictures::File>& files) {
    std::vector<std::vector<std::string>> folders;
    for (const auto& f : files) {
        folders.emplace_back();
        for (const auto& part : fs::path(f.name).parent_path()) folders.back().push_back(part);
    }
    std::size_t common = folders.empty() ? 0 : folders[0].size();
    for (const auto& parts : folders) {
        const auto stop =
            std::mismatch(parts.begin(), parts.end(), folders[0].begin(), folders[0].end());
        common = std::min(common, static_cast<std::size_t>(stop.first - parts.begin()));
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
        std::string name;
        for (std::size_t k = common; k < folders[i].size(); ++k)
            name += (name.empty() ? "" : "/") + folders[i][k];
        files[i].folder = name.empty() ? "." : name;
    }
}

using Reader = std::function<Blob(const std::string&)>;

std::shared_ptr<const Source> make(const std::string& name, const std::string& where,
                                   std::vector<Pictures::File> files, const Reader& read,
                                   const FileOptions& options) {
    if (files.empty()) return nullptr;
    // two folders `train` and `test` at the top are the two sets
    std::map<std::string, std::vector<Pictures::File>> top;
    for (const auto& f : files) top[f.name.substr(0, f.name.find('/'))].push_back(f);
    std::shared_ptr<const Source> test;
    if (top.size() == 2 && top.count("train") && top.count("test")) {
        const auto size = [&](const Pictures::File& f) { return std::pair(f.height, f.width); };
        for (const auto& f : files)
            if (options.size == 0 && size(f) != size(files[0]))
                throw UsageError(text(name, ": sizes differ between ", files[0].name, " and ",
                                      f.name, ": expected ?size=N to make them equal"));
        test = make(name, where, std::move(top["test"]), read, options);
        files = std::move(top["train"]);
    }
    name_classes(files);
    Pictures pictures;
    pictures.name = name;
    pictures.kind = text(files.size(), " pictures in a ", where);
    pictures.test = std::move(test);
    pictures.files = std::move(files);
    pictures.read = read;
    return picture_source(std::move(pictures), options);
}

}  // namespace

std::shared_ptr<const Source> picture_folder(const FilePath& folder, const FileOptions& options) {
    std::vector<Pictures::File> files;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
        if (!entry.is_regular_file()) continue;
        const std::string name = fs::relative(entry.path(), folder).generic_string();
        if (hidden(name)) continue;
        const Blob blob = map_file(entry.path());
        if (is_picture(blob.bytes))
            files.push_back(describe(name, blob));
        else if (called_picture(name))
            throw DataError(entry.path().string(), "",
                            "expected a PNG or JPEG picture, got other bytes");
    }
    return make(
        folder.string(), "folder", std::move(files),
        [folder](const std::string& name) { return map_file(folder / name); }, options);
}

std::shared_ptr<const Source> picture_zip(const Blob& blob, const FileOptions& options) {
    struct Shared {
        explicit Shared(const Blob& bytes) : archive(bytes) {}
        ZipArchive archive;
        std::mutex mutex;
    };
    constexpr std::uint64_t cap = std::uint64_t{256} << 20;  // of one encoded picture
    const auto shared = std::make_shared<Shared>(blob);
    std::vector<Pictures::File> files;
    for (const auto& member : shared->archive.members()) {
        if (hidden(member.name)) continue;
        const std::string place = blob.name + "#" + member.name;
        if (!is_picture(shared->archive.head(member, 64))) {
            if (called_picture(member.name))
                throw DataError(place, "", "expected a PNG or JPEG picture, got other bytes");
            continue;
        }
        files.push_back(describe(member.name, blob_of(place, shared->archive.read(member, cap))));
    }
    return make(
        blob.name, "zip archive", std::move(files),
        [shared, blob](const std::string& name) {
            std::lock_guard lock(shared->mutex);
            return blob_of(blob.name + "#" + name,
                           shared->archive.read(shared->archive.find(name), cap));
        },
        options);
}

std::shared_ptr<const Source> one_picture(const Blob& blob, const FileOptions& options) {
    return make(
        blob.name, "file", {describe(fs::path(blob.name).filename().string(), blob)},
        [blob](const std::string&) { return blob; }, options);
}

}  // namespace pushforward

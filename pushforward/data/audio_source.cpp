#include "pushforward/base/audio.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <set>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

/// What `{NAME}` stands for in a file's name without its extension, in order; nothing when the name
/// does not fit the pattern. `{}` matches without being kept.
std::optional<std::vector<std::string>> matched(const std::string& pattern,
                                                const std::string& stem) {
    std::vector<std::string> values;
    std::size_t at = 0;
    for (std::size_t i = 0; i < pattern.size();) {
        if (pattern[i] != '{') {
            if (at >= stem.size() || stem[at] != pattern[i]) return {};
            ++at, ++i;
            continue;
        }
        const std::size_t close = pattern.find('}', i), next = close + 1;
        const std::string literal = pattern.substr(next, pattern.find('{', next) - next);
        const std::size_t end = literal.empty() ? stem.size() : stem.find(literal, at);
        if (end == std::string::npos || end == at) return {};
        if (close > i + 1) values.push_back(stem.substr(at, end - at));
        at = end;
        i = next;
    }
    if (at != stem.size()) return {};
    return values;
}

/// The names in a pattern: "{digit}_{speaker}_{}" has digit and speaker.
std::vector<std::string> names_in(const std::string& pattern, const std::string& spec) {
    std::vector<std::string> names;
    for (std::size_t i = pattern.find('{'); i != std::string::npos; i = pattern.find('{', i + 1)) {
        const std::size_t close = pattern.find('}', i);
        if (close == std::string::npos || pattern.find('{', i + 1) < close)
            throw UsageError(text("data ", spec, ": names=", pattern,
                                  ": expected {NAME} or {} between other characters"));
        if (close > i + 1) names.push_back(pattern.substr(i + 1, close - i - 1));
    }
    return names;
}

struct Recordings {
    std::vector<fs::path> files;
    std::vector<std::string> folders;  // of each file, below the one that was given
};

Recordings found(const fs::path& path) {
    Recordings r;
    if (!fs::is_directory(path)) return {{path}, {""}};
    for (const auto& entry : fs::recursive_directory_iterator(path))
        if (entry.is_regular_file() && is_audio(map_file(entry.path()).bytes))
            r.files.push_back(entry.path());
    std::sort(r.files.begin(), r.files.end());
    for (const auto& file : r.files)
        r.folders.push_back(fs::relative(file.parent_path(), path).generic_string());
    return r;
}

/// Class numbers of texts, in ascending order of the texts.
void add_classes(TensorParts& parts, const std::string& name,
                 const std::vector<std::string>& values) {
    const std::set<std::string> distinct(values.begin(), values.end());
    std::map<std::string, std::int64_t> number;
    for (const auto& value : distinct) number.emplace(value, number.size());
    std::vector<std::int64_t> labels;
    for (const auto& value : values) labels.push_back(number.at(value));
    parts.fields.push_back({name,
                            {Kind::symbol, {}, static_cast<std::int64_t>(distinct.size())},
                            {distinct.begin(), distinct.end()}});
    parts.given.push_back(torch::tensor(labels, torch::kLong));
}

void add_conditions(TensorParts& parts, const Recordings& r, const std::string& pattern,
                    const std::string& spec) {
    if (std::set<std::string>(r.folders.begin(), r.folders.end()).size() > 1)
        add_classes(parts, "label", r.folders);
    const auto names = names_in(pattern, spec);
    std::vector<std::vector<std::string>> values(names.size());
    for (const auto& file : r.files) {
        if (names.empty()) break;
        const auto of_file = matched(pattern, file.stem().string());
        if (!of_file) throw DataError(file.string(), "", "expected a name like " + pattern);
        for (std::size_t i = 0; i < names.size(); ++i) values[i].push_back((*of_file)[i]);
    }
    for (std::size_t i = 0; i < names.size(); ++i) add_classes(parts, names[i], values[i]);
}

/// Sound in memory, as reals.
constexpr std::int64_t kMostNumbers = std::int64_t{1} << 31;

}  // namespace

bool holds_audio(const fs::path& path) {
    if (!fs::is_directory(path)) return is_audio(map_file(path).bytes);
    for (const auto& entry : fs::recursive_directory_iterator(path))
        if (entry.is_regular_file() && is_audio(map_file(entry.path()).bytes)) return true;
    return false;
}

std::shared_ptr<const Source> audio_source(const DataSpecText& spec, const FileOptions& options) {
    const Recordings r = found(spec.path);
    TensorParts parts;
    parts.name = spec.path;
    std::vector<Audio> sound;
    std::int64_t longest = 0, cut = 0;
    for (const auto& file : r.files) {
        Audio audio = with_channels(decode_audio(open_file(file)), 1);
        if (options.rate > 0) audio = resample(audio, options.rate);
        if (parts.rate == 0) parts.rate = audio.rate;
        if (audio.rate != parts.rate)
            throw UsageError(text("data ", spec.text, ": ", file.filename().string(), " has ",
                                  audio.rate, " samples a second, ",
                                  r.files.front().filename().string(), " has ", parts.rate,
                                  ": expected ?rate=N to make them equal"));
        longest = std::max(longest, audio.frames());
        sound.push_back(std::move(audio));
    }
    const std::int64_t length = options.length > 0 ? options.length : longest,
                       n = static_cast<std::int64_t>(sound.size());
    if (n * length > kMostNumbers)
        throw UsageError(text("data ", spec.text, ": ", n, " recordings of ", length,
                              " samples: expected ?length=N so that they fit into memory"));
    parts.values = torch::zeros({n, length});
    for (std::int64_t i = 0; i < n; ++i) {
        const Audio& audio = sound[static_cast<std::size_t>(i)];
        std::copy_n(audio.samples.begin(), std::min(length, audio.frames()),
                    parts.values.data_ptr<float>() + i * length);
        cut += audio.frames() > length ? 1 : 0;
    }
    if (cut > 0) parts.notes.push_back(text(cut, " recordings are cut after ", length, " samples"));
    parts.space = {Kind::real, {length}};
    parts.kind = text(n, n == 1 ? " recording of " : " recordings of ", length, " samples at ",
                      parts.rate, " a second, silence behind their ends");
    add_conditions(parts, r, options.names, spec.text);
    return tensor_source(std::move(parts));
}

}  // namespace pushforward

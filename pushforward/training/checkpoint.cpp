#include "pushforward/training/checkpoint.hpp"

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/json.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

const char* const kManifest = "manifest.json";
const char* const kState = "state.json";

/// The files of a checkpoint that hold tensors, and where they belong.
template <class C>
auto tensor_files(C& c) {
    return std::vector<std::pair<std::string, decltype(&c.weights)>>{
        {"weights.safetensors", &c.weights},
        {"average.safetensors", &c.average},
        {"optimiser.safetensors", &c.optimiser}};
}

json::object to_value(const RunIdentity& i) {
    return {{"recipe_hash", i.recipe_hash},
            {"data_fingerprint", i.data_fingerprint},
            {"seed", i.seed},
            {"precision", i.precision},
            {"device", i.device},
            {"threads", i.threads}};
}

json::object to_value(const TrainState& s) {
    json::object terms;
    for (const auto& [name, value] : s.last_terms) terms[name] = value;
    json::object v{{"step", s.step},
                   {"batches", s.batches},
                   {"samples", s.samples},
                   {"seconds", s.seconds},
                   {"average_updates", s.average_updates},
                   {"best_step", s.best_step},
                   {"worse", s.worse},
                   {"stopped_early", s.stopped_early},
                   {"last_terms", terms},
                   {"identity", to_value(s.identity)}};
    v["best_loss"] = s.best_loss ? json::value(*s.best_loss) : json::value(nullptr);
    return v;
}

TrainState state_from(const json::value& v) {
    TrainState s;
    const auto& o = v.as_object();
    s.step = o.at("step").to_number<std::int64_t>();
    s.batches = o.at("batches").to_number<std::int64_t>();
    s.samples = o.at("samples").to_number<std::int64_t>();
    s.seconds = o.at("seconds").to_number<double>();
    s.average_updates = o.at("average_updates").to_number<std::int64_t>();
    s.best_step = o.at("best_step").to_number<std::int64_t>();
    s.worse = o.at("worse").to_number<std::int64_t>();
    s.stopped_early = o.at("stopped_early").as_bool();
    if (!o.at("best_loss").is_null()) s.best_loss = o.at("best_loss").to_number<double>();
    for (const auto& [name, value] : o.at("last_terms").as_object())
        s.last_terms.emplace_back(name, value.is_null() ? NAN : value.to_number<double>());
    const auto& i = o.at("identity").as_object();
    s.identity = {std::string(i.at("recipe_hash").as_string()),
                  std::string(i.at("data_fingerprint").as_string()),
                  i.at("seed").to_number<std::uint64_t>(),
                  std::string(i.at("precision").as_string()),
                  std::string(i.at("device").as_string()),
                  i.at("threads").to_number<std::int64_t>()};
    return s;
}

/// The list of files with a hash of the list itself.
std::string manifest_text(const json::array& list) {
    return to_json_indented(
        json::object{{"files", list}, {"sha256", sha256(bytes_of(to_json(list)))}});
}

/// Calls f; a JSON text that holds other things than expected is a DataError of `path`.
template <class F>
void translated(const fs::path& path, const char* what, F f) {
    auto refuse = [&](const std::exception& e) {
        throw DataError(path.string(), "", text("not ", what, ": ", e.what()));
    };
    try {
        f();
    } catch (const std::out_of_range& e) {
        refuse(e);
    } catch (const std::invalid_argument& e) {
        refuse(e);
    } catch (const boost::system::system_error& e) {
        refuse(e);
    }
}

/// DataError unless every file is as the manifest says.
void verify(const fs::path& folder) {
    const auto path = folder / kManifest;
    const auto blob = read_file(path, 1 << 20);
    translated(path, "a manifest", [&] {
        const auto manifest = parse_json(blob.text(), path.string());
        const auto& list = manifest.at("files").as_array();
        if (blob.text() != manifest_text(list))
            throw DataError(path.string(), "", "altered: it is not what was written");
        for (const auto& entry : list) {
            const std::string name(entry.at("file").as_string());
            const auto file = folder / fs::path(name).filename();
            const auto expected = entry.at("bytes").to_number<std::uint64_t>();
            std::error_code missing;
            const auto got = fs::file_size(file, missing);
            if (missing) throw DataError(file.string(), "", "the checkpoint's file is missing");
            if (got != expected)
                throw DataError(
                    file.string(), text("byte ", std::min(got, expected)),
                    text("cut short or grown: expected ", expected, " bytes, got ", got));
            if (sha256_file(file) != entry.at("sha256").as_string())
                throw DataError(file.string(), "", "altered: its SHA-256 is not the manifest's");
        }
    });
}

std::uint64_t bytes_in(const Checkpoint& c) {
    std::uint64_t total = 1 << 20;  // headers, state, manifest
    for (const auto& [file, tensors] : tensor_files(c))
        for (const auto& [name, tensor] : *tensors) total += tensor.nbytes();
    return total;
}

/// The step of a folder's name "step-N", or -1.
std::int64_t step_of(const fs::path& folder) {
    const auto name = folder.filename().string();
    const std::string prefix = "step-";
    std::int64_t step = -1;
    if (!name.starts_with(prefix)) return -1;
    const auto* end = name.data() + name.size();
    const auto r = std::from_chars(name.data() + prefix.size(), end, step);
    return r.ec == std::errc() && r.ptr == end ? step : -1;
}

}  // namespace

Checkpoints::Checkpoints(fs::path folder, std::int64_t keep,
                         std::function<void(const std::string&)> warn)
    : folder_(std::move(folder)), keep_(keep), warn_(std::move(warn)) {
    make_folder(folder_);
    for (const auto& entry : fs::directory_iterator(folder_))
        if (entry.path().extension() == ".tmp") remove_tree(entry.path());
}

fs::path Checkpoints::path(std::int64_t step) const {
    return folder_ / text("step-", step);
}

fs::path Checkpoints::save(const Checkpoint& c) {
    const auto final_path = path(c.state.step), temporary = fs::path(final_path) += ".tmp";
    struct statvfs disk {};
    const auto needed = bytes_in(c);
    if (statvfs(folder_.c_str(), &disk) == 0) {
        const auto available = std::uint64_t{disk.f_bavail} * disk.f_frsize;
        if (available < needed)
            throw StorageError(text(final_path.string(), ": a checkpoint needs ", needed,
                                    " bytes and the disk has ", available,
                                    " left; earlier checkpoints are intact"));
    }
    remove_tree(temporary);
    try {
        make_folder(temporary);
        json::array files;
        auto list = [&](const std::string& file) {
            files.push_back(json::object{{"file", file},
                                         {"bytes", fs::file_size(temporary / file)},
                                         {"sha256", sha256_file(temporary / file)}});
        };
        for (const auto& [file, tensors] : tensor_files(c)) {
            if (tensors->empty()) continue;
            write_tensors(temporary / file, *tensors);
            list(file);
        }
        write_atomic(temporary / kState, to_json_indented(to_value(c.state)));
        list(kState);
        write_atomic(temporary / kManifest, manifest_text(files));
        if (fs::exists(final_path)) {  // damaged, or of a run that was taken up before it
            const auto old = fs::path(final_path) += ".old.tmp";
            remove_tree(old);
            fs::rename(final_path, old);
        }
        commit_rename(temporary, final_path);
    } catch (...) {
        remove_tree(temporary);
        throw;
    }
    // Only now may older ones go; renamed first, so that none is ever seen half removed.
    remove_tree(fs::path(final_path) += ".old.tmp");
    auto all = steps();
    std::erase_if(all, [&](auto s) { return s > c.state.step; });
    for (std::size_t i = 0; i + static_cast<std::size_t>(keep_) < all.size(); ++i)
        if (all[i] != c.state.best_step || !c.state.best_loss) remove(all[i]);
    return final_path;
}

void Checkpoints::remove(std::int64_t step) {
    const auto doomed = fs::path(path(step)) += ".tmp";
    remove_tree(doomed);
    std::error_code failed;
    fs::rename(path(step), doomed, failed);
    remove_tree(failed ? path(step) : doomed);
}

std::vector<std::int64_t> Checkpoints::steps() const {
    std::vector<std::int64_t> all;
    for (const auto& entry : fs::directory_iterator(folder_))
        if (step_of(entry.path()) >= 0) all.push_back(step_of(entry.path()));
    std::sort(all.begin(), all.end());
    return all;
}

std::optional<Checkpoint> Checkpoints::latest() const {
    auto all = steps();
    std::string problems;
    for (auto step = all.rbegin(); step != all.rend(); ++step) try {
            return read(path(*step));
        } catch (const DataError& e) {
            problems += (problems.empty() ? "" : "; ") + std::string(e.what());
            if (warn_) warn_(text(e.what(), "; the checkpoint before it is used"));
        }
    if (problems.empty()) return {};
    throw DataError(folder_.string(), "", "no checkpoint is readable: " + problems);
}

Checkpoint Checkpoints::read(const fs::path& folder) {
    verify(folder);
    Checkpoint c;
    const auto path = folder / kState;
    translated(path, "a checkpoint's state", [&] {
        c.state = state_from(parse_json(read_file(path, 1 << 20).text(), path.string()));
    });
    for (const auto& [file, tensors] : tensor_files(c))
        if (fs::exists(folder / file)) *tensors = read_tensors(folder / file);
    return c;
}

}  // namespace pushforward

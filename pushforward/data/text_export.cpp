#include "pushforward/data/text_export.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/data/export.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cstdio>

namespace pushforward {
namespace {

constexpr std::size_t kFastaLine = 60;

std::string fasta(const std::vector<std::string>& texts) {
    std::string out;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        out += text(">sample_", i, "\n");
        for (std::size_t at = 0; at < texts[i].size(); at += kFastaLine)
            out += texts[i].substr(at, kFastaLine) + "\n";
    }
    return out;
}

}  // namespace

std::vector<std::string> texts_of(const at::Tensor& symbols, const Vocabulary& vocabulary) {
    const at::Tensor rows = symbols.to(at::kCPU, at::kLong).contiguous();
    const auto* s = rows.const_data_ptr<std::int64_t>();
    const std::int64_t l = rows.size(1);
    const auto& marks = vocabulary.marks();
    std::vector<std::string> texts;
    for (std::int64_t r = 0; r < rows.size(0); ++r) {
        std::vector<Symbol> row;
        for (std::int64_t i = 0; i < l && s[r * l + i] >= 0; ++i)
            if (const auto symbol = static_cast<Symbol>(s[r * l + i]);
                symbol != marks.end && symbol != marks.begin)
                row.push_back(symbol);
        texts.push_back(vocabulary.decode(row));
    }
    return texts;
}

void check_text_export(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    if (is_folder_path(path)) return check_new_folder(path);
    const bool good = extension == ".txt" || extension == ".smi" || extension == ".fasta" ||
                      extension == ".jsonl" || extension == ".npz" || extension == ".npy";
    PF_CHECK(good, "--out " + path.string(),
             "an extension .txt, .smi, .fasta, .jsonl, .npz or .npy, or a folder DIR/",
             extension.empty() ? "none" : extension);
}

void export_texts(const std::filesystem::path& path, const std::vector<std::string>& texts) {
    const std::string extension = path.extension().string();
    if (is_folder_path(path)) {
        write_folder(
            path, texts.size(), ".txt",
            [&](const std::filesystem::path& to, std::size_t i) { write_atomic(to, texts[i]); });
        return;
    }
    std::string out;
    if (extension == ".fasta") {
        out = fasta(texts);
    } else if (extension == ".jsonl") {
        for (const auto& t : texts) out += to_json(json::object{{"text", t}}) + "\n";
    } else if (extension == ".txt" && texts.size() == 1) {
        out = texts[0];
    } else {
        for (const auto& t : texts) out += t + "\n";
    }
    write_atomic(path, out);
}

}  // namespace pushforward

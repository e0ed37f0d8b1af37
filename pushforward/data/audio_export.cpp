#include "pushforward/data/audio_export.hpp"

#include "pushforward/base/audio.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/data/export.hpp"

#include <torch/types.h>

namespace pushforward {

void check_audio_export(const std::filesystem::path& path, std::int64_t items) {
    if (is_folder_path(path)) return check_new_folder(path);
    PF_CHECK(items == 1, "--out " + path.string(), "one item in a .wav, or a folder DIR/",
             text(items, " items"));
}

void export_audio(const std::filesystem::path& path, const at::Tensor& items, std::int64_t rate) {
    const auto write = [&](const std::filesystem::path& to, std::size_t i) {
        const at::Tensor row =
            items[static_cast<std::int64_t>(i)].to(at::kCPU, at::kFloat).clamp(-1, 1).contiguous();
        const auto* begin = row.const_data_ptr<float>();
        write_atomic(to, Bytes(encode_wav({rate, 1, {begin, begin + row.numel()}})));
    };
    if (is_folder_path(path))
        write_folder(path, static_cast<std::size_t>(items.size(0)), ".wav", write);
    else
        write(path, 0);
}

}  // namespace pushforward

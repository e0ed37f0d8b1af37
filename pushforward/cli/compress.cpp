#include "pushforward/base/errors.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/training/codec.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

struct CodecArguments {
    std::string run, in, out;
};

OpenedRun open_for_coding(const Common& common, const CodecArguments& a) {
    // The arithmetic is the processor's, in float32: the same everywhere.
    PF_CHECK(common.precision == "auto" || common.precision == "float32", "--precision",
             "float32, which alone is coded in", common.precision);
    return open_run(a.run, common.sets);
}

void print_sizes(const Common& common, const CodecArguments& a, std::size_t before,
                 std::size_t after) {
    const double bits = before ? 8 * static_cast<double>(after) / static_cast<double>(before) : 0;
    common.print(
        text(before, " bytes to ", after, " (", number_text(bits), " bits a byte): ", a.out),
        {{"in_bytes", before}, {"out_bytes", after}, {"out", a.out}});
}

void compress_file(const Common& common, const CodecArguments& a) {
    const OpenedRun run = open_for_coding(common, a);
    const Blob in = map_file(a.in);
    Progress progress("compress", common.quiet);
    const auto all = static_cast<std::int64_t>(in.bytes.size());
    const Buffer file = compress_with(
        run, in.bytes, [&](std::int64_t done) { progress.update(std::min(done, all), all); });
    progress.end();
    write_atomic(a.out, Bytes(file));
    print_sizes(common, a, in.bytes.size(), file.size());
}

void decompress_file(const Common& common, const CodecArguments& a) {
    const OpenedRun run = open_for_coding(common, a);
    const Blob in = map_file(a.in);
    Progress progress("decompress", common.quiet);
    const Buffer content =
        decompress_with(run, in, [&](std::int64_t done) { progress.update(done, done); });
    progress.end();
    write_atomic(a.out, Bytes(content));
    common.print(text(in.bytes.size(), " bytes to ", content.size(), ": ", a.out),
                 {{"in_bytes", in.bytes.size()}, {"out_bytes", content.size()}, {"out", a.out}});
}

void add_codec(CLI::App& program, Common& common, const std::string& name, const std::string& does,
               void (*run)(const Common&, const CodecArguments&)) {
    auto a = std::make_shared<CodecArguments>();
    CLI::App* verb = add_verb(program, common, name, does, [&common, a, run] { run(common, *a); });
    verb->add_option("RUN", a->run, "a run folder")->required();
    verb->add_option("--in", a->in, "the file to read")->required();
    verb->add_option("--out", a->out, "the file to write")->required();
}

}  // namespace

void add_compress(CLI::App& program, Common& common) {
    add_codec(program, common, "compress", "lossless coding with an exact-likelihood model",
              compress_file);
    add_codec(program, common, "decompress", "what compress wrote, back", decompress_file);
}

}  // namespace pushforward

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/core/simulator.hpp"
#include "pushforward/data/export.hpp"
#include "pushforward/data/inspect.hpp"
#include "pushforward/data/source.hpp"
#include "pushforward/simulators/catalogue.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <numeric>

namespace pushforward {
namespace {

struct DataArguments {
    std::string spec, out;
};

json::object inspection_json(const Inspection& r) {
    json::array columns;
    for (const auto& c : r.columns)
        columns.push_back({{"name", c.name},
                           {"low", c.low},
                           {"high", c.high},
                           {"mean", c.mean},
                           {"standard_deviation", c.standard_deviation},
                           {"not_finite", c.not_finite},
                           {"first_not_finite", c.first_not_finite},
                           {"text", c.text},
                           {"first_text", c.first_text}});
    json::object classes;
    for (const auto& [name, count] : r.classes) classes[name] = count;
    return {{"spec", r.spec},
            {"kind", r.kind},
            {"count", r.count},
            {"own_test", r.own_test},
            {"type", r.type},
            {"shape", json::value_from(r.shape)},
            {"columns", columns},
            {"classes", classes},
            {"duplicates", r.duplicates},
            {"odd", json::value_from(r.odd)},
            {"refused", r.refused}};
}

void inspect(const Common& common, const DataArguments& a) {
    const Inspection report = inspect_data(a.spec);
    json::object out = inspection_json(report);
    std::string lines = to_text(report);
    if (!a.out.empty()) {
        write_atomic(a.out, Bytes(report.picture));
        out["out"] = a.out;
        lines += "picture " + a.out + "\n";
    }
    common.print(lines, out);
}

void make(const Common& common, const DataArguments& a) {
    const auto data = open_data(a.spec);
    const Space& space = data->spec().x;
    check_export(a.out, space);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(data->size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    const Batch all = data->get(rows);
    std::vector<std::pair<std::string, Tensor>> extras(all.c.value.begin(), all.c.value.end());
    if (const Simulator* simulator = data->simulator(); simulator && simulator->has_log_prob())
        extras.emplace_back("log_prob", simulator->log_prob(all.x, all.c));
    export_items(a.out, all.x, space, extras, data->columns());
    common.print(text(data->size(), " items: ", a.out), {{"n", data->size()}, {"out", a.out}});
}

void list(const Common& common) {
    json::array known;
    std::string lines = "simulators\n";
    for (const auto& e : simulators()) {
        lines += "  sim:" + e.name + "  " + e.doc + "\n";
        known.push_back({{"name", e.name}, {"doc", e.doc}});
    }
    lines +=
        "files, each also as .gz\n"
        "  IDX, CIFAR binary, npy, npz and HDF5 (PATH#member), CSV, TSV and whitespace tables,\n"
        "  a folder of PNG and JPEG (class = subfolder), a zip of images\n";
    common.print(lines, {{"simulators", known}});
}

}  // namespace

void add_data(CLI::App& program, Common& common) {
    CLI::App* verb = program.add_subcommand("data", "sources and simulators");
    verb->require_subcommand(1);
    auto a = std::make_shared<DataArguments>();
    add_verb(*verb, common, "list", "what data can come from", [&common] { list(common); });
    CLI::App* see = add_verb(*verb, common, "inspect", "what a SPEC holds, and what is odd in it",
                             [&common, a] { inspect(common, *a); });
    see->add_option("SPEC", a->spec, "a data SPEC")->required();
    see->add_option("--out", a->out, "a PNG of the first items");
    CLI::App* write =
        add_verb(*verb, common, "make", "write a simulator's (or any) items to a file",
                 [&common, a] { make(common, *a); });
    write->add_option("SPEC", a->spec, "a data SPEC, such as sim:ring?n=1000")->required();
    write->add_option("--out", a->out, "a file .npz .h5 .npy .csv .png, or a folder DIR/")
        ->required();
}

}  // namespace pushforward

#include "pushforward/audit/audit.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/cli/common.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

struct AuditArguments {
    AuditRequest request;
    std::string work = "runs/audit", page;
};

void run_audit(Common& common, const AuditArguments& a) {
    AuditRequest request = a.request;
    request.sets = common.sets;
    request.seed = common.seed.value_or(0);
    request.work = a.work;
    request.progress = [&](const std::string& line) { common.say(line); };
    const auto results = audit(request);
    if (!a.page.empty()) write_atomic(a.page, audit_page(results, request));
    common.print(to_text(results) + (a.page.empty() ? "" : "page " + a.page + "\n"),
                 to_json(results));
    common.status = audit_status(results, request.lesion);
}

}  // namespace

void add_audit(CLI::App& program, Common& common) {
    auto a = std::make_shared<AuditArguments>();
    CLI::App* verb =
        add_verb(program, common, "audit",
                 "re-derive the library's mathematical claims (--set moves the truth's parameters)",
                 [&common, a] { run_audit(common, *a); });
    verb->add_option("CLAIM", a->request.claims, "claims by their ids (default: all)");
    verb->add_flag("--quick", a->request.quick, "less work, where the bands stay valid");
    verb->add_flag("--timed", a->request.timed, "also the claims about time");
    verb->add_flag("--lesion", a->request.lesion,
                   "re-initialise the fitted weights on disk: status 0 only if every claim fails");
    verb->add_option("--seeds", a->request.seeds, "seeds a claim (default: 3)")
        ->check(CLI::Range(1, 100));
    verb->add_option("--out", a->work, "where runs are fitted and kept (default: runs/audit)");
    verb->add_option("--page", a->page, "write a page, FILE.html");
}

}  // namespace pushforward

#include "pushforward/report/html.hpp"
#include "pushforward/report/svg.hpp"
#include "pushforward/training/run_report.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/image.hpp"
#include "pushforward/base/json.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

}  // namespace

TEST_CASE("numbers as people read them") {
    CHECK(readable(0) == "0");
    CHECK(readable(1234567, 9) == "1,234,567");
    CHECK(readable(999, 9) == "999");
    CHECK(readable(-12345, 9) == "-12,345");
    CHECK(readable(0.012345, 3) == "0.0123");
    CHECK(readable(1.234e-7, 2) == "1.2e-07");
    CHECK(readable(NAN) == "nan");
}

TEST_CASE("smoothing: a constant stays, a slope keeps its place, gaps are passed over") {
    for (double v : smoothed({2, 2, NAN, 2}, 3)) CHECK(v == doctest::Approx(2));
    std::vector<double> slope;
    for (int i = 0; i < 101; ++i) slope.push_back(i);
    CHECK(smoothed(slope, 5)[50] == doctest::Approx(50));
    // d = 1/2: (1 + 0/2 + 0/4) / (1 + 1/2 + 1/4).
    CHECK(smoothed({1, 0, 0}, 1)[0] == doctest::Approx(4.0 / 7));
}

TEST_CASE("a chart: one path a curve, a break at a gap, a logarithm only of positive values") {
    Chart chart{.title = "a < b", .x_label = "step", .curves = {}};
    chart.curves.push_back({"one", {0, 1, 2, 3}, {1, NAN, 100, 1000}, false, true, 2});
    chart.curves.push_back({"two", {0, 3}, {5, 5}});
    auto drawn = svg(chart);
    CHECK(drawn.find("a &lt; b") != std::string::npos);
    CHECK(count(drawn, "<path") == 2);
    CHECK(count(drawn, "<circle") == 3);
    CHECK(count(drawn.substr(drawn.find("<path"),
                             drawn.find("/>", drawn.find("<path")) - drawn.find("<path")),
                "M") == 2);
    CHECK(drawn.find(">one</text>") != std::string::npos);
    CHECK(drawn.find(">500</text>") != std::string::npos);
    chart.log_y = true;
    drawn = svg(chart);
    CHECK(drawn.find(">10</text>") != std::string::npos);
    CHECK(drawn.find(">500</text>") == std::string::npos);
    chart.curves[0].y[0] = 0;
    CHECK(svg(chart).find(">500</text>") != std::string::npos);
    chart.curves = {{"none", {1}, {NAN}}};
    CHECK(svg(chart).find("no values") != std::string::npos);
    chart.curves = {{"point", {1}, {3}}};
    CHECK(svg(chart).find("nan") == std::string::npos);
}

TEST_CASE("a long curve is thinned and keeps its spikes") {
    Chart chart{.title = "", .x_label = "", .curves = {{"", {}, {}}}};
    for (int i = 0; i < 100000; ++i) {
        chart.curves[0].x.push_back(i);
        chart.curves[0].y.push_back(i == 54321 ? 9 : 1);
    }
    const auto drawn = svg(chart);
    CHECK(count(drawn, "L") < 700);
    chart.curves[0].y[54321] = 1;
    CHECK(svg(chart) != drawn);
}

TEST_CASE("a page stands alone and lets no markup through") {
    Page page("<script>", "sub");
    page.verdict(true, "fine & well");
    page.table({"a"}, {{"\"<b>\""}});
    page.picture("PNG\n\xff", "a 'picture'");
    const auto html = page.html();
    CHECK(html.find("<script") == std::string::npos);
    CHECK(html.find("fine &amp; well") != std::string::npos);
    CHECK(html.find("&quot;&lt;b&gt;&quot;") != std::string::npos);
    CHECK(html.find("data:image/png;base64,UE5HCv8=") != std::string::npos);
    CHECK(html.find("a &#39;picture&#39;") != std::string::npos);
    for (const char* outside : {"http:", "https:", "//", "url(", "<link", "@import"})
        CHECK(html.find(outside) == std::string::npos);
}

TEST_CASE("a run's page: unfinished, finished, with a rising validation loss") {
    const auto folder = fs::temp_directory_path() / text("pushforward-report-", ::getpid());
    auto run = RunFolder::create(folder, "", RunFolder::Existing::resume);
    CHECK(run_report(run).find("Not finished: 0 steps") != std::string::npos);
    std::string lines;
    for (int step = 10; step <= 400; step += 10) {
        lines += text(R"({"step":)", step, R"(,"seconds":1,"samples":)", step, R"(,"loss":)",
                      4.0 / step, R"(,"part":null,"learning_rate":0.001,"gradient_norm":2})", "\n");
        if (step % 100 == 0)
            lines += text(R"({"step":)", step, R"(,"seconds":1,"validation/loss":)",
                          std::abs(step - 200) + 1, "}\n");
    }
    write_atomic(run.metrics(), lines + R"({"step": 410, "lo)");
    CHECK(run_report(run).find("Not finished: 400 steps") != std::string::npos);
    write_atomic(run.summary(), std::string_view(R"({"steps":400,"seconds":75,"parameters":1234,
        "samples":6400,"end":"patience","best_validation_loss":1,"best_step":200,
        "environment":{"precision":"bfloat16"}})"));
    write_atomic(run.recipe(), std::string_view("[train]\nsteps = 400\n"));
    make_folder(folder / "samples");
    for (int step : {100, 20, 400}) {
        Image image{1, 1, 1, {static_cast<std::uint8_t>(step / 2)}};
        write_atomic(run.samples(step), Bytes(encode_png(image)));
    }
    const auto html = run_report(run);
    for (const char* part :
         {"400 steps in 1 min 15 s, until validation no longer got better",
          "it was lowest (1) at step 200 and has risen since", "1,234</b>", "6,400</b>",
          ">Loss (log)</text>", ">Learning rate</text>", ">Gradient norm</text>", "bfloat16",
          "steps = 400", "after step 400", ">step 20<", ">step 100<", "held out"}) {
        CAPTURE(part);
        CHECK(html.find(part) != std::string::npos);
    }
    CHECK(count(html, "data:image/png") == 3);
    CHECK(html.find(">step 20<") < html.find(">step 100<"));
    fs::remove_all(folder);
}

}  // namespace pushforward

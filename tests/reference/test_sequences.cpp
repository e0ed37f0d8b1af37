// Networks of sequences against PyTorch's LSTM and transformers' GPT-2 and Llama:
// tools/make_sequence_fixture.py writes the file.
#include "pushforward/core/weights.hpp"
#include "pushforward/families/autoregressive/models.hpp"
#include "pushforward/objectives/likelihood.hpp"
#include "tests/unit/support.hpp"

#include <ATen/TensorOperators.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <string>

using namespace pushforward;
using pushforward::testing::worst;

namespace {

const std::string file = PF_SOURCE_DIR "/tests/reference/data/sequences.safetensors";
const DataSpec text_of_eleven = {{Kind::symbol, {-1}, 11, 10}, {}};

/// What the file has under a prefix, under our modules' names.
NamedTensors part(const NamedTensors& all, const std::string& prefix) {
    NamedTensors some;
    for (const auto& [name, t] : all)
        if (name.rfind(prefix, 0) == 0) some["network." + name.substr(prefix.size())] = t;
    return some;
}

void check_logits(Model& model, const NamedTensors& all, const std::string& peer) {
    copy_tensors(weights_of(model.module()), part(all, peer + ".weights."), file);
    const Tensor x = all.at("x"), expected = all.at(peer + ".logits");
    const Sequential& said = *model.sequential();
    CHECK(worst(said.logits(x, {}), expected) < 1e-5);
    const auto state = said.start({}, x.size(0));
    for (std::int64_t i = 0; i < x.size(1); ++i) {
        const Tensor came = x.slice(1, std::max<std::int64_t>(i - 1, 0), i);
        CHECK(worst(said.next(*state, came), expected.select(1, i)) < 1e-5);
    }
}

GptOptions small_gpt() {
    GptOptions options;
    options.layers = 2;
    options.heads = 4;
    options.width = 16;
    options.context = 12;
    return options;
}

}  // namespace

TEST_CASE("gpt has GPT-2's logits, at once and one after another") {
    const auto model = make_gpt(small_gpt(), {}, text_of_eleven);
    check_logits(*model, read_tensors(file), "gpt2");
}

TEST_CASE("gpt has Llama's logits, at once and one after another") {
    GptOptions options = small_gpt();
    options.key_heads = 2;
    options.hidden = 40;
    options.positions = Positions::rotary;
    options.norm = NormKind::rms;
    options.feed_forward = FeedForward::swiglu;
    options.tied = options.bias = false;
    options.rotary_base = 500;
    const auto model = make_gpt(options, {}, text_of_eleven);
    check_logits(*model, read_tensors(file), "llama");
}

TEST_CASE("char_lstm has the logits, loss and gradients of PyTorch's LSTM") {
    const NamedTensors all = read_tensors(file);
    LstmOptions options;
    options.embedding = 8;
    options.width = 16;
    options.layers = 2;
    const auto model = make_char_lstm(options, {}, text_of_eleven);
    check_logits(*model, all, "lstm");
    Batch batch;
    batch.x = all.at("x");
    const auto objective = make_likelihood({});
    const auto player = objective->players(*model, {})[0];
    const Loss loss = player.loss(batch, {0, Rng(1)});
    CHECK(loss.value.item<double>() ==
          doctest::Approx(all.at("lstm.loss").item<double>()).epsilon(1e-6));
    loss.value.backward();
    for (const auto& [name, gradient] : part(all, "lstm.gradients.")) {
        CAPTURE(name);
        for (const auto& p : model->module().named_parameters())
            if (p.key() == name) CHECK(worst(p.value().grad(), gradient) < 1e-6);
    }
}

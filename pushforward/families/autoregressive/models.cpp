#include "pushforward/families/autoregressive/models.hpp"

#include "pushforward/families/autoregressive/autoregressive.hpp"

#include <utility>

namespace pushforward {

std::unique_ptr<Model> make_char_lstm(const LstmOptions& options, const SymbolSampling& sampling,
                                      const DataSpec& spec) {
    return make_autoregressive(spec, sampling, text_code(spec.x),
                               [&](std::int64_t symbols, std::int64_t context) {
                                   return make_lstm_network(options, symbols, context);
                               });
}

std::unique_ptr<Model> make_gpt(const GptOptions& options, const SymbolSampling& sampling,
                                const DataSpec& spec) {
    return make_autoregressive(spec, sampling, text_code(spec.x),
                               [&](std::int64_t symbols, std::int64_t context) {
                                   return make_gpt_network(options, symbols, context);
                               });
}

void MadeModelOptions::visit(Fields& f) {
    MadeOptions::visit(f);
    f.integer("symbols", symbols, {.doc = "the numbers are 0 to this less 1", .low = 2});
}

std::unique_ptr<Model> make_made_model(const MadeModelOptions& options,
                                       const SymbolSampling& sampling, const DataSpec& spec) {
    return make_autoregressive(spec, sampling, integer_code(spec.x, options.symbols),
                               [&](std::int64_t symbols, std::int64_t context) {
                                   return make_made(options, spec.x.dimensions(), symbols, context);
                               });
}

void PixelCnnModelOptions::visit(Fields& f) {
    PixelCnnOptions::visit(f);
    f.integer("levels", levels, {.doc = "of the pictures: 256 of bytes", .low = 2, .high = 65536});
}

std::unique_ptr<Model> make_pixel_cnn_model(const PixelCnnModelOptions& options,
                                            const SymbolSampling& sampling, const DataSpec& spec) {
    return make_autoregressive(spec, sampling, level_code(spec.x, options.levels),
                               [&](std::int64_t symbols, std::int64_t context) {
                                   return make_pixel_cnn(options, spec.x.event, symbols, context);
                               });
}

void WaveNetModelOptions::visit(Fields& f) {
    WaveNetOptions::visit(f);
    f.integer("levels", levels,
              {.doc = "steps of the mu-law; text has its own symbols", .low = 2, .high = 65536});
}

std::unique_ptr<Model> make_wavenet_model(const WaveNetModelOptions& options,
                                          const SymbolSampling& sampling, const DataSpec& spec) {
    auto code = spec.x.is_sequence() ? text_code(spec.x) : mu_law_code(spec.x, options.levels);
    return make_autoregressive(spec, sampling, std::move(code),
                               [&](std::int64_t symbols, std::int64_t context) {
                                   return make_wavenet(options, symbols, context);
                               });
}

}  // namespace pushforward

#pragma once

#include "pushforward/core/model.hpp"
#include "pushforward/nn/char_lstm.hpp"
#include "pushforward/nn/gpt.hpp"
#include "pushforward/nn/made.hpp"
#include "pushforward/nn/pixel_cnn.hpp"
#include "pushforward/nn/wavenet.hpp"
#include "pushforward/samplers/symbol_sampler.hpp"

#include <memory>

namespace pushforward {

// One maker a model; what is common to all is said in autoregressive.hpp.

/// Text by an LSTM (Graves 2013).
std::unique_ptr<Model> make_char_lstm(const LstmOptions& options, const SymbolSampling& sampling,
                                      const DataSpec& spec);
/// Text by a transformer (Radford et al. 2019).
std::unique_ptr<Model> make_gpt(const GptOptions& options, const SymbolSampling& sampling,
                                const DataSpec& spec);

struct MadeModelOptions : MadeOptions {
    std::int64_t symbols = 2;

    void visit(Fields& f) override;
};
/// Vectors or pictures of the whole numbers 0 .. symbols - 1 (Germain et al. 2015).
std::unique_ptr<Model> make_made_model(const MadeModelOptions& options,
                                       const SymbolSampling& sampling, const DataSpec& spec);

struct PixelCnnModelOptions : PixelCnnOptions {
    std::int64_t levels = 256;

    void visit(Fields& f) override;
};
/// Pictures of levels spread evenly over [-1, 1] (van den Oord et al. 2016b).
std::unique_ptr<Model> make_pixel_cnn_model(const PixelCnnModelOptions& options,
                                            const SymbolSampling& sampling, const DataSpec& spec);

struct WaveNetModelOptions : WaveNetOptions {
    std::int64_t levels = 256;

    void visit(Fields& f) override;
};
/// Sound in [-1, 1] by the steps of a mu-law (van den Oord et al. 2016), or text.
std::unique_ptr<Model> make_wavenet_model(const WaveNetModelOptions& options,
                                          const SymbolSampling& sampling, const DataSpec& spec);

}  // namespace pushforward

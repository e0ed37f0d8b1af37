#pragma once

#include "pushforward/kernels/packed_linear.hpp"
#include "pushforward/nn/sequence_network.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace pushforward {

/// A layer norm or, with `rms`, an RMS norm of one place.
struct StepNorm {
    std::vector<float> gain, shift;
    bool rms = false;

    void operator()(const float* x, float* y) const;
};

/// A transformer's weights as one place after another reads them.
struct GptWeights {
    struct Shape {
        std::int64_t symbols, context, width, heads, key_heads, head, hidden;
        bool rotary;
    };
    struct Layer {
        StepNorm norm_1, norm_2;
        PackedLinear qkv, out, up, gate, down;  ///< `gate` is empty but for SwiGLU
    };
    Shape shape{};
    std::vector<Layer> layers;
    StepNorm norm;
    PackedLinear head, conditioned;
    std::vector<float> table, places;  ///< [symbols + 1, width], [context, width] or empty
    std::vector<float> cosine, sine;   ///< [context, head / 2]
};

/// n rows of a transformer, one place after another, with caches of keys and values: the same
/// arithmetic however many places come at once.
class GptSteps : public SequenceNetwork::State {
public:
    /// `context` [n, width of what is heard], or undefined.
    GptSteps(std::shared_ptr<const GptWeights> weights, std::int64_t n, const Tensor& context);
    /// See SequenceNetwork::next.
    Tensor next(const Tensor& came);

private:
    struct Places;
    void embed(const Places& p, const std::int64_t* symbol, std::int64_t k);
    void attend(const Places& p, std::size_t layer);
    void feed_forward(const Places& p, const GptWeights::Layer& layer);
    void turn(float* heads, std::int64_t count, std::int64_t place) const;

    std::shared_ptr<const GptWeights> weights_;
    std::int64_t n_, seen_ = 0;                         // places that the caches hold
    std::vector<float> condition_;                      // [n, width], or empty
    std::vector<std::vector<float>> k_, v_;             // a layer: [n, context, key width]
    std::vector<float> x_, y_, qkv_, h_, gate_, work_;  // of the places at hand
};

}  // namespace pushforward

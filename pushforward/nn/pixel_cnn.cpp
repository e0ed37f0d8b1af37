#include "pushforward/nn/pixel_cnn.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/step.hpp"
#include "pushforward/nn/causal.hpp"
#include "pushforward/nn/layers.hpp"
#include "pushforward/nn/logistic_levels.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

using torch::nn::Module;

Tensor gated(const Tensor& x) {
    const auto halves = x.chunk(2, -1);
    return at::tanh(halves[0]) * at::sigmoid(halves[1]);
}

class PixelCnn : public SequenceNetwork {
public:
    PixelCnn(const PixelCnnOptions& o, const std::vector<std::int64_t>& event, std::int64_t symbols,
             std::int64_t context)
        : o_(o), symbols_(symbols), context_(context) {
        PF_CHECK(event.size() == 3, "pixel_cnn", "pictures [channels, height, width]",
                 text("items of ", event.size(), " dimensions"));
        channels_ = event[0], height_ = event[1], width_ = event[2];
        PF_CHECK(symbols >= 2, "pixel_cnn", "at least two levels a channel", symbols);
        PF_CHECK(o.kernel % 2 == 1 && o.kernel >= 3, "pixel_cnn: kernel", "an odd number from 3",
                 o.kernel);
        PF_CHECK(o.features >= channels_, "pixel_cnn: features",
                 text("at least one a channel, ", channels_), o.features);
        const std::int64_t f = o.features, side = o.kernel / 2;
        const Tensor groups = unit_groups(f, channels_), twice = at::cat({groups, groups});
        for (std::int64_t i = 0; i < o.layers; ++i) {
            Module& own = submodule(submodule(*module_, "layers"), std::to_string(i));
            Layer& layer = layers_.emplace_back();
            layer.inputs = i == 0 ? 1 + channels_ : f;
            layer.vertical = CausalConv(own, "vertical", layer.inputs, 2 * f, side + 1, side, side);
            layer.horizontal = CausalConv(own, "horizontal", layer.inputs, 2 * f, 1, side, 0);
            layer.down = Linear(own, "down", 2 * f, 2 * f);
            layer.residual = Linear(own, "residual", f, f);
            if (context > 0) {
                layer.vertical_context = Linear(own, "vertical_context", context, 2 * f);
                layer.horizontal_context = Linear(own, "horizontal_context", context, 2 * f);
            }
            // A group sees all of the pixels before and, of its own, the one, the channels before
            // its own (numbered from 1) or the features of its own group and those before.
            const Tensor own_pixel =
                sight(twice, i == 0 ? at::arange(1 + channels_, at::kLong) : groups);
            layer.mask =
                submodule(own, "horizontal")
                    .register_buffer("mask", at::cat({at::ones({2 * f, layer.inputs, 1, side}),
                                                      own_pixel.unsqueeze(-1).unsqueeze(-1)},
                                                     3));
        }
        hidden_mask_ = module_->register_buffer("mask", sight(groups, groups));
        if (o.positions) {
            Module& own = submodule(*module_, "positions");
            const auto map = [&](const char* name) {
                return Weight(own.register_parameter(name, at::zeros({height_, width_, 2 * f})));
            };
            vertical_map_ = map("vertical"), horizontal_map_ = map("horizontal");
        }
        const bool logistic = o.head == "logistic";
        each_ = logistic ? 3 * o.mixtures : symbols;
        out_1_ = Linear(*module_, "out_1", f, f);
        // Equal parts of a mixture would stay equal: its weights do not begin at zero.
        out_2_ =
            Linear(*module_, "out_2", f, channels_ * each_, logistic ? Init::uniform : Init::zero);
        if (logistic) spread();
        out_mask_ = submodule(*module_, "out_2")
                        .register_buffer(
                            "mask", sight(at::arange(channels_, at::kLong).repeat_interleave(each_),
                                          groups));
    }

    std::int64_t longest() const override { return channels_ * height_ * width_; }

    Tensor forward(const Tensor& symbols, const Tensor& context) const override {
        const auto type = dtype_;
        const std::int64_t rows = symbols.size(0), length = symbols.size(1);
        PF_CHECK(length <= longest(), "pixel_cnn: symbols", text("at most ", longest()), length);
        const Tensor levels = symbols.clamp_min(0).to(type) * level_step() - 1;
        const Tensor picture = at::constant_pad_nd(levels, {0, longest() - length})
                                   .view({rows, height_, width_, channels_});
        Tensor h = at::cat({at::ones({rows, height_, width_, 1}, picture.options()), picture}, 3);
        Tensor v = at::constant_pad_nd(h, {0, 0, 0, 0, 1, 0}).slice(1, 0, height_);
        const auto heard = [&](const Linear& layer, const Tensor& x) {
            return context_ > 0 && context.defined()
                       ? x + layer(context.to(type)).unsqueeze(1).unsqueeze(1)
                       : x;
        };
        for (const Layer& layer : layers_) {
            const bool first = &layer == &layers_.front();
            Tensor above = heard(layer.vertical_context, layer.vertical(v));
            if (first && o_.positions) above = above + vertical_map_.in(type);
            Tensor beside = layer.horizontal(h, layer.mask) + layer.down(above);
            beside = heard(layer.horizontal_context, beside);
            if (first && o_.positions) beside = beside + horizontal_map_.in(type);
            const Tensor y = layer.residual(gated(beside), hidden_mask_);
            h = first ? y : h + y;
            if (&layer != &layers_.back()) v = gated(above);
        }
        const Tensor hidden = at::relu(out_1_(at::relu(h), hidden_mask_));
        const Tensor said =
            out_2_(hidden, out_mask_).reshape({rows, longest(), each_}).slice(1, 0, length);
        return o_.head == "logistic" ? logistic_levels(said, symbols_) : said;
    }

    std::unique_ptr<State> start(std::int64_t n, const Tensor& context) const override;
    Tensor next(State& state, const Tensor& came) const override;

private:
    struct Layer {
        std::int64_t inputs = 0;
        CausalConv vertical, horizontal;
        Linear down, residual, vertical_context, horizontal_context;
        Tensor mask;
    };
    class Steps;

    double level_step() const { return 2 / static_cast<double>(symbols_ - 1); }

    /// Lets the mixture's means begin evenly spread and its parts just as wide.
    void spread() {
        const at::NoGradGuard no_grad;
        const std::int64_t m = o_.mixtures;
        const Tensor means = (at::arange(m, at::kFloat) * 2 + 1) / m - 1;
        const Tensor scales = at::full({m}, -std::log(static_cast<double>(m)));
        out_2_.bias.parameter()
            .view({channels_, each_})
            .copy_(at::cat({at::zeros({m}), means, scales}));
    }

    PixelCnnOptions o_;
    std::int64_t symbols_, context_, channels_ = 0, height_ = 0, width_ = 0, each_ = 0;
    std::vector<Layer> layers_;
    Weight vertical_map_, horizontal_map_;
    Linear out_1_, out_2_;
    Tensor hidden_mask_, out_mask_;
};

/// The vertical stack is made row by row, the horizontal one group by group: what a group sees is
/// a run of numbers, so that its products need no mask. Each layer keeps its inputs of the present
/// row, [row, p + column, feature], and of the p + 1 last ones of the vertical stack, [place, row,
/// p + column, feature] with p columns of zeros on either side.
class PixelCnn::Steps : public State {
public:
    Steps(const PixelCnn& net, std::int64_t rows, const Tensor& context)
        : n(rows), net_(net), f_(net.o_.features), side_(net.o_.kernel / 2) {
        const std::int64_t channels = net.channels_, pixels = n * net.width_;
        for (const Layer& layer : net.layers_) {
            Part& part = parts_.emplace_back();
            part.inputs = layer.inputs;
            part.vertical =
                packed(layer.vertical.weight.parameter().permute({0, 2, 3, 1}).flatten(1),
                       layer.vertical.bias.parameter());
            part.down = packed(layer.down);
            if (net.context_ > 0) {
                part.above = projected("pixel_cnn", layer.vertical_context, context, n);
                part.beside = projected("pixel_cnn", layer.horizontal_context, context, n);
            }
            const Tensor flat =
                layer.horizontal.weight.parameter().permute({0, 2, 3, 1}).flatten(1);
            const Tensor bias = layer.horizontal.bias.parameter();
            for (std::int64_t g = 0; g < channels; ++g) {
                const std::int64_t from = begin(g), to = begin(g + 1);
                const std::int64_t seen =
                    side_ * part.inputs + (&layer == &net.layers_.front() ? 1 + g : to);
                const auto both = [&](const Tensor& x) {
                    return at::cat({x.slice(0, from, to), x.slice(0, f_ + from, f_ + to)});
                };
                part.horizontal.push_back(packed(both(flat).slice(1, 0, seen), both(bias)));
                part.residual.push_back(group_of(layer.residual, from, to, to));
            }
            part.row.resize(n * row_numbers(part));
            part.rows.resize((side_ + 1) * n * wide_numbers(part));
            part.came.resize(pixels * 2 * f_);
            part.gated.resize(n * f_);
        }
        for (std::int64_t g = 0; g < channels; ++g) {
            out_1_.push_back(group_of(net.out_1_, begin(g), begin(g + 1), begin(g + 1)));
            out_2_.push_back(
                group_of(net.out_2_, g * net.each_, (g + 1) * net.each_, begin(g + 1)));
        }
        if (net.o_.positions) {
            above_map_ = plain_numbers(net.vertical_map_.parameter());
            beside_map_ = plain_numbers(net.horizontal_map_.parameter());
        }
        last_.resize(n * f_), rectified_.resize(n * f_), hidden_.resize(n * f_);
        gates_.resize(n * 2 * f_), said_.resize(n * net.each_), logits_.resize(n * net.symbols_);
        std::int64_t taps = 0;
        for (const Part& part : parts_) taps = std::max(taps, part.vertical.in());
        taps_.resize(pixels * taps), pre_.resize(pixels * 2 * f_);
        if (net.longest() > 0) present();
    }

    /// The symbols of the present place, `stride` numbers after one another.
    void take(const std::int64_t* symbols, std::int64_t stride) {
        Part& part = parts_.front();
        for (std::int64_t i = 0; i < n; ++i)
            part.row[i * row_numbers(part) + (side_ + column_) * part.inputs + 1 + channel_] =
                static_cast<float>(static_cast<double>(symbols[i * stride]) * net_.level_step() -
                                   1);
        ++place;
        if (++channel_ == net_.channels_) channel_ = 0, ++column_;
        if (column_ == net_.width_) column_ = 0, ++row_;
        present();
    }

    const std::vector<float>& logits() {
        out_2_[channel_](hidden_.data(), f_, n, said_.data(), net_.each_);
        if (net_.o_.head != "logistic") return said_;
        for (std::int64_t i = 0; i < n; ++i)
            logistic_levels_step(&said_[i * net_.each_], net_.o_.mixtures, net_.symbols_,
                                 &logits_[i * net_.symbols_], work_);
        return logits_;
    }

    const std::int64_t n;
    std::int64_t place = 0;

private:
    struct Part {
        std::int64_t inputs = 0;
        PackedLinear vertical, down;
        std::vector<PackedLinear> horizontal, residual;  ///< of each group
        std::vector<float> above, beside;                ///< what the context adds
        std::vector<float> row, rows;
        std::vector<float> came;   ///< of the present row, what reaches the gates from above
        std::vector<float> gated;  ///< of the present pixel
    };

    std::int64_t begin(std::int64_t group) const { return units_before(group, f_, net_.channels_); }
    std::int64_t row_numbers(const Part& part) const { return (side_ + net_.width_) * part.inputs; }
    std::int64_t wide_numbers(const Part& part) const {
        return (2 * side_ + net_.width_) * part.inputs;
    }
    static PackedLinear group_of(const Linear& layer, std::int64_t from, std::int64_t to,
                                 std::int64_t seen) {
        return packed(layer.weight.parameter().slice(0, from, to).slice(1, 0, seen),
                      layer.bias.parameter().slice(0, from, to));
    }

    /// The features of the present place, which see everything before it.
    void present() {
        if (channel_ == 0 && column_ == 0) begin_row();
        const std::int64_t from = begin(channel_), units = begin(channel_ + 1) - from;
        for (std::size_t l = 0; l < parts_.size(); ++l) {
            Part& part = parts_[l];
            const std::int64_t pitch = row_numbers(part);
            part.horizontal[channel_](&part.row[column_ * part.inputs], pitch, n, gates_.data(),
                                      2 * units);
            for (std::int64_t i = 0; i < n; ++i) {
                float* gates = &gates_[2 * i * units];
                const float* came = &part.came[(i * net_.width_ + column_) * 2 * f_ + from];
                add_to(gates, came, units);
                add_to(gates + units, came + f_, units);
                gate_step(gates, gates + units, units, &part.gated[i * f_ + from]);
            }
            const bool last = l + 1 == parts_.size();
            float* y = last ? &last_[from] : &parts_[l + 1].row[(side_ + column_) * f_ + from];
            const std::int64_t step = last ? f_ : row_numbers(parts_[l + 1]);
            part.residual[channel_](part.gated.data(), f_, n, y, step);
            if (l > 0)
                for (std::int64_t i = 0; i < n; ++i)
                    add_to(y + i * step, &part.row[i * pitch + (side_ + column_) * f_ + from],
                           units);
        }
        for (std::int64_t i = 0; i < n; ++i) {
            std::copy_n(&last_[i * f_ + from], units, &rectified_[i * f_ + from]);
            relu_step(&rectified_[i * f_ + from], units);
        }
        out_1_[channel_](rectified_.data(), f_, n, &hidden_[from], f_);
        for (std::int64_t i = 0; i < n; ++i) relu_step(&hidden_[i * f_ + from], units);
    }

    /// The vertical stack of the present row: the row above is complete.
    void begin_row() {
        Part& first = parts_.front();
        const std::int64_t width = net_.width_, slot = row_ % (side_ + 1);
        for (std::int64_t i = 0; i < n; ++i) {
            float* row = &first.row[i * row_numbers(first) + side_ * first.inputs];
            if (row_ > 0)
                std::copy_n(
                    row, width * first.inputs,
                    &first.rows[(slot * n + i) * wide_numbers(first) + side_ * first.inputs]);
            for (std::int64_t c = 0; c < width; ++c) row[c * first.inputs] = 1;
        }
        for (std::size_t l = 0; l < parts_.size(); ++l) {
            Part& part = parts_[l];
            gather(part);
            const std::int64_t pixels = n * width;
            part.vertical(taps_.data(), part.vertical.in(), pixels, pre_.data(), 2 * f_);
            add_row(pre_, part.above, l == 0, above_map_);
            part.down(pre_.data(), 2 * f_, pixels, part.came.data(), 2 * f_);
            add_row(part.came, part.beside, l == 0, beside_map_);
            if (l + 1 == parts_.size()) break;
            Part& next = parts_[l + 1];
            for (std::int64_t i = 0; i < n; ++i)
                for (std::int64_t c = 0; c < width; ++c) {
                    const float* gates = &pre_[(i * width + c) * 2 * f_];
                    gate_step(gates, gates + f_, f_,
                              &next.rows[(slot * n + i) * wide_numbers(next) + (side_ + c) * f_]);
                }
        }
    }

    /// What each pixel of the row sees of the last rows: [row, column, place, column, feature].
    void gather(const Part& part) {
        const std::int64_t places = side_ + 1, run = net_.o_.kernel * part.inputs;
        float* to = taps_.data();
        for (std::int64_t i = 0; i < n; ++i)
            for (std::int64_t c = 0; c < net_.width_; ++c)
                for (std::int64_t j = 1; j <= places; ++j, to += run) {
                    const std::int64_t slot = (row_ + j) % places;  // the oldest first
                    std::copy_n(&part.rows[(slot * n + i) * wide_numbers(part) + c * part.inputs],
                                run, to);
                }
    }

    /// Adds to the row's gates what the context says and, in the first layer, the map's row.
    void add_row(std::vector<float>& x, const std::vector<float>& heard, bool first,
                 const std::vector<float>& map) const {
        const std::int64_t numbers = 2 * f_, width = net_.width_;
        for (std::int64_t i = 0; i < n; ++i)
            for (std::int64_t c = 0; c < width; ++c) {
                float* at = &x[(i * width + c) * numbers];
                if (!heard.empty()) add_to(at, &heard[i * numbers], numbers);
                if (first && !map.empty()) add_to(at, &map[(row_ * width + c) * numbers], numbers);
            }
    }

    const PixelCnn& net_;
    const std::int64_t f_, side_;
    std::vector<Part> parts_;
    std::vector<PackedLinear> out_1_, out_2_;  ///< of each group
    std::vector<float> above_map_, beside_map_;
    std::vector<float> last_, rectified_, hidden_, gates_, said_, logits_, taps_, pre_;
    std::vector<double> work_;
    std::int64_t row_ = 0, column_ = 0, channel_ = 0;
};

std::unique_ptr<SequenceNetwork::State> PixelCnn::start(std::int64_t n,
                                                        const Tensor& context) const {
    return std::make_unique<Steps>(*this, n, context);
}

Tensor PixelCnn::next(State& state, const Tensor& came) const {
    auto& steps = static_cast<Steps&>(state);
    const Tensor symbols =
        checked_symbols("pixel_cnn", came, steps.n, symbols_, longest() - 1 - steps.place);
    const std::int64_t k = symbols.size(1);
    for (std::int64_t j = 0; j < k; ++j) steps.take(symbols.const_data_ptr<std::int64_t>() + j, k);
    return rows_of(steps.logits(), steps.n);
}

}  // namespace

void PixelCnnOptions::visit(Fields& f) {
    f.integer("features", features, {.doc = "features of each stack", .low = 1});
    f.integer("layers", layers, {.doc = "gated layers of each stack", .low = 1});
    f.integer("kernel", kernel, {.doc = "pixels across each convolution; odd", .low = 3});
    f.flag("positions", positions,
           {.doc = "whether the first layer learns a bias of each pixel of the picture"});
    f.choice("head", head, {"categorical", "logistic"},
             {.doc = "a logit of each level, or those of a mixture of logistic laws"});
    f.integer("mixtures", mixtures, {.doc = "laws of the head \"logistic\"", .low = 1});
}

std::shared_ptr<SequenceNetwork> make_pixel_cnn(const PixelCnnOptions& options,
                                                const std::vector<std::int64_t>& event,
                                                std::int64_t symbols, std::int64_t context) {
    return std::make_shared<PixelCnn>(options, event, symbols, context);
}

}  // namespace pushforward

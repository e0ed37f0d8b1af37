#include "pushforward/metrics/neighbours.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/metrics/compared.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

constexpr std::int64_t kNearest = 3, kParts = 10, kLeast = kParts * (kNearest + 2);

/// f(begin, squared distances [rows of the block, M]) for blocks of x's rows against all of y's.
template <class F>
void for_blocks(const Tensor& x, const Tensor& y, F f) {
    constexpr std::int64_t block = 512;  // 40 MB against 10,000 points
    const Tensor y_square = y.square().sum(1);
    for (std::int64_t i = 0; i < x.size(0); i += block) {
        const Tensor rows = x.slice(0, i, std::min(i + block, x.size(0)));
        f(i, (rows.square().sum(1, true) + y_square - 2 * rows.matmul(y.t())).clamp_min(0));
    }
}

/// The squared distance of each point to its k-th nearest neighbour: [N].
Tensor squared_radii(const Tensor& x, std::int64_t k) {
    std::vector<Tensor> parts;
    for_blocks(x, x, [&](std::int64_t begin, Tensor distances) {
        const auto rows = torch::arange(distances.size(0));
        distances.index_put_({rows, rows + begin}, -1);  // a point itself comes first
        parts.push_back(std::get<0>(distances.kthvalue(k + 1, 1)));
    });
    return torch::cat(parts);
}

/// How many of the balls around `centres` hold each point, and how many points each ball holds.
struct Inside {
    Tensor balls_around, points_in;
};

Inside inside(const Tensor& centres, const Tensor& points, std::int64_t k) {
    const Tensor radii = squared_radii(centres, k);
    Tensor around = torch::zeros({points.size(0)}, torch::kLong);
    std::vector<Tensor> in;
    for_blocks(centres, points, [&](std::int64_t begin, const Tensor& distances) {
        const Tensor near =
            distances <= radii.slice(0, begin, begin + distances.size(0)).unsqueeze(1);
        around += near.sum(0);
        in.push_back(near.sum(1));
    });
    return {around, torch::cat(in)};
}

double value_of(NeighbourFigure figure, const Tensor& samples, const Tensor& data, std::int64_t k) {
    const auto share = [](const Tensor& counts) {
        return (counts > 0).to(torch::kDouble).mean().item<double>();
    };
    if (figure == NeighbourFigure::recall) return share(inside(samples, data, k).balls_around);
    const Inside found = inside(data, samples, k);
    if (figure == NeighbourFigure::precision) return share(found.balls_around);
    if (figure == NeighbourFigure::coverage) return share(found.points_in);
    return found.balls_around.to(torch::kDouble).mean().item<double>() / static_cast<double>(k);
}

class Neighbours : public Metric {
public:
    explicit Neighbours(NeighbourFigure figure) : figure_(figure) {}

    std::string refusal(const Judged& judged) const override {
        return compared_refusal(judged, kLeast);
    }
    std::string reservation(const Judged& judged) const override {
        return compared_reservation(judged);
    }
    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const Compared sets = compared(judged);
        static constexpr const char* names[] = {"precision", "recall", "density", "coverage"};
        return {{names[static_cast<int>(figure_)],
                 neighbour_figure(figure_, sets.samples, sets.held_out, Rng(judged.seed))}};
    }

private:
    NeighbourFigure figure_;
};

}  // namespace

Measurement neighbour_figure(NeighbourFigure figure, const Tensor& samples, const Tensor& data,
                             Rng rng, std::int64_t k) {
    PF_CHECK(samples.dim() == 2 && data.dim() == 2 && samples.size(1) == data.size(1), "neighbours",
             "two sets of points of one space", samples.sizes(), " and ", data.sizes());
    const std::int64_t least = kParts * (k + 2);
    PF_CHECK(k >= 1 && samples.size(0) >= least && data.size(0) >= least, "neighbours",
             text("at least ", least, " points in each set for k = ", k), samples.size(0), " and ",
             data.size(0));
    const torch::NoGradGuard no_grad;
    const Tensor x = samples.to(torch::kDouble), y = data.to(torch::kDouble);
    const Tensor of_x = torch::tensor(rng.permutation(x.size(0))),  // sets may be in an order
        of_y = torch::tensor(rng.permutation(y.size(0)));
    const auto part = [](const Tensor& set, const Tensor& order, std::int64_t i) {
        return set.index_select(0, order.slice(0, i, order.size(0), kParts));
    };
    std::vector<double> parts;
    for (std::int64_t i = 0; i < kParts; ++i)
        parts.push_back(value_of(figure, part(x, of_x, i), part(y, of_y, i), k));
    const double error =
        torch::tensor(parts, torch::kDouble).std().item<double>() / std::sqrt(double(kParts));
    const bool share = figure != NeighbourFigure::density;
    return {value_of(figure, x, y, k), error, x.size(0), share ? "share" : "over expected", true};
}

std::unique_ptr<Metric> make_neighbours(NeighbourFigure figure) {
    return std::make_unique<Neighbours>(figure);
}

}  // namespace pushforward

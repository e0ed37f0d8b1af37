#include "pushforward/math/assignment.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>

#include <limits>

namespace pushforward {

std::vector<std::int64_t> assignment(const Tensor& cost) {
    PF_CHECK(cost.dim() == 2 && cost.size(0) == cost.size(1), "assignment", "a square cost",
             cost.sizes());
    const Tensor wide = cost.to(at::kCPU, at::kDouble).contiguous();
    PF_CHECK(at::isfinite(wide).all().item<bool>(), "assignment", "finite costs", "others");
    const auto n = static_cast<std::size_t>(wide.size(0));
    const double* c = wide.const_data_ptr<double>();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const std::size_t none = n;  // column n is where the row that looks for a partner stands

    std::vector<double> of_row(n, 0), of_column(n + 1, 0);  // c_ij - of_row - of_column >= 0
    std::vector<std::size_t> row_of(n + 1, none);           // column -> its row
    for (std::size_t row = 0; row < n; ++row) {
        std::vector<double> shortest(n, infinity);
        std::vector<std::size_t> before(n, none);
        std::vector<std::size_t> reached{none}, open(n);
        for (std::size_t j = 0; j < n; ++j) open[j] = j;
        row_of[none] = row;
        std::size_t at = none;
        while (row_of[at] != none) {
            const std::size_t i = row_of[at];
            double least = infinity;
            std::size_t place = 0;
            for (std::size_t k = 0; k < open.size(); ++k) {
                const std::size_t j = open[k];
                const double reduced = c[i * n + j] - of_row[i] - of_column[j];
                if (reduced < shortest[j]) {
                    shortest[j] = reduced;
                    before[j] = at;
                }
                if (shortest[j] < least) {
                    least = shortest[j];
                    place = k;
                }
            }
            for (const std::size_t j : reached) {
                of_row[row_of[j]] += least;
                of_column[j] -= least;
            }
            for (const std::size_t j : open) shortest[j] -= least;
            at = open[place];
            open[place] = open.back();
            open.pop_back();
            reached.push_back(at);
        }
        while (at != none) {  // the path's columns move one row on
            row_of[at] = row_of[before[at]];
            at = before[at];
        }
    }
    std::vector<std::int64_t> column_of(n);
    for (std::size_t j = 0; j < n; ++j) column_of[row_of[j]] = static_cast<std::int64_t>(j);
    return column_of;
}

Tensor squared_distances(const Tensor& x, const Tensor& y) {
    const Tensor a = x.flatten(1).to(at::kDouble), b = y.flatten(1).to(at::kDouble);
    const Tensor products = a.matmul(b.t());
    return (a.square().sum(1, true) + b.square().sum(1).unsqueeze(0) - 2 * products).clamp_min(0);
}

}  // namespace pushforward

#include "pushforward/objectives/consistency.hpp"

#include "pushforward/core/rowwise.hpp"
#include "pushforward/objectives/parts.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

namespace pushforward {
namespace {

class Consistency : public Objective {
public:
    explicit Consistency(const ConsistencyOptions& options) : options_(options) {}

    std::string teacher() const override { return options_.teacher; }

    std::string refusal(const Model& model, const Sources& sources) const override {
        if (!model.denoiser()) return "consistency needs a model that denoises (family diffusion)";
        if (!sources.data) return "consistency learns from data, and there is none";
        if (options_.teacher.empty()) return "consistency needs objective.teacher, a run folder";
        if (!sources.teacher || !sources.teacher->denoiser())
            return "objective.teacher: " + options_.teacher + " does not denoise";
        if (!same_path(model.denoiser()->path(), sources.teacher->denoiser()->path()))
            return "objective.teacher: " + options_.teacher + " walks another path than the model";
        return "";
    }

    std::vector<Player> players(Model& model, const Sources& sources) const override {
        const Denoiser& student = *model.denoiser();
        const Denoiser& teacher = *sources.teacher->denoiser();
        const auto grid = time_grid(student.path(), Grid::log_snr, options_.steps);
        const Tensor times = at::tensor(at::ArrayRef<double>(grid), at::kDouble);
        return one_player(model, [&student, &teacher, times, options = options_](const Batch& batch,
                                                                                 const Step& step) {
            return Loss{mean_over(batch, rows(student, teacher, times, options, batch, step))};
        });
    }

private:
    static Tensor rows(const Denoiser& student, const Denoiser& teacher, const Tensor& times,
                       const ConsistencyOptions& options, const Batch& batch, const Step& step) {
        const Tensor& x0 = batch.x;
        Rng for_times = step.rng.split(0), for_noise = step.rng.split(1),
            for_conditions = step.rng.split(2);
        const Condition c =
            hide_rows(batch.c, batch.size(), options.condition_dropout, for_conditions);
        const Tensor k = for_times.integers(0, times.size(0) - 1, {batch.size()}, x0.device());
        const Tensor grid = times.to(x0.device());
        const Tensor t = grid.index_select(0, k), s = grid.index_select(0, k + 1);
        const Path& path = student.path();
        const Level from = path.at(t), to = path.at(s);
        const Tensor x =
            rowwise(from.alpha, x0) * x0 + rowwise(from.sigma, x0) * normal_like(x0, for_noise);
        Tensor target;
        {
            const at::NoGradGuard no_grad;
            const Tensor item = teacher.predict_x0(x, t, c);
            // DDIM: x_s = (sigma_s / sigma_t) x_t + (alpha_s - alpha_t sigma_s / sigma_t) x0
            const Tensor ratio = to.sigma / from.sigma;
            const Tensor next =
                rowwise(ratio, x) * x + rowwise(to.alpha - ratio * from.alpha, x) * item;
            const Tensor last = s == 0;
            const Tensor asked = at::where(last, path.t_min(), s);
            target = at::where(rowwise(last, x) != 0, item, student.predict_x0(next, asked, c));
        }
        const Tensor error = student.predict_x0(x, t, c) - target;
        return (error / rowwise(student.residual_scale(t), x)).square().flatten(1).mean(1);
    }

    ConsistencyOptions options_;
};

}  // namespace

void ConsistencyOptions::visit(Fields& f) {
    f.text("teacher", teacher, {.doc = "the run folder of the model that is distilled"});
    f.integer("steps", steps, {.doc = "times of the grid that the teacher walks", .low = 2});
    f.number("condition_dropout", condition_dropout,
             {.doc = "how often a row's condition is hidden", .low = 0, .high = 1});
}

std::unique_ptr<Objective> make_consistency(const ConsistencyOptions& options) {
    return std::make_unique<Consistency>(options);
}

}  // namespace pushforward

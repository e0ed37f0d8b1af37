#!/usr/bin/env bash
# Writes a model to start from: header, source, line in the catalogue, and recipe. It works as it is (a small
# flow-matching network); replace what it does. The law tests find it in the catalogue.
#
#     tools/new_model.sh NAME FAMILY        both in snake_case, such as: pixel_cnn autoregressive
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "new_model: $*" >&2; exit 2; }
[ $# = 2 ] || fail "expected NAME FAMILY, got $# arguments"
for word in "$@"; do
    [[ $word =~ ^[a-z][a-z0-9_]*$ ]] || fail "expected a snake_case name, got '$word'"
done
name=$1 family=$2
type=$(sed -E 's/(^|_)([a-z0-9])/\u\2/g' <<< "$name")
folder=pushforward/families/$family
catalogue=pushforward/families/catalogue.cpp
recipe=recipes/$family/$name-ring.toml
for file in "$folder/$name.hpp" "$folder/$name.cpp" "$recipe"; do
    [ ! -e "$file" ] || fail "$file is there already"
done
! grep -q "entry(\"$name\"" "$catalogue" || fail "$catalogue has a model '$name' already"

mkdir -p "$folder" "recipes/$family"
fill() { sed -e "s/@name@/$name/g" -e "s/@family@/$family/g" -e "s/@Type@/$type/g" > "$1"; }

fill "$folder/$name.hpp" <<'HPP'
#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"
#include "pushforward/samplers/denoising_sampler.hpp"

#include <memory>

namespace pushforward {

struct @Type@Options : Options {
    std::int64_t width = 128, layers = 3;

    void visit(Fields& f) override;
};

/// x_t = (1 - t) x0 + t eps; a perceptron learns the velocity eps - x0, so that the denoised item
/// is x_t - t F(x_t, t, c). (Say here what your model computes, and the paper with its year.)
std::unique_ptr<Model> make_@name@(const @Type@Options& options, const DenoisingSampling& sampling,
                                   const DataSpec& spec);

}  // namespace pushforward
HPP

fill "$folder/$name.cpp" <<'CPP'
#include "pushforward/families/@family@/@name@.hpp"

#include "pushforward/core/rowwise.hpp"
#include "pushforward/nn/mlp.hpp"

#include <ATen/ops/full_like.h>
#include <ATen/ops/ones_like.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

/// alpha = 1 - t, sigma = t.
class @Type@Path : public Path {
public:
    Level at(const Tensor& t) const override { return {1 - t, t}; }
    Level derivative(const Tensor& t) const override {
        return {at::full_like(t, -1), at::ones_like(t)};
    }
    double t_min() const override { return 1e-3; }
    double t_max() const override { return 1; }
    Tensor training_time(const Tensor& u) const override {
        return t_min() + (t_max() - t_min()) * u;
    }
};

class @Type@ : public Model, public Denoiser {
public:
    @Type@(const @Type@Options& options, const DenoisingSampling& sampling, const DataSpec& spec)
        : spec_(spec), sampling_(sampling) {
        MlpOptions mlp;
        mlp.width = options.width;
        mlp.layers = options.layers;
        network_ = make_mlp(mlp, spec);
    }

    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return network_->module(); }
    Samples sample(const SampleRequest& request, Rng rng) const override {
        return sample_denoiser(*this, spec_, sampling_, request, rng);
    }
    const Denoiser* denoiser() const override { return this; }

    const Path& path() const override { return path_; }
    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const override {
        return x - rowwise(t, x) * network_->forward(x, 1000 * t, c);
    }
    Residual residual(const Tensor& x0, const Tensor& eps, const Tensor& t,
                    const Condition& c) const override {
        const Tensor time = rowwise(t, x0);
        return network_->forward((1 - time) * x0 + time * eps, 1000 * t, c) - (eps - x0);
    }
    Tensor residual_scale(const Tensor& t) const override { return -t; }

private:
    DataSpec spec_;
    DenoisingSampling sampling_;
    @Type@Path path_;
    std::shared_ptr<DenoisingNetwork> network_;
};

}  // namespace

void @Type@Options::visit(Fields& f) {
    f.integer("width", width, {.doc = "units of each hidden layer", .low = 1});
    f.integer("layers", layers, {.doc = "hidden layers", .low = 1});
}

std::unique_ptr<Model> make_@name@(const @Type@Options& options, const DenoisingSampling& sampling,
                                   const DataSpec& spec) {
    return std::make_unique<@Type@>(options, sampling, spec);
}

}  // namespace pushforward
CPP

fill "$recipe" <<'TOML'
# Eight normals on a circle, to see that the model learns at all. (Say here what the recipe
# reproduces, how long it takes on two cores, and what it reached over how many seeds.)
[data]
source = "sim:ring"

[model]
name = "@name@"

[train]
steps = 2000
batch = 256
learning_rate = 0.002
schedule = "cosine"
warmup = 50
TOML

# The catalogue: the header after the last one, the line at the end of the list.
last=$(grep -n '^#include "pushforward/families/.*/' "$catalogue" | tail -1 | cut -d: -f1)
sed -i "${last}a #include \"pushforward/families/$family/$name.hpp\"" "$catalogue"
end=$(grep -n '^    };$' "$catalogue" | head -1 | cut -d: -f1)
sed -i "${end}i \\        entry(\"$name\", \"$family\", \"what it is, in one line\", \"who and when\",\n              DenoisingSampling{}, {\"denoising\"}, make_$name)," "$catalogue"
if command -v clang-format-14 >/dev/null; then
    clang-format-14 -i "$folder/$name.hpp" "$folder/$name.cpp" "$catalogue"
fi

cat <<TEXT
wrote $folder/$name.hpp
      $folder/$name.cpp
      $recipe
added a line to $catalogue
next  make && build/release/pushforward train $name-ring
      ctest --test-dir build/release -R laws
TEXT

#pragma once

#include "pushforward/base/fields.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pushforward {

// The laws of one dimension that claims about scores and solvers are tried on, in float64, without
// the models' code.

/// sum_k w_k N(m_k, s_k^2).
struct NormalMixture {
    struct Part {
        double weight, mean, deviation;
    };
    std::vector<Part> parts;

    double density(double x) const;
    double cdf(double x) const;
    double score(double x) const;  ///< d log density / dx
    double quantile(double p) const;
    double mean() const;
    double deviation() const;
    double entropy() const;  ///< nats, by quadrature
    /// The law of alpha x + sigma eps.
    NormalMixture noised(double alpha, double sigma) const;
};

/// weight N(-mean, deviation^2) + (1 - weight) N(mean, deviation^2), as a claim's parameters.
struct TwoNormals : Options {
    double weight = 0.3, mean = 1.5, deviation = 0.3;

    TwoNormals() = default;
    TwoNormals(double w, double m, double s) : weight(w), mean(m), deviation(s) {}
    void visit(Fields& f) override;
    NormalMixture law() const;
    /// The SPEC of n draws in `dimension` dimensions, with means on the diagonal.
    std::string data(std::int64_t n, std::uint64_t seed, std::int64_t dimension = 1) const;
};

/// The recipe of model `mixture` with two normals, fitted by maximum likelihood to 200,000 draws.
std::string mixture_recipe(const TwoNormals& truth, std::uint64_t seed);

/// alpha and sigma of the variance-preserving path with beta from 0.1 to 20 (Song et al. 2021).
struct Vp {
    static double beta(double t);
    static double alpha(double t);
    static double sigma(double t);
    static constexpr double t_min = 1e-3;
};

}  // namespace pushforward

#include "pushforward/families/catalogue.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/families/autoregressive/models.hpp"
#include "pushforward/families/classifier/classifier.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/families/diffusion/mixture.hpp"
#include "pushforward/families/diffusion/score_sde.hpp"
#include "pushforward/families/flow/circular_spline.hpp"
#include "pushforward/families/flow/continuous_flow.hpp"
#include "pushforward/families/flow/models.hpp"
#include "pushforward/families/flow/residual_flow.hpp"

namespace pushforward {
namespace {

/// A line of the catalogue from a model's own `make_x(Options, Sampling, DataSpec)`.
template <class O, class S>
CatalogueEntry entry(std::string name, std::string family, std::string summary, std::string paper,
                     S sampling, std::vector<std::string> objectives,
                     std::unique_ptr<Model> (*make)(const O&, const S&, const DataSpec&),
                     std::string own_units = "", Space example = {Kind::real, {1, 8, 8}}) {
    return {std::move(name),
            std::move(family),
            std::move(summary),
            std::move(paper),
            [] { return std::make_unique<O>(); },
            [sampling] { return std::make_unique<S>(sampling); },
            std::move(objectives),
            [make](const Options& model, const Options& sample, const DataSpec& spec) {
                return make(dynamic_cast<const O&>(model), dynamic_cast<const S&>(sample), spec);
            },
            std::move(own_units),
            std::move(example)};
}

/// Text of three symbols and an end.
Space text_items() {
    return {Kind::symbol, {-1}, 4, 3};
}

}  // namespace

const std::vector<CatalogueEntry>& catalogue() {
    static const std::vector<CatalogueEntry> all = {
        entry("ddpm", "diffusion", "denoising diffusion in discrete steps",
              "Ho, Jain & Abbeel 2020", DenoisingSampling{}, {"denoising", "consistency"},
              make_ddpm),
        entry("edm", "diffusion", "denoising diffusion with EDM's preconditioning",
              "Karras, Aittala, Aila & Laine 2022", edm_sampling(), {"denoising", "consistency"},
              make_edm),
        entry("flow_matching", "diffusion", "velocity along straight paths from noise to data",
              "Lipman et al. 2022; Liu, Gong & Liu 2022", flow_matching_sampling(),
              {"denoising", "consistency"}, make_flow_matching),
        entry("score_sde", "diffusion", "score-based models of an SDE: VP, sub-VP or VE",
              "Song et al. 2021", DenoisingSampling{},
              {"denoising", "score_matching", "consistency"}, make_score_sde),
        entry("mixture", "mixture", "a mixture of normals, as a density and as a denoiser",
              "McLachlan & Peel 2000", MixtureSampling{},
              {"likelihood", "denoising", "score_matching"}, make_mixture_model),
        entry("nice", "flow", "additive couplings: volumes stay as they are",
              "Dinh, Krueger & Bengio 2014", FlowSampling{}, {"likelihood"}, make_nice),
        entry("real_nvp", "flow", "affine couplings: exact densities and samples in one pass",
              "Dinh, Sohl-Dickstein & Bengio 2016", FlowSampling{}, {"likelihood"}, make_real_nvp),
        entry("glow", "flow", "pictures by 1 x 1 convolutions and affine couplings, at many scales",
              "Kingma & Dhariwal 2018", FlowSampling{}, {"likelihood"}, make_glow),
        entry("maf", "flow", "masked autoregressions: a density in one pass",
              "Papamakarios, Pavlakou & Murray 2017", FlowSampling{}, {"likelihood"}, make_maf),
        entry("iaf", "flow", "inverse autoregressions: samples in one pass", "Kingma et al. 2016",
              FlowSampling{}, {"likelihood"}, make_iaf),
        entry("spline", "flow", "rational-quadratic splines in couplings or autoregressions",
              "Durkan, Bekasov, Murray & Papamakarios 2019", FlowSampling{}, {"likelihood"},
              make_spline_flow),
        entry("circular_spline", "flow",
              "angles in radians: rational-quadratic splines on the circle, in couplings",
              "Rezende et al. 2020", FlowSampling{}, {"likelihood"}, make_circular_spline_flow,
              "its numbers are angles in radians"),
        entry("residual", "flow", "x + g(x) with g a contraction: densities exact or unbiased",
              "Chen, Behrmann, Duvenaud & Jacobsen 2019", FlowSampling{}, {"likelihood"},
              make_residual_flow),
        entry("continuous", "flow",
              "the flow of an ODE: free-form dynamics, exact or unbiased traces",
              "Chen et al. 2018; Grathwohl et al. 2019", FlowSampling{}, {"likelihood"},
              make_continuous_flow),
        entry("char_lstm", "autoregressive", "text, a symbol after another, by an LSTM",
              "Hochreiter & Schmidhuber 1997; Graves 2013", SymbolSampling{}, {"likelihood"},
              make_char_lstm, "", text_items()),
        entry("gpt", "autoregressive", "text, a symbol after another, by a transformer",
              "Vaswani et al. 2017; Radford et al. 2019", SymbolSampling{}, {"likelihood"},
              make_gpt, "", text_items()),
        entry("made", "autoregressive", "a masked autoencoder: vectors of whole numbers",
              "Germain, Gregor, Murray & Larochelle 2015", SymbolSampling{}, {"likelihood"},
              make_made_model, "its numbers are symbols 0, 1, ..."),
        entry("pixel_cnn", "autoregressive", "pictures, a level after another, by convolutions",
              "van den Oord et al. 2016; Salimans et al. 2017", SymbolSampling{}, {"likelihood"},
              make_pixel_cnn_model),
        entry("wavenet", "autoregressive", "sound, a sample after another, by dilated convolutions",
              "van den Oord et al. 2016", SymbolSampling{}, {"likelihood"}, make_wavenet_model,
              "its mu-law codes numbers in [-1, 1]", {Kind::real, {16}}),
        entry("classifier", "classifier", "tells classes, clean or noisy: judges and guides others",
              "Dhariwal & Nichol 2021", NoSampling{}, {"classification"}, make_classifier),
    };
    return all;
}

const CatalogueEntry& catalogue_entry(const std::string& name) {
    return find_named(catalogue(), &CatalogueEntry::name, name, [&](const auto& names) {
        return text("no model '", name, "'", nearest_hint(name, names));
    });
}

}  // namespace pushforward

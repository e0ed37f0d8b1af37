#include "pushforward/audit/catalogue.hpp"

#include "pushforward/audit/additive_coupling.hpp"
#include "pushforward/audit/annealing.hpp"
#include "pushforward/audit/chain_rule.hpp"
#include "pushforward/audit/change_of_variables.hpp"
#include "pushforward/audit/channel_mixing.hpp"
#include "pushforward/audit/class_conditional_density.hpp"
#include "pushforward/audit/dequantisation.hpp"
#include "pushforward/audit/entropy_production.hpp"
#include "pushforward/audit/epsilon_loss.hpp"
#include "pushforward/audit/flow_exactness.hpp"
#include "pushforward/audit/flow_likelihood.hpp"
#include "pushforward/audit/forward_process.hpp"
#include "pushforward/audit/guidance.hpp"
#include "pushforward/audit/image_unet.hpp"
#include "pushforward/audit/lattice_pictures.hpp"
#include "pushforward/audit/many_to_one.hpp"
#include "pushforward/audit/markov_sources.hpp"
#include "pushforward/audit/maximum_likelihood.hpp"
#include "pushforward/audit/memorisation.hpp"
#include "pushforward/audit/one_step.hpp"
#include "pushforward/audit/parallel_passes.hpp"
#include "pushforward/audit/picture_couplings.hpp"
#include "pushforward/audit/pushforward_measure.hpp"
#include "pushforward/audit/receptive_field.hpp"
#include "pushforward/audit/reverse_sde.hpp"
#include "pushforward/audit/score_matching.hpp"
#include "pushforward/audit/singular_law.hpp"
#include "pushforward/audit/solver_orders.hpp"
#include "pushforward/audit/stein_identity.hpp"
#include "pushforward/audit/table_density.hpp"
#include "pushforward/audit/temperature.hpp"
#include "pushforward/audit/topology.hpp"
#include "pushforward/audit/typical_set.hpp"
#include "pushforward/audit/variational_bound.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"

namespace pushforward {

const std::vector<ClaimEntry>& claim_catalogue() {
    static const std::vector<ClaimEntry> all = {
        {"A1", "a product of conditionals sums to one over all strings and has those conditionals",
         "Bengio & Bengio 2000", make_chain_rule},
        {"A2", "maximum likelihood minimises KL(data || model)", "Fisher 1922",
         make_maximum_likelihood},
        {"A3", "the measure of a set under a generator, with intervals that cover as they say",
         "Wilson 1927", make_pushforward_measure},
        {"A4",
         "a flow's density is that of its base times the Jacobian's determinant, from either side",
         "Rezende & Mohamed 2015", make_change_of_variables},
        {"A5", "a many-to-one generator's density is the sum over all preimages", "Federer 1969",
         make_many_to_one},
        {"A6", "a generator between dimensions has a density by the area or the coarea formula",
         "Federer 1969", make_singular_law},
        {"A14", "a score is the gradient of log p, and E[s] = 0, E[s x^T] = -I over own samples",
         "Stein 1981; Hyvarinen 2005", make_stein_identity},
        {"A15", "a density for each class classifies as Bayes' rule does, and sums to one of x",
         "Ng & Jordan 2001", make_class_conditional_density},
        {"A17", "the likeliest point is not a typical one: likelihood alone does not find outliers",
         "Nalisnick et al. 2019", make_typical_set},
        {"B3", "a gated PixelCNN comes close to critical Ising pictures, independent pixels do not",
         "van den Oord et al. 2016b; Kaufman 1949", make_lattice_pictures},
        {"B4", "dilated causal convolutions see 1 + sum (k - 1) 2^i symbols and nothing beyond",
         "van den Oord et al. 2016", make_receptive_field},
        {"B5", "symbols drawn at temperature T follow softmax(l / T), so the law's p^(1/T)",
         "Ackley, Hinton & Sejnowski 1985", make_temperature},
        {"B8", "maximum likelihood reaches a Markov chain's entropy rate, where lags are long too",
         "Shannon 1948", make_markov_sources},
        {"C1", "NICE's log-determinant is the sum of its scale's logarithms at every point",
         "Dinh, Krueger & Bengio 2014", make_additive_coupling},
        {"C2", "RealNVP's determinant counts the numbers that leave early, and pictures are fitted",
         "Dinh et al. 2016", make_picture_couplings},
        {"C3", "a 1 x 1 convolution mixes correlated channels, a permutation does not",
         "Kingma & Dhariwal 2018", make_channel_mixing},
        {"C4", "the recipe for tables comes close to laws of known density, and stays normalised",
         "Durkan et al. 2019", make_table_density},
        {"C5",
         "every exact flow comes back from its latent space, near and far, and integrates to one",
         "Papamakarios et al. 2021", make_flow_exactness},
        {"C6", "a flow from one normal leaves bridges between pieces, from a mixture none",
         "Cornish et al. 2020", make_topology},
        {"C7",
         "couplings draw as fast as they score, an autoregression scores faster than it draws",
         "Papamakarios et al. 2017; Kingma et al. 2016", make_parallel_passes, true},
        {"C9", "bits of pictures of levels: 8 when uniform, never below a known entropy",
         "Theis et al. 2016; Ho et al. 2019", make_dequantisation},
        {"F1", "noise added step by step is the closed form, and KL(q_t || N(0, 1)) falls strictly",
         "Ho et al. 2020", make_forward_process},
        {"F2", "a fitted epsilon-network reaches the optimal predictor's loss and no less",
         "Ho et al. 2020", make_epsilon_loss},
        {"F3", "the variational bound of N(0, 1) is its entropy, or above it by a closed form",
         "Ho et al. 2020", make_variational_bound},
        {"F4", "the reverse SDE, ancestral steps and Langevin's corrections give the data's law",
         "Anderson 1982; Song et al. 2021", make_reverse_sde},
        {"F5", "the probability-flow ODE gives a normalised density close to the data's",
         "Song et al. 2021", make_flow_likelihood},
        {"F6", "solvers of the probability-flow ODE have their orders and end where it does",
         "Karras et al. 2022; Lu et al. 2022", make_solver_orders},
        {"F7", "denoising, explicit, implicit and sliced score matching have the same minimiser",
         "Hyvarinen 2005; Vincent 2011; Song et al. 2019", make_score_matching_claim},
        {"F8", "annealed Langevin dynamics finds the weights that plain dynamics cannot",
         "Song & Ermon 2019", make_annealing},
        {"F10", "guidance gives the law of the guided ODE, which is not the tilted one",
         "Ho & Salimans 2022", make_guidance},
        {"F12", "a U-Net fits eight pictures to the posterior mean's loss and draws sprites",
         "Ronneberger et al. 2015; Ho et al. 2020", make_image_unet},
        {"F14", "the entropy that noise produces, by the score, is that of the data",
         "Stam 1959; Song et al. 2021", make_entropy_production},
        {"F15", "a denoiser fitted to few items draws them, fitted to many it does not",
         "Somepalli et al. 2023", make_memorisation},
        {"J9",
         "one evaluation of a distilled network draws as well as the data's own sampling noise",
         "Luhman & Luhman 2021; Liu et al. 2022", make_one_step},
    };
    return all;
}

const ClaimEntry& claim_entry(const std::string& id) {
    return find_named(claim_catalogue(), &ClaimEntry::id, id, [&](const auto& ids) {
        return text("unknown claim '", id, "'", nearest_hint(id, ids), "; there are ", one_of(ids));
    });
}

}  // namespace pushforward

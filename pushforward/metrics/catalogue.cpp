#include "pushforward/metrics/catalogue.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/metrics/accuracy.hpp"
#include "pushforward/metrics/auroc.hpp"
#include "pushforward/metrics/c2st.hpp"
#include "pushforward/metrics/cross_entropy.hpp"
#include "pushforward/metrics/frechet.hpp"
#include "pushforward/metrics/log_likelihood.hpp"
#include "pushforward/metrics/neighbours.hpp"
#include "pushforward/metrics/round_trip.hpp"
#include "pushforward/metrics/sliced_wasserstein.hpp"
#include "pushforward/metrics/validation_loss.hpp"
#include "pushforward/metrics/wasserstein.hpp"

namespace pushforward {

const std::vector<MetricEntry>& metric_catalogue() {
    static const std::vector<MetricEntry> all = {
        {"log_likelihood", "mean log-density of the held-out rows", "", make_log_likelihood},
        {"cross_entropy",
         "nats a symbol of held-out text, also in bits, as perplexity and by bytes", "Shannon 1948",
         make_cross_entropy},
        {"auroc", "how often a normal row (label 0) is likelier than an anomalous one (label 1)",
         "DeLong et al. 1988", make_auroc},
        {"validation_loss", "a denoiser's loss on the held-out rows, by noise level",
         "Ho et al. 2020", make_validation_loss},
        {"round_trip", "how far held-out rows are from where their latents lead back", "",
         make_round_trip},
        {"sliced_wasserstein", "W1 along random directions, samples against held-out rows",
         "Rabin et al. 2011", [] { return make_sliced_wasserstein(1); }},
        {"sliced_wasserstein_2", "W2 along random directions", "Bonneel et al. 2015",
         [] { return make_sliced_wasserstein(2); }},
        {"wasserstein_2", "W2 of samples and held-out rows, exactly (at most 2000 of each)",
         "Villani 2009", make_wasserstein_2},
        {"c2st", "AUC of a classifier that tells samples from held-out rows",
         "Lopez-Paz & Oquab 2017", make_c2st},
        {"accuracy", "share of held-out rows that a classifier tells right", "", make_accuracy},
        {"label_accuracy", "share of samples that a judge takes for what was asked", "",
         make_label_accuracy},
        {"frechet", "distance of the normal laws fitted to samples and held-out rows",
         "Heusel et al. 2017", make_frechet},
        {"precision", "share of samples among the held-out rows", "Kynkaanniemi et al. 2019",
         [] { return make_neighbours(NeighbourFigure::precision); }},
        {"recall", "share of held-out rows among the samples", "Kynkaanniemi et al. 2019",
         [] { return make_neighbours(NeighbourFigure::recall); }},
        {"density", "samples around each held-out row, over what is expected", "Naeem et al. 2020",
         [] { return make_neighbours(NeighbourFigure::density); }},
        {"coverage", "share of held-out rows with a sample around them", "Naeem et al. 2020",
         [] { return make_neighbours(NeighbourFigure::coverage); }},
    };
    return all;
}

const MetricEntry& metric_entry(const std::string& name) {
    return find_named(metric_catalogue(), &MetricEntry::name, name, [&](const auto& names) {
        return text("unknown metric '", name, "'", nearest_hint(name, names), "; there are ",
                    one_of(names));
    });
}

}  // namespace pushforward

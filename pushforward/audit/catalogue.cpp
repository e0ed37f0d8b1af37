#include "pushforward/audit/catalogue.hpp"

#include "pushforward/audit/epsilon_loss.hpp"
#include "pushforward/audit/flow_likelihood.hpp"
#include "pushforward/audit/forward_process.hpp"
#include "pushforward/audit/image_unet.hpp"
#include "pushforward/audit/variational_bound.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"

namespace pushforward {

const std::vector<ClaimEntry>& claim_catalogue() {
    static const std::vector<ClaimEntry> all = {
        {"F1", "noise added step by step is the closed form, and KL(q_t || N(0, 1)) falls strictly",
         "Ho et al. 2020", make_forward_process},
        {"F2", "a fitted epsilon-network reaches the optimal predictor's loss and no less",
         "Ho et al. 2020", make_epsilon_loss},
        {"F3", "the variational bound of N(0, 1) is its entropy, or above it by a closed form",
         "Ho et al. 2020", make_variational_bound},
        {"F5", "the probability-flow ODE gives a normalised density close to the data's",
         "Song et al. 2021", make_flow_likelihood},
        {"F12", "a U-Net fits eight pictures to the posterior mean's loss and draws sprites",
         "Ronneberger et al. 2015; Ho et al. 2020", make_image_unet},
    };
    return all;
}

const ClaimEntry& claim_entry(const std::string& id) {
    return find_named(claim_catalogue(), &ClaimEntry::id, id, [&](const auto& ids) {
        return text("unknown claim '", id, "'", nearest_hint(id, ids), "; there are ", one_of(ids));
    });
}

}  // namespace pushforward

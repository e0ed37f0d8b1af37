#include "pushforward/training/players.hpp"

#include <torch/nn/module.h>

#include <set>

namespace pushforward {

std::vector<std::pair<std::string, Tensor>> parameters_of(const Player& player) {
    std::vector<std::pair<std::string, Tensor>> all;
    for (const auto& group : player.groups)
        all.insert(all.end(), group.parameters.begin(), group.parameters.end());
    return all;
}

void check_players(const std::vector<Player>& players, const torch::nn::Module& module) {
    PF_CHECK(!players.empty(), "trainer", "at least one player", "none");
    std::map<const void*, std::string> owner;
    std::set<std::string> names;
    for (const auto& player : players) {
        PF_CHECK(player.turns >= 1 && player.every >= 1, "player " + player.name,
                 "turns and every of at least 1",
                 text("turns ", player.turns, ", every ", player.every));
        const auto parameters = parameters_of(player);
        PF_CHECK(!parameters.empty(), "player " + player.name, "parameters to train", "none");
        for (const auto& [name, parameter] : parameters) {
            const auto [place, fresh] = owner.emplace(parameter.unsafeGetTensorImpl(), player.name);
            PF_CHECK(fresh, "trainer", "players without a parameter in common",
                     text(name, " of both ", place->second, " and ", player.name));
            PF_CHECK(names.insert(name).second, "trainer", "parameters of different names",
                     "two named " + name);
            PF_CHECK(parameter.requires_grad(), "player " + player.name,
                     "parameters that require a gradient", name + ", which does not");
        }
    }
    for (const auto& [name, tensor] : weights_of(module))
        PF_CHECK(!names.contains(name) || owner.contains(tensor.unsafeGetTensorImpl()), "trainer",
                 "one tensor of each name",
                 "a player's parameter and the model's, both named " + name);
    for (const auto& item : module.named_parameters())
        PF_CHECK(
            !item.value().requires_grad() || owner.contains(item.value().unsafeGetTensorImpl()),
            "trainer", "a player for every parameter that requires a gradient",
            "none for " + item.key());
}

Turn::Turn(const std::vector<Player>& players, std::int64_t player) {
    for (std::size_t i = 0; i < players.size(); ++i)
        if (static_cast<std::int64_t>(i) != player)
            for (auto& [name, parameter] : parameters_of(players[i]))
                frozen_.push_back(parameter.set_requires_grad(false));
}

Turn::~Turn() {
    for (auto& parameter : frozen_) parameter.set_requires_grad(true);
}

}  // namespace pushforward

#include "pushforward/base/version.hpp"
#include "pushforward/core/rng.hpp"

#include <iostream>

int main() {
    pushforward::Rng rng(1);
    const auto x = rng.normal({100000});
    std::cout << "pushforward " << pushforward::version() << ": mean of " << x.numel()
              << " normals " << x.mean().item<double>() << '\n';
}

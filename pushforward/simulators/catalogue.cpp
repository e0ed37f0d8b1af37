#include "pushforward/simulators/catalogue.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/autoregression.hpp"
#include "pushforward/simulators/glyphs.hpp"
#include "pushforward/simulators/ising.hpp"
#include "pushforward/simulators/markov.hpp"
#include "pushforward/simulators/mixture.hpp"
#include "pushforward/simulators/moons.hpp"
#include "pushforward/simulators/normal.hpp"
#include "pushforward/simulators/parity.hpp"
#include "pushforward/simulators/pixels.hpp"
#include "pushforward/simulators/sprites.hpp"
#include "pushforward/simulators/warped.hpp"

namespace pushforward {
namespace {

template <class O, class Make>
SimulatorEntry entry(std::string name, std::string doc, std::int64_t items, Make make) {
    return {std::move(name), std::move(doc), items, [] { return std::make_unique<O>(); },
            [make](const Options& options) { return make(dynamic_cast<const O&>(options)); }};
}

}  // namespace

const std::vector<SimulatorEntry>& simulators() {
    static const std::vector<SimulatorEntry> all = {
        entry<GlyphOptions>("glyphs",
                            "pen-drawn digits and letters with their names, grey pictures", 60000,
                            make_glyphs),
        entry<SpriteOptions>("sprites", "one shape with known place, size and angle, grey pictures",
                             20000, make_sprites),
        entry<RingOptions>("ring", "normals on a circle in the plane, exact density", 50000,
                           make_ring),
        entry<GridOptions>("grid", "normals on a square lattice in the plane, exact density", 50000,
                           make_grid),
        entry<MoonsOptions>("moons", "two noisy half circles in the plane, exact density", 50000,
                            make_moons),
        entry<MixtureOptions>("mixture", "any mixture of round normals, exact density", 50000,
                              make_mixture),
        entry<NormalOptions>("normal", "one normal of any covariance, exact density", 50000,
                             make_normal),
        entry<PixelOptions>("pixels",
                            "independent pixels, channels correlated or of 256 levels, exact "
                            "density or mass",
                            50000, make_pixels),
        entry<WarpedOptions>("warped", "sinh of a rotated mixture: heavy tails, exact density",
                             50000, make_warped),
        entry<MarkovOptions>("markov", "a stationary Markov chain of symbols, exact mass", 50000,
                             make_markov),
        entry<ParityOptions>("parity", "bits that are the parity of two earlier ones, exact mass",
                             50000, make_parity),
        entry<IsingOptions>("ising",
                            "the Ising model on a torus, exact independent pictures and mass",
                            50000, make_ising),
        entry<AutoregressionOptions>("autoregression", "a stationary Gaussian AR(p), exact density",
                                     50000, make_autoregression),
    };
    return all;
}

const SimulatorEntry& find_simulator(const std::string& name) {
    return find_named(simulators(), &SimulatorEntry::name, name, [&](const auto& names) {
        return text("sim:", name, ": no such simulator", nearest_hint(name, names), "; there are ",
                    one_of(names));
    });
}

std::unique_ptr<Simulator> make_simulator(
    const std::string& name, const std::vector<std::pair<std::string, std::string>>& values) {
    const auto& found = find_simulator(name);
    const auto options = found.options();
    apply_text_values(*options, values, "sim:" + name);
    return found.make(*options);
}

}  // namespace pushforward

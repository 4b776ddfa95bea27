#include <ios>
#include <string>
#include <vector>

#include "cli/real_world.hpp"
#include "cli/run.hpp"

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    const auto world = pgedge::make_real_world();
    return pgedge::run_pgedgectl(*world, std::vector<std::string>(argv + 1, argv + argc));
}

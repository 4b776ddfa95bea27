#include "agent/config/environment.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace pgedge {

void forget_postgres_variables() {
    std::vector<std::string> names;
    for (char** line = environ; *line; ++line) {
        const std::string_view text(*line);
        if (text.starts_with("PG") && !text.starts_with("PGEDGE_")) names.emplace_back(text.substr(0, text.find('=')));
    }
    for (const auto& name : names) ::unsetenv(name.c_str());
}

}  // namespace pgedge

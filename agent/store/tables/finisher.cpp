#include "agent/store/tables/finisher.hpp"

#include <algorithm>

#include "agent/store/tables/database_finisher.hpp"

namespace pgedge {

const std::vector<const Finisher*>& finishers() {
    static const DatabaseFinisher databases;
    static const std::vector<const Finisher*> all{&databases};
    return all;
}

const Finisher* finisher_of(std::string_view scope) {
    const auto& all = finishers();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto* each) { return each->scope() == scope; });
    return found == all.end() ? nullptr : *found;
}

}  // namespace pgedge

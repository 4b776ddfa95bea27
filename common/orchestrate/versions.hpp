#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// Which server each instance gets.
struct ChosenVersions {
    std::string dialect;                                 ///< of the whole database
    std::string default_version;                         ///< for nodes that name none: to be kept in the spec
    std::map<std::string, PostgresVersion> by_instance;  ///< by instance id
    std::vector<Problem> problems;                       ///< hosts that cannot; empty: all is settled
};

/// The spec's versions, else the greatest that all hosts offer. A bare major is its newest minor on the host. A minor
/// that an instance was made with and that its host's packages have outgrown becomes the newest of its major. One
/// dialect for all: that of `stored`, else the one of the greatest version, Spock before pglogical. `hosts` must hold
/// the hosts of the spec (preflight checks it); pass stored = nullptr for a new database.
ChosenVersions choose_versions(const Database& wanted, const Database* stored,
                               const std::map<std::string, Host>& hosts);

}  // namespace pgedge

#pragma once

#include <string>
#include <vector>

#include "agent/api/backups.hpp"

namespace pgedge {

/// Repositories that hold what a test has put in, and keep a record of who was asked.
class FakeBackups final : public Backups {
public:
    NodeBackups in_repositories;
    std::vector<std::string> asked;  ///< "host-1 example-n1-689qacsi"

    NodeBackups list(const std::string& host_id, const std::string& instance_id, const Limit&) override {
        asked.push_back(host_id + " " + instance_id);
        return in_repositories;
    }
};

}  // namespace pgedge

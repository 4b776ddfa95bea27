#pragma once

#include <map>

#include "agent/api/instance_logs.hpp"
#include "common/base/error.hpp"

namespace pgedge {

/// Logs in memory, by instance id.
class FakeInstanceLogs final : public InstanceLogs {
public:
    std::map<std::string, std::vector<std::string>> logs;

    std::vector<std::string> tail(const std::string&, const std::string& instance_id, int lines,
                                  const Limit&) override {
        const auto found = logs.find(instance_id);
        if (found == logs.end()) throw Error(ErrorKind::not_found, "instance " + instance_id + " has no log yet");
        const auto& all = found->second;
        const auto skip = all.size() > static_cast<std::size_t>(lines) ? all.size() - lines : 0;
        return {all.begin() + static_cast<std::ptrdiff_t>(skip), all.end()};
    }
};

}  // namespace pgedge

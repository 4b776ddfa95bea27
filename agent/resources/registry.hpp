#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/server_owner.hpp"
#include "common/net/certificates.hpp"

namespace pgedge {

/// All resource kinds of this agent (docs/resources.md), by name. Made once; read by many threads.
class ResourceRegistry {
public:
    /// What kinds stand on; outlives the registry.
    struct Ground {
        std::filesystem::path data_dir;
        const InstanceUser& user;
        Runtime& runtime;
        ServerOwner& owner;
        const CertificateIssuer& issuer;
    };
    explicit ResourceRegistry(const Ground& ground);
    const std::map<std::string_view, ResourceKind*>& all() const { return by_name_; }

private:
    std::vector<std::unique_ptr<ResourceKind>> kinds_;
    std::map<std::string_view, ResourceKind*> by_name_;
};

}  // namespace pgedge

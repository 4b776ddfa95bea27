#include "agent/resources/peer_session.hpp"

#include <vector>

#include "agent/resources/postgres_certs.hpp"
#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {

ConnectOptions superuser_of_node(const InstancePaths& paths, const Json& servers, const std::string& database,
                                 const std::string& name) {
    const CertificateFiles files(paths);
    std::vector<std::string> hosts, ports;
    for (const auto& server : servers) {
        hosts.push_back(server.at("address"));
        ports.push_back(std::to_string(server.at("port").get<int>()));
    }
    ConnectOptions options;
    options.host = joined(hosts, ",");
    options.user = kSuperuser;
    options.database = database;
    options.more = {{"port", joined(ports, ",")},
                    {"sslmode", "verify-full"},
                    {"sslrootcert", files.authority.string()},
                    {"sslcert", files.superuser.string()},
                    {"sslkey", files.superuser_key.string()},
                    {"target_session_attrs", "primary"},
                    {"application_name", name},
                    {"keepalives_idle", "15"},
                    {"keepalives_interval", "5"},
                    {"keepalives_count", "3"}};
    return options;
}

}  // namespace pgedge

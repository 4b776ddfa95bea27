#pragma once

#include <atomic>

#include "agent/resources/data_directory.hpp"
#include "agent/resources/filesystem_dir.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/resources/physical_slot.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "agent/resources/postgres_config.hpp"
#include "agent/resources/postgres_server.hpp"
#include "tests/fakes/test_authority.hpp"
#include "tests/integration/support/test_host.hpp"

namespace pgedge::test {

using namespace std::chrono_literals;

inline constexpr const char* kPrimary = "shop-n1-689qacsi";
inline constexpr const char* kReplica = "shop-n1-9ptayhma";
inline constexpr const char* kSlot = "shop_n1_9ptayhma";
inline constexpr const char* kOwnSlot = "shop_n1_689qacsi";
inline constexpr const char* kPrimaryAddress = "127.19.0.1";
inline constexpr const char* kReplicaAddress = "127.19.0.2";

inline Json settings() {
    return {{"wal_level", "logical"},        {"shared_buffers", "16MB"}, {"logging_collector", "on"},
            {"max_connections", "20"},       {"fsync", "off"},           {"hot_standby", "on"},
            {"track_commit_timestamp", "on"}};
}

/// A cluster of one machine: all kinds, and what they shall make.
class Machine {
public:
    TestHost host;
    TestAuthority authority;
    std::vector<std::string> told;
    std::atomic<std::size_t> lines_told{0};  ///< for other threads
    std::string database = "shop";           ///< empty: as an earlier version made instances
    bool takes_shared = false;

    Json named(Json want) const {
        if (!database.empty()) want["database_id"] = database;
        return want;
    }

    StepContext context() {
        return {Limit(60s),
                "shop",
                [](const SecretRef&) { return Secret(); },
                [this](std::string_view line) {
                    told.emplace_back(line);
                    ++lines_told;
                },
                WallTime(),
                {"n1", kPrimary, "host-1", kPrimaryAddress, 5432, 1}};
    }
    static Json siblings_of(const std::string& id) {
        return {{{"address", id == kPrimary ? kReplicaAddress : kPrimaryAddress}, {"port", 5432}}};
    }
    Resource resource(const std::string& kind, const std::string& id, Json want) const {
        want["instance_id"] = id;
        return {{kind, id}, "host-1", {}, std::move(want), {}};
    }
    std::string address_of(const std::string& id) const { return id == kPrimary ? kPrimaryAddress : kReplicaAddress; }
    Resource directory(const std::string& id) const { return resource("filesystem.dir", id, Json::object()); }
    Resource certs(const std::string& id) const {
        return resource("common.postgres_certs", id, named({{"addresses", {address_of(id)}}}));
    }
    Resource data(const std::string& id) const {
        return resource("instance.data", id,
                        {{"bin_dir", postgres_bin_dir()},
                         {"node", "n1"},
                         {"make", id == kPrimary ? "initdb" : "copy"},
                         {"slot", id == kPrimary ? kOwnSlot : kSlot},
                         {"origin", kPrimary}});
    }
    Resource config(const std::string& id, Json with = settings(), std::vector<std::string> hba = {},
                    std::vector<std::string> ident = {}) const {
        Json want = named({{"bin_dir", postgres_bin_dir()},
                           {"address", address_of(id)},
                           {"port", 5432},
                           {"published", true},
                           {"settings", std::move(with)},
                           {"hba", std::move(hba)},
                           {"ident", std::move(ident)},
                           {"peers", {kPrimaryAddress, kReplicaAddress}},
                           {"dialect", "pglogical"},
                           {"siblings", siblings_of(id)},
                           {"slot", id == kPrimary ? kOwnSlot : kSlot}});
        if (takes_shared) want["shared_certificates"] = true;
        return resource("instance.config", id, std::move(want));
    }
    Resource server(const std::string& id) const {
        return resource("instance.server", id,
                        {{"bin_dir", postgres_bin_dir()}, {"address", address_of(id)}, {"port", 5432}});
    }
    Resource slot() const {
        Resource slot{{"database.physical_slot", kReplica}, "host-1", {}, {{"slot", kSlot}}, {}};
        slot.node = "n1";
        return slot;
    }

    FilesystemDir directories{host.data_dir(), host.user(), host.owner()};
    PostgresCerts certificates{host.data_dir(), host.user(), authority};
    DataDirectory data_directories{host.data_dir(), host.user(), host.runtime(), host.owner()};
    PostgresConfig configs{host.data_dir(), host.user(), host.runtime()};
    PostgresServer servers{host.data_dir(), host.user(), host.runtime(), host.owner()};
    PhysicalSlot slots{host.runtime()};

    void make(const std::string& id, const Json& with_settings = settings()) {
        auto with = context();
        directories.apply(directory(id), with);
        certificates.apply(certs(id), with);
        data_directories.apply(data(id), with);
        configs.apply(config(id, with_settings), with);
        servers.apply(server(id), with);
    }
    /// A value from the server, over its socket.
    std::string ask(const std::string& id, const std::string& sql) {
        auto session = connect_locally(host.runtime(), id, "postgres", Limit(60s));
        session.run("SET search_path = public", Limit(60s));
        return session.run(sql, Limit(60s)).value().value_or("null");
    }
    InstancePaths paths(const std::string& id) const { return {host.data_dir(), id}; }
};

}  // namespace pgedge::test

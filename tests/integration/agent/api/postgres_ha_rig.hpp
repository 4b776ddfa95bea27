#pragma once

#include <string>

#include "agent/api/postgres_ha/postgres_ha.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/local_store.hpp"
#include "tests/fakes/fake_operations.hpp"
#include "tests/integration/agent/resources/machine.hpp"

namespace pgedge::test {

/// A primary and its streaming standby that really run, with the Postgres HA API of two hosts in front of them: that of
/// host-1 for the primary, that of host-2 for the standby. Both are servers of this machine.
class PostgresHaRig : InstancePeers {
public:
    PostgresHaRig();

    struct Answer {
        int status = 0;
        std::string body;
        Headers headers;
        Json json() const { return parse_json(body); }
        int code() const { return json().at("code"); }
    };
    /// To the API of host-`host`; `target` is what follows /api/pg/v1/.
    Answer call(int host, const std::string& method, const std::string& target, std::string body = {},
                Headers headers = {});
    Answer get(int host, const std::string& target) { return call(host, "GET", target); }
    /// PUT walFile/{name} with a raw body, through the gate for bodies as the server does it.
    Answer put(int host, const std::string& name, const std::string& bytes);

    /// What an upload holds until it is answered.
    std::shared_ptr<void> begin_upload(int host, const std::string& name);

    Machine& machine() { return machine_; }
    std::filesystem::path wal(const std::string& id) const { return machine_.paths(id).data() / "pg_wal"; }
    std::string wal_file(const std::string& id, const std::string& name) const { return read_file(wal(id) / name); }
    void stop(const std::string& id) { machine_.host.owner().stop(id, StopMode::fast, Limit(60s)); }
    void start(const std::string& id) {
        machine_.host.owner().start(server_of(machine_.host.runtime(), id), Limit(60s));
    }
    bool silent = false;  ///< agents do not answer each other

private:
    Json ask(const std::string& host_id, const std::string& instance_id, InstanceQuestion question,
             const std::vector<std::string>& names, const Limit& limit) override;
    std::unique_ptr<Router> router_of(const std::string& host_id);

    Machine machine_;
    LocalStore store_;
    SystemClock clock_;
    FakeOperations operations_{store_, clock_};
    PostgresHaServices services_{store_, *this, operations_, clock_};
    std::unique_ptr<Router> first_, second_;
};

}  // namespace pgedge::test

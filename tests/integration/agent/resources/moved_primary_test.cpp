// The primary of a node is changed by hand, on real servers and where the store says it: as a failover does.
#include <doctest/doctest.h>

#include "agent/runtime/standby_signal.hpp"
#include "tests/integration/agent/resources/database_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

struct TwoInstances : DatabaseRig {
    TwoInstances() : DatabaseRig("app") {
        cluster.add_node("n1", {"host-1", "host-4"});
        cluster.add_node("n2", {"host-2"});
        apply();
    }
    std::string id_of(const std::string& host_id) const { return instance_id(cluster.wanted.id, "n1", host_id); }

    /// The old primary is stopped, the other one promoted, the old one comes back as a standby.
    void change_primary(const std::string& from, const std::string& to) {
        const auto old_one = server_of(host.runtime(), id_of(from)), new_one = server_of(host.runtime(), id_of(to));
        host.owner().stop(id_of(from), StopMode::fast, soon());
        host.runtime().command({new_one.bin_dir, "pg_ctl", {"promote", "-w", "-D", new_one.paths.data().string()}},
                               soon());
        make_standby(old_one.paths.data(), host.user(), soon());
        host.owner().start(old_one, soon());
        cluster.primaries["n1"] = id_of(to);
    }

    /// As the agents do before an update: what is not there, or not as it was made, is to be made again.
    std::vector<std::string> look() {
        ResourceRegistry registry({host.data_dir(), host.user(), host.runtime(), host.owner(), authority});
        std::vector<std::string> missing;
        for (auto& [id, known] : cluster.known) {
            Step step;
            step.resource = cluster.now().at(id).resource;
            auto with = context(step);
            const auto seen = registry.all().at(id.kind)->observe(step.resource, with);
            CHECK_MESSAGE(seen != Observed::unseen, step.resource.id.text());
            known.needs_recreate = seen == Observed::missing;
            if (seen == Observed::differs) known.error = "it was found changed";
            if (seen == Observed::missing) missing.push_back(id.text());
            if (seen == Observed::differs) missing.push_back(id.text() + " differs");
        }
        return missing;
    }
    bool streams(const std::string& host_id) {
        return comes("n1", host_id, "SELECT status FROM pg_stat_wal_receiver", "streaming");
    }
    /// Rows go from each node to the other one, and to the standby.
    void check_rows(const std::string& primary, const std::string& standby, int before) {
        on("n1", primary).run("INSERT INTO scripted (v) VALUES ('from n1')", soon());
        on("n2", "host-2").run("INSERT INTO scripted (v) VALUES ('from n2')", soon());
        const auto all = std::to_string(before + 2);
        CHECK(comes("n1", primary, "SELECT count(*) FROM scripted", all));
        CHECK(comes("n2", "host-2", "SELECT count(*) FROM scripted", all));
        CHECK(comes("n1", standby, "SELECT count(*) FROM scripted", all));
    }
};

}  // namespace

TEST_CASE("after a change of the primary by hand no plan follows, and a look repairs what the new one lacks") {
    TwoInstances rig;
    rig.check_rows("host-1", "host-4", 2);
    CHECK(rig.cluster.plan().empty());

    rig.change_primary("host-1", "host-4");

    CHECK(rig.cluster.plan().empty());
    // The primary's slots are files of one server: a physical one for each other instance, logical ones for links.
    const auto missing = rig.look();
    const auto text = joined(missing, "\n");
    CHECK_MESSAGE(missing.size() == 2, text);
    CHECK(text.find("database.physical_slot::" + rig.id_of("host-1")) != std::string::npos);
    CHECK(text.find("database.replication_slot::n1_pgl_app_n1_sub_n1_n2") != std::string::npos);
    const Plan repair = rig.cluster.plan();
    for (const auto& step : repair.steps) {
        CHECK_MESSAGE(!step.impact.restart, step.id);
        CHECK_MESSAGE(!step.impact.deletes_data, step.id);
    }
    rig.carry_out(repair);
    rig.cluster.carry_out(repair);
    CHECK(rig.cluster.plan().empty());
    CHECK(rig.streams("host-1"));
    rig.check_rows("host-4", "host-1", 4);
    CHECK(rig.look().empty());

    // A change reaches both, each as what it is; then everything goes back.
    rig.cluster.wanted.spec.postgresql_conf["max_connections"] = "40";
    UserSpec late;
    late.username = "late";
    late.attributes = {"LOGIN"};
    rig.cluster.wanted.spec.database_users.push_back(late);
    // A standby that lags restarts with less when it has replayed that its primary has less, and not before.
    rig.on("n1", "host-1").run("SELECT pg_wal_replay_pause()", soon());
    bool waited = false;
    rig.told = [&](std::string_view message) {
        if (message.find("waits before it restarts") == std::string_view::npos) return;
        waited = true;
        rig.on("n1", "host-1").run("SELECT pg_wal_replay_resume()", soon());
    };
    rig.apply();
    rig.told = nullptr;
    CHECK(waited);
    for (const char* host_id : {"host-1", "host-4"}) {
        CHECK(rig.ask("n1", host_id, "SHOW max_connections") == "40");
        CHECK(rig.comes("n1", host_id, "SELECT count(*) FROM pg_roles WHERE rolname = 'late'", "1"));
    }
    CHECK(rig.ask("n1", "host-1", "SELECT pg_is_in_recovery()") == "t");
    CHECK(rig.ask("n1", "host-4", "SELECT pg_is_in_recovery()") == "f");

    rig.change_primary("host-4", "host-1");
    CHECK(rig.cluster.plan().empty());
    rig.look();
    rig.apply();
    CHECK(rig.streams("host-4"));
    rig.check_rows("host-1", "host-4", 6);
    // It kept a slot of its own from the time when it was a standby's primary: none of them keeps WAL for itself.
    CHECK(rig.ask("n1", "host-1",
                  "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" +
                      rig.cluster.known.at({"database.physical_slot", rig.id_of("host-1")})
                          .resource.want.at("slot")
                          .get<std::string>() +
                      "'") == "0");
}

TEST_CASE("a new replica is copied from the instance that is primary when its step begins") {
    TwoInstances rig;
    rig.change_primary("host-1", "host-4");
    rig.look();
    rig.apply();

    rig.cluster.wanted.spec.nodes[0].host_ids = {"host-1", "host-4", "host-3"};
    rig.apply();

    CHECK(rig.streams("host-3"));
    CHECK(rig.streams("host-1"));
    CHECK(rig.ask("n1", "host-3", "SELECT sender_host FROM pg_stat_wal_receiver") ==
          rig.cluster.hosts["host-4"].peer_addresses[0]);
    rig.check_rows("host-4", "host-3", 2);
}

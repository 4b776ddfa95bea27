#include "common/model/link_health.hpp"

#include <doctest/doctest.h>

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

const WallTime kLooked{std::chrono::milliseconds(1'800'000'000'000)};

Instance primary(const std::string& node) {
    Instance instance;
    instance.id = "shop-" + node;
    instance.database_id = "shop";
    instance.node_name = node;
    instance.host_id = "host-" + node;
    instance.state = InstanceState::available;
    instance.updated_at = kLooked - 1h;
    instance.status.emplace();
    instance.status->postgres_state = "running";
    instance.status->role = "primary";
    instance.status->extension_version = "2.4.2";
    instance.status->updated_at = kLooked - 1s;
    return instance;
}

SubscriptionStatus subscription(const std::string& provider, const std::string& subscriber) {
    const auto name = "sub_" + provider + "_" + subscriber;
    return {provider, name, "replicating", "pgl_" + name, {}, {}};
}

struct Pair {
    Database database;
    std::vector<Instance> instances{primary("n1"), primary("n2")};

    Pair() {
        database.id = "shop";
        database.state = DatabaseState::available;
        database.updated_at = kLooked - 1h;
        instances[0].status->subscriptions = {subscription("n2", "n1")};
        instances[1].status->subscriptions = {subscription("n1", "n2")};
    }
    SubscriptionStatus& link() { return instances[1].status->subscriptions[0]; }
    std::vector<std::string> reasons() {
        fill_in_lags(instances);
        return degraded_reasons(database, instances, kLooked);
    }
};

}  // namespace

TEST_CASE("links that bring changes are no reason") { CHECK(Pair().reasons().empty()); }

TEST_CASE("a link is down when looks saw it down for ten seconds, all of them after the last operation") {
    Pair pair;
    const WallTime seen = pair.instances[1].status->updated_at;
    pair.link().status = "down";
    pair.link().down_since = seen - 9'999ms;
    CHECK(pair.reasons().empty());
    pair.link().down_since = seen - 10s;
    REQUIRE(pair.reasons().size() == 1);
    CHECK(pair.reasons()[0] == "link n1 -> n2 (sub_n1_n2) is down since 2027-01-15T07:59:49Z");
    pair.link().failure = {seen, "could not connect", "", "", "", ""};
    CHECK(pair.reasons()[0].ends_with(": could not connect"));
    pair.database.updated_at = seen - 1s;
    CHECK(pair.reasons().empty());
    pair.database.updated_at = seen + 1s;
    CHECK(pair.reasons().empty());
}

TEST_CASE("a link that failed at a transaction is stopped at once, and between two tries as well") {
    Pair pair;
    pair.link().failure = {kLooked - 5s, "it violates", "INSERT into public.t", "0/1A", "734", "today"};
    pair.instances[0].status->slots = {{pair.link().slot, {.lag_bytes = 2048}}};
    REQUIRE(pair.reasons().size() == 1);
    CHECK(pair.reasons()[0] ==
          "link n1 -> n2 (sub_n1_n2) has stopped since 2027-01-15T07:59:55Z: it violates (INSERT into public.t), in "
          "transaction 734 of today, commit 0/1A; 2KiB wait on n1; see it: pgedgectl db link show shop sub_n1_n2");
    CHECK(link_state(pair.link()) == "stopped");
    pair.link().status = "down";
    CHECK(link_state(pair.link()) == "stopped");
}

TEST_CASE("a link that was disabled or dropped is a reason, and so are left out transactions") {
    Pair pair;
    pair.link().enabled = false;
    REQUIRE(pair.reasons().size() == 1);
    CHECK(pair.reasons()[0].find("is disabled") != std::string::npos);
    pair.link().enabled = true;
    pair.link().discarded = {2, 300'000, kLooked - 5s, "can't find relation"};
    REQUIRE(pair.reasons().size() == 1);
    CHECK(pair.reasons()[0].find("left out 2 transactions since 2027-01-15T07:59:55Z") != std::string::npos);
    pair.instances[1].status->subscriptions.clear();
    REQUIRE(pair.reasons().size() == 1);
    CHECK(pair.reasons()[0] == "link n1 -> n2 does not exist; plan and apply make it again");
    pair.instances[1].status->extension_version.clear();  // nobody could ask
    CHECK(pair.reasons().empty());
}

TEST_CASE("every instance that does not serve has a reason") {
    Pair pair;
    pair.instances[0].status->postgres_state = "crashed";
    CHECK(pair.reasons()[0] == "instance shop-n1 of n1 on host-n1 is degraded: its server is crashed");
    pair.instances[0].status->updated_at = kLooked - 1min;
    CHECK(pair.reasons()[0].find("is not heard of since") != std::string::npos);
    pair.instances[0] = primary("n1");
    pair.instances[0].stopped = true;
    CHECK(pair.reasons()[0].ends_with("was stopped"));
    pair.instances[0].state = InstanceState::failed;
    pair.instances[0].error = "no space";
    CHECK(pair.reasons()[0].ends_with("is failed: no space"));
}

TEST_CASE("WAL that waits is told before it is lost or fills the disk") {
    constexpr std::int64_t kGiB = 1 << 30;
    Pair pair;
    const auto warnings = [&](const SlotStatus& slot, std::int64_t room) {
        pair.instances[0].status->slots = {{"pgl", slot}};
        pair.instances[0].status->wal_room_bytes = room;
        return wal_warnings(pair.instances, kLooked);
    };
    CHECK(warnings({0, kGiB, "reserved", {}, {}}, 3 * kGiB).empty());
    REQUIRE(warnings({0, kGiB + kGiB / 10, "extended", {}, {}}, 3 * kGiB).size() == 1);
    CHECK(warnings({0, 2 * kGiB, "extended", {}, {}}, 3 * kGiB)[0].find("3GiB are free") != std::string::npos);
    CHECK(warnings({0, kGiB, "reserved", 6 * kGiB, 10 * kGiB}, 9 * kGiB).empty());
    CHECK(warnings({0, kGiB, "extended", 4 * kGiB, 10 * kGiB}, 9 * kGiB)[0].find("lost after 4GiB more") !=
          std::string::npos);
    CHECK(warnings({0, kGiB, "lost", {}, 10 * kGiB}, 9 * kGiB)[0].find("has lost WAL") != std::string::npos);
}

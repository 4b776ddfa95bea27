#include "common/model/instance.hpp"

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("instance ids are those of the pgEdge Control Plane") {
    CHECK(instance_id("storefront", "n1", "host-1") == "storefront-n1-689qacsi");
    CHECK(instance_id("storefront", "n1", "host-2") == "storefront-n1-9ptayhma");
    CHECK(instance_id("storefront", "n12", "host-3") == "storefront-n12-ant97dj4");
}

namespace {

const WallTime kNow{std::chrono::milliseconds(1'800'000'000'000)};

Instance available_instance(const std::string& server_state, std::chrono::milliseconds age = 1s) {
    Instance instance;
    instance.state = InstanceState::available;
    instance.updated_at = kNow - 1h;
    instance.status.emplace();
    instance.status->postgres_state = server_state;
    instance.status->updated_at = kNow - age;
    return instance;
}

}  // namespace

TEST_CASE("an available instance shows what its server does") {
    const std::vector<std::pair<std::string, InstanceState>> rows{
        {"running", InstanceState::available},
        {"starting", InstanceState::modifying},
        {"stopping", InstanceState::modifying},
        {"stopped", InstanceState::modifying},
        {"restarting", InstanceState::modifying},
        {"initializing new cluster", InstanceState::modifying},
        {"running custom bootstrap script", InstanceState::modifying},
        {"creating replica", InstanceState::modifying},
        {"crashed", InstanceState::degraded},
        {"stop failed", InstanceState::degraded},
        {"start failed", InstanceState::degraded},
        {"restart failed", InstanceState::degraded},
        {"initdb failed", InstanceState::degraded},
        {"custom bootstrap failed", InstanceState::degraded},
        {"unknown", InstanceState::unknown},
        {"", InstanceState::unknown},
    };
    for (const auto& [server, shown] : rows) {
        CAPTURE_BOUND(server);
        CHECK(shown_state(available_instance(server), kNow) == shown);
    }
}

TEST_CASE("an available instance whose status is older than ten seconds is unknown") {
    CHECK(shown_state(available_instance("running", 10s), kNow) == InstanceState::available);
    CHECK(shown_state(available_instance("running", 10'001ms), kNow) == InstanceState::unknown);

    auto stopped = available_instance("stopped", 11s);
    stopped.stopped = true;
    CHECK(shown_state(stopped, kNow) == InstanceState::unknown);
}

TEST_CASE("an instance that has just become available has ten seconds to report its status") {
    Instance instance;
    instance.state = InstanceState::available;
    instance.updated_at = kNow - 3s;
    CHECK(shown_state(instance, kNow) == InstanceState::available);
    CHECK(shown_state(instance, kNow + 8s) == InstanceState::unknown);
}

TEST_CASE("what a server did before its instance became available is not shown") {
    auto instance = available_instance("starting", 2s);
    instance.updated_at = kNow - 1s;
    CHECK(shown_state(instance, kNow) == InstanceState::available);
    CHECK(shown_state(instance, kNow + 10s) == InstanceState::unknown);  // nobody has looked since
    instance.status->updated_at = instance.updated_at;
    CHECK(shown_state(instance, kNow) == InstanceState::modifying);
}

TEST_CASE("a status from before an instance became available is not its current one") {
    auto instance = available_instance("running", 2s);
    CHECK(current_status(instance, kNow) == &*instance.status);
    instance.updated_at = kNow - 1s;
    CHECK(current_status(instance, kNow) == nullptr);
    instance.state = InstanceState::modifying;
    CHECK(current_status(instance, kNow) == &*instance.status);
    instance.status.reset();
    CHECK(current_status(instance, kNow) == nullptr);
}

TEST_CASE("a crash is shown although the instance was changed by a clock that ran ahead") {
    auto instance = available_instance("crashed", 1s);
    instance.updated_at = kNow + 1h;
    CHECK(shown_state(instance, kNow) == InstanceState::degraded);
    instance.updated_at = kNow + 1s;  // as clocks of hosts may differ
    CHECK(shown_state(instance, kNow) == InstanceState::available);
    CHECK(shown_state(instance, kNow + 12s) == InstanceState::unknown);
}

TEST_CASE("a degraded instance says what is known of its server, unless an operation has left an error") {
    auto instance = available_instance("crashed");
    CHECK(error_of(instance, InstanceState::degraded) == "its server is crashed");
    instance.status->trouble = "killed by signal 9";
    CHECK(error_of(instance, InstanceState::degraded) == "its server is crashed: killed by signal 9");
    CHECK(error_of(instance, InstanceState::available).empty());
    instance.error = "No space left on device";
    CHECK(error_of(instance, InstanceState::failed) == "No space left on device");
}

TEST_CASE("an instance stopped by a user shows stopped") {
    auto instance = available_instance("stopped");
    instance.stopped = true;
    CHECK(shown_state(instance, kNow) == InstanceState::stopped);
}

TEST_CASE("an instance in an operation shows its stored state whatever its server says") {
    for (const auto state : {InstanceState::creating, InstanceState::modifying, InstanceState::deleting,
                             InstanceState::backing_up, InstanceState::failed}) {
        auto instance = available_instance("running", 1h);
        instance.state = state;
        instance.stopped = true;
        CHECK(shown_state(instance, kNow) == state);
    }
}

TEST_CASE("a subscription's lag comes from the slot at its provider, of the same database") {
    const auto instance = [](const std::string& database, InstanceStatus status) {
        Instance one;
        one.database_id = database;
        one.status = std::move(status);
        return one;
    };
    InstanceStatus reader, provider, stranger;
    reader.subscriptions = {{"n2", "sub_n2_n1", "replicating", "slot_2", {}, {}},
                            {"n3", "sub_n3_n1", "down", "slot_3", {}, {}}};
    provider.slots = {{"slot_2", {.lag_bytes = 1024}}, {"of_somebody_else", {.lag_bytes = 7}}};
    stranger.slots = {{"slot_3", {.lag_bytes = 9}}};
    std::vector<Instance> instances{instance("shop", reader), instance("shop", provider), instance("other", stranger),
                                    Instance()};

    fill_in_lags(instances);

    CHECK(instances[0].status->subscriptions[0].lag_bytes == 1024);
    CHECK_FALSE(instances[0].status->subscriptions[1].lag_bytes);
}

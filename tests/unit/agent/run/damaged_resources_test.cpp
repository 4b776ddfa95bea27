// Resources whose records in the store cannot be read are removed and made again all the same, in the right order.
#include <functional>
#include <set>

#include "tests/capture_bound.hpp"
#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

DatabaseDocument two_nodes_and_a_replica() {
    auto wanted = Operator::document("shop", 2);
    wanted.spec.nodes[0].host_ids.push_back("host-3");
    return wanted;
}

void damage(Operator& op, const ResourceId& id) {
    Transaction transaction;
    transaction.add(Statement{
        .sql = "UPDATE resource SET body = '{' WHERE kind = ? AND name = ?", .args = {id.kind, id.name}, .expect = 1});
    REQUIRE(op.store.commit(transaction, op.limit).committed);
}

std::vector<ResourceId> resources(Operator& op) {
    std::vector<ResourceId> all;
    for (const auto& [id, known] : Databases(op.store).resources("shop", op.limit)) all.push_back(id);
    return all;
}

const StepRow& removal_of(const std::vector<StepRow>& steps, const ResourceId& id) {
    for (const auto& row : steps)
        if (row.step && row.step->resource.id == id && row.step->action == Action::remove) return row;
    FAIL("nothing removes " << id.text());
    return steps.front();
}

/// True: `later` begins after `earlier` has ended.
bool waits(const std::vector<StepRow>& steps, const StepRow& later, const StepRow& earlier) {
    std::set<std::string> before;
    std::function<void(const StepRow&)> follow = [&](const StepRow& row) {
        for (const auto& id : row.wait_for)
            if (before.insert(id).second)
                for (const auto& other : steps)
                    if (other.id == id) follow(other);
    };
    follow(later);
    return before.contains(earlier.id);
}

const std::vector<std::string> kInstanceKinds{"filesystem.dir",  "common.postgres_certs", "instance.data",
                                              "instance.config", "instance.server",       "database.instance"};

/// Servers are stopped before what they stand on is deleted, and every kind knows whose it is.
void check_removals(const std::vector<StepRow>& steps, const std::string& instance) {
    for (std::size_t i = 0; i < kInstanceKinds.size(); ++i) {
        const auto& row = removal_of(steps, {kInstanceKinds[i], instance});
        CHECK(row.step->resource.want.value("instance_id", "") == instance);
        CHECK_FALSE(row.host_id.empty());
    }
    const auto& server = removal_of(steps, {"instance.server", instance});
    for (const auto* kind : {"filesystem.dir", "common.postgres_certs", "instance.data", "instance.config"})
        CHECK(waits(steps, removal_of(steps, {kind, instance}), server));
}

}  // namespace

TEST_CASE("a database is deleted whichever of its resources has a damaged record") {
    Operator first;
    first.have(two_nodes_and_a_replica());
    const auto all = resources(first);
    REQUIRE(all.size() > 3 * kInstanceKinds.size());
    for (const bool spec_too : {false, true})
        for (const auto& id : all) {
            const std::string name = id.text();
            CAPTURE_BOUND(name);
            CAPTURE_BOUND(spec_too);
            Operator op;
            op.have(two_nodes_and_a_replica());
            damage(op, id);
            if (spec_too) {
                Transaction transaction;
                transaction.add(Statement{.sql = "UPDATE database SET spec = '{'", .args = {}, .expect = 1});
                REQUIRE(op.store.commit(transaction, op.limit).committed);
            }
            const auto task = op.operations.remove("shop", true, {}, op.limit);
            const auto steps = op.steps(task);
            for (const auto& instance : {"shop-n1-689qacsi", "shop-n1-ant97dj4", "shop-n2-9ptayhma"})
                check_removals(steps, instance);
            CHECK(removal_of(steps, id).unreadable.empty());
            CHECK(op.carry_out(task.id).status == TaskStatus::completed);
            CHECK_FALSE(Databases(op.store).find("shop", op.limit));
        }
}

TEST_CASE("an update makes a resource with a damaged record again and repairs the record") {
    for (const ResourceId& id :
         {ResourceId{"instance.server", "shop-n1-689qacsi"}, ResourceId{"database.physical_slot", "shop-n1-ant97dj4"},
          ResourceId{"database.postgres_database", "n2"}}) {
        const std::string name = id.text();
        CAPTURE_BOUND(name);
        Operator op;
        op.have(two_nodes_and_a_replica());
        const auto before = Databases(op.store).resources("shop", op.limit);
        REQUIRE(before.contains(id));
        damage(op, id);
        const auto started = op.operations.update("shop", two_nodes_and_a_replica(), {}, op.limit);
        const auto work = op.work(started.task);
        CHECK(std::count(work.begin(), work.end(), "updating " + id.text()) == 1);
        CHECK(op.carry_out(started.task.id).status == TaskStatus::completed);
        const auto after = Databases(op.store).resources("shop", op.limit);
        CHECK(after.at(id).error.empty());
        CHECK(after.at(id).resource == before.at(id).resource);
    }
}

TEST_CASE("a node leaves although the record of its link is damaged") {
    Operator op;
    op.have(Operator::document("shop", 3));
    ResourceId link;
    for (const auto& id : resources(op))
        if (id.kind == "database.replication_slot" && id.name.find("n3") != std::string::npos) link = id;
    REQUIRE_FALSE(link.name.empty());
    damage(op, link);
    const auto started = op.operations.update("shop", Operator::document("shop", 2), {}, op.limit);
    const auto steps = op.steps(started.task);
    CHECK(removal_of(steps, link).step->resource.want.contains("subscription"));
    CHECK_FALSE(removal_of(steps, link).step->resource.node.empty());
    CHECK(op.carry_out(started.task.id).status == TaskStatus::completed);
}

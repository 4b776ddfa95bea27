// A store of the schema's first version, as that version's own planner filled it: four databases, two of them with a
// task under way, one of which moves a node (data/first_schema.sql).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/nodes.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/plan/render.hpp"
#include "tests/capture_bound.hpp"
#include "tests/fakes/temporary_directory.hpp"
#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

/// The file of a store of the first version.
struct OldFile {
    const testing::TemporaryDirectory folder;
    const std::filesystem::path path = folder.path() / "state.db";

    explicit OldFile(const std::vector<std::string>& more = {}) {
        StateMachine machine(path);
        machine.apply(1, schema_step(1));
        auto lines = split(read_file(PGEDGE_FIRST_SCHEMA), '\n');
        lines.insert(lines.end(), more.begin(), more.end());
        Batch batch;
        Transaction transaction;
        for (auto& line : lines)
            if (!line.empty()) transaction.add(Statement{std::move(line), {}, {}});
        batch.transactions.push_back(std::move(transaction));
        const auto applied = machine.apply(2, batch);
        REQUIRE(applied.outcomes.at(0).failure == "");
        REQUIRE(applied.outcomes.at(0).result.committed);
    }
};

/// What an update without changes would do.
Plan next_plan(Operator& op, const std::string& id) {
    const auto stored = op.database(id);
    return op.planner.draft("update", stored, &stored, {}, op.planner.survey(id, op.limit)).plan;
}

std::string only_open_task(Operator& op, const std::string& id) {
    return Tasks(op.store).open_of({"database", id}, op.limit)->id;
}

bool names_old_kind(Store& store, std::string_view column, std::string_view table, const Limit& limit) {
    const Statement query{
        fmt::format("SELECT count(*) FROM {0} WHERE instr({1}, 'process.') > 0", table, column), {}, {}};
    return store.read(query, Freshness::leader, limit).at(0).integer(0) > 0;
}

}  // namespace

TEST_CASE("what an earlier version made is as wanted after the second migration") {
    OldFile file;
    Operator op(file.path);

    for (const char* id : {"shop", "plain"}) {
        CAPTURE_BOUND(id);
        CHECK(summary_line(next_plan(op, id)) == "nothing to do");
        CHECK(next_plan(op, id).empty());
    }
    const auto primaries = Nodes(op.store).primaries("shop", op.limit);
    REQUIRE(primaries.size() == 3);
    CHECK(primaries.at("n1").instance_id == "shop-n1-689qacsi");
    CHECK(primaries.at("n1").address == "127.15.0.1");
    CHECK(primaries.at("n2").host_id == "host-3");
    CHECK(primaries.at("n2").term == 1);
    for (const auto& [column, table] : std::vector<std::pair<const char*, const char*>>{{"kind", "resource"},
                                                                                        {"body", "resource"},
                                                                                        {"kind", "step"},
                                                                                        {"body", "step"},
                                                                                        {"id", "step"},
                                                                                        {"wait_for", "step"},
                                                                                        {"resource", "step"}})
        CHECK_FALSE(names_old_kind(op.store, column, table, op.limit));
}

TEST_CASE("a task that was under way goes on after the second migration, and ends as wanted") {
    OldFile file;
    Operator op(file.path);
    const std::map<std::string, std::string> tasks{{"young", only_open_task(op, "young")},
                                                   {"mover", only_open_task(op, "mover")}};
    for (const auto& [id, task_id] : tasks) {
        const auto task = op.carry_out(task_id);
        CAPTURE_BOUND(id);
        CHECK(task.error == "");
        CHECK(task.status == TaskStatus::completed);
        CHECK(op.database(id).state == DatabaseState::available);
    }
    CHECK(next_plan(op, "mover").empty());
    // Its replica's configuration and the primary's name each other from now on: files that are read again, no more.
    for (const auto& step : next_plan(op, "young").steps) CHECK_MESSAGE(!step.impact.restart, step.id);
    const auto moved = Nodes(op.store).primaries("mover", op.limit).at("n1");
    CHECK(moved.instance_id == "mover-n1-ant97dj4");
    CHECK(moved.host_id == "host-3");
    CHECK(moved.term == 2);
}

TEST_CASE("damage of any kind in all rows of a database and of a task keeps the second migration from nothing else") {
    const std::vector<std::string> kinds{"'{\"kind\":'",
                                         "'[]'",
                                         "'null'",
                                         "'\"text\"'",
                                         "''",
                                         "'{\"want\":5,\"kind\":7}'",
                                         "json_set(IT, '$.want.users', 'text', '$.want.post_init', 5)",
                                         "json_set(IT, '$.want.instance_id', 7, '$.want.primary', 'text')"};
    for (const auto& kind : kinds) {
        CAPTURE_BOUND(kind);
        const auto damaged = [&](const std::string& column) {
            const auto it = kind.find("IT");
            return it == std::string::npos ? kind : std::string(kind).replace(it, 2, column);
        };
        OldFile file({fmt::format("UPDATE resource SET body = {} WHERE database_id IN ('plain', 'young', 'mover')",
                                  damaged("body")),
                      fmt::format("UPDATE step SET resource = {} WHERE resource NOT NULL", damaged("resource"))});
        Operator op(file.path);
        CHECK(next_plan(op, "shop").empty());
    }
}

TEST_CASE("a damaged row keeps the second migration from nothing else") {
    OldFile file(
        {"UPDATE resource SET body = '{\"kind\":' WHERE database_id = 'plain' AND name = 'plain-n1-689qacsi' "
         "AND kind = 'process.postgres_config'",
         "UPDATE step SET resource = 'x' WHERE kind = 'process.postgres' AND status = 'pending'"});
    Operator op(file.path);

    CHECK(next_plan(op, "shop").empty());
}

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/model/instance.hpp"
#include "common/model/task.hpp"

using namespace pgedge;

TEST_CASE("every word of a database state reads back as the state it stands for") {
    for (const std::string word :
         {"creating", "modifying", "available", "deleting", "degraded", "failed", "restoring", "backing_up", "unknown"})
        CHECK(to_string(parse_database_state(word)) == word);
    CHECK_THROWS_WITH_AS(parse_database_state("Available"), "no database state is called \"Available\"", Error);
}

TEST_CASE("a new operation may begin on an available, degraded or failed database only") {
    for (const std::string word : {"available", "degraded", "failed"}) CHECK(is_modifiable(parse_database_state(word)));
    for (const std::string word : {"creating", "modifying", "deleting", "restoring", "backing_up", "unknown"})
        CHECK_FALSE(is_modifiable(parse_database_state(word)));
}

TEST_CASE("every word of an instance state reads back as the state it stands for") {
    for (const std::string word :
         {"creating", "modifying", "deleting", "backing_up", "available", "degraded", "failed", "stopped", "unknown"})
        CHECK(to_string(parse_instance_state(word)) == word);
    CHECK_THROWS_AS(parse_instance_state("restoring"), Error);
}

TEST_CASE("every word of a task status reads back as the status it stands for") {
    for (const std::string word : {"pending", "running", "canceling", "completed", "failed", "canceled", "unknown"})
        CHECK(to_string(parse_task_status(word)) == word);
    CHECK_THROWS_AS(parse_task_status("cancelled"), Error);
}

TEST_CASE("a task ends as completed, failed or canceled") {
    for (const std::string word : {"completed", "failed", "canceled"}) CHECK(is_final(parse_task_status(word)));
    for (const std::string word : {"pending", "running", "canceling", "unknown"})
        CHECK_FALSE(is_final(parse_task_status(word)));
}

TEST_CASE("host states have the words of the API") {
    CHECK(to_string(HostState::healthy) == "healthy");
    CHECK(to_string(HostState::degraded) == "degraded");
    CHECK(to_string(HostState::unreachable) == "unreachable");
    CHECK(to_string(HostState::unknown) == "unknown");
}

#include "agent/ha/slot_copies.hpp"

#include <doctest/doctest.h>

namespace pgedge {
namespace {

TEST_CASE("copies of slots that an earlier start found ready are so under the same primary") {
    SlotCopies copies;

    copies.remember(3);
    CHECK(copies.readiness().ready);
    CHECK(copies.readiness().term == 3);
    CHECK(copies.under(false, 3));
    copies.keep({"a_copy", "b_copy"});

    CHECK(copies.readiness().ready);
    CHECK(copies.is_good("a_copy"));
    copies.keep({"b_copy", "c_copy"});  // one was lost, a new one is not compared yet
    CHECK_FALSE(copies.is_good("a_copy"));
    CHECK(copies.is_good("b_copy"));
    CHECK_FALSE(copies.is_good("c_copy"));
}

TEST_CASE("a primary that took over while the agent was away has kept nothing for what is remembered") {
    SlotCopies copies;

    copies.remember(3);
    CHECK(copies.under(false, 4));
    copies.keep({"a_copy"});

    CHECK_FALSE(copies.readiness().ready);
    CHECK_FALSE(copies.is_good("a_copy"));
}

TEST_CASE("copies of slots are forgotten with a change of the primary, and not before") {
    SlotCopies copies;
    CHECK(copies.under(false, 3));
    copies.add_good("a_copy");
    copies.set_ready(true);

    CHECK_FALSE(copies.under(false, 3));
    copies.remember(9);  // late: what is known now counts
    CHECK(copies.readiness().ready);
    CHECK(copies.readiness().term == 3);

    CHECK(copies.under(true, 4));
    CHECK_FALSE(copies.readiness().ready);
    CHECK_FALSE(copies.is_good("a_copy"));
    CHECK(copies.readiness().term == 4);
}

}  // namespace
}  // namespace pgedge

#include "common/plan/render.hpp"

#include <doctest/doctest.h>

#include "tests/unit/common/plan/plan_text.hpp"

using namespace pgedge;
using namespace pgedge::plan_text;

TEST_CASE("a plan is shown by state and host with marks and reasons") {
    const Plan plan = make_plan(
        known("instance.server::i1@host-1 want "
              "max_connections=100\nfilesystem.dir::i3@host-3\ninstance.data::i3@host-3 "
              "needs filesystem.dir::i3\nfilesystem.dir::i2@host-2 missing\ncommon.postgres_certs::i2@host-2 needs "
              "filesystem.dir::i2\ninstance.config::i2@host-2 failed"),
        {state("instance.server::i1@host-1 want max_connections=500", false, "restart n1"),
         state("instance.server::i1@host-1 want "
               "max_connections=500\nfilesystem.dir::i2@host-2\ncommon.postgres_certs::i2@host-2 "
               "needs filesystem.dir::i2\ninstance.config::i2@host-2\ndatabase.subscription::sub_n1_n2@host-2")});

    CHECK(render(plan) ==
          "+2 ~3 -2, 1 restart, DELETES DATA of i3\n"
          "\n"
          "== restart n1 ==\n"
          "\n"
          "host-1\n"
          "  ~ instance.server i1  restart  (max_connections 100 -> 500)\n"
          "\n"
          "== end state ==\n"
          "\n"
          "host-2\n"
          "  + filesystem.dir i2  (is missing: made anew)\n"
          "  ~ common.postgres_certs i2  (filesystem.dir::i2 is made anew)\n"
          "  ~ instance.config i2  (failed before: it did not work)\n"
          "  + database.subscription sub_n1_n2\n"
          "\n"
          "host-3\n"
          "  - instance.data i3  DELETES DATA\n"
          "  - filesystem.dir i3  DELETES DATA\n");
}

TEST_CASE("the summary tells what matters") {
    CHECK(summary_line({}) == "nothing to do");
    CHECK(render({}) == "nothing to do\n");
    CHECK(summary_line(make_plan({}, {state("a\nb\nc")})) == "+3 ~0 -0, no data loss");
    CHECK(summary_line(make_plan(known("instance.server::a want x=1\ninstance.server::b want x=1"),
                                 {state("instance.server::a\ninstance.server::b")})) ==
          "+0 ~2 -0, 2 restarts, no data loss");
    CHECK(summary_line(make_plan(known("filesystem.dir::a\nfilesystem.dir::b\nfilesystem.dir::c\nfilesystem.dir::d"),
                                 {state("")})) == "+0 ~0 -4, DELETES DATA of 4 instances");
}

TEST_CASE("forced steps say so, and one state needs no heading") {
    CHECK(render(make_plan(known("a@h1"), {state("a@h1")}, {.force_update = true})) ==
          "+0 ~1 -0, no data loss\n\nh1\n  ~ k a  (forced)\n");
}

TEST_CASE("colours come from the caller") {
    const auto paint = [](Paint what, const std::string& text) {
        return what == Paint::danger ? "<" + text + ">" : what == Paint::remove ? "!" + text : text;
    };
    CHECK(render(make_plan(known("filesystem.dir::a@h1"), {state("")}), paint) ==
          "+0 ~0 !-1, <DELETES DATA of a>\n\nh1\n  !- filesystem.dir a  <DELETES DATA>\n");
}

TEST_CASE("in groups, a single step is told as it is, and what failed or is forced is never left out") {
    const Plan plan =
        make_plan(known("a.b::i1@host-1 want instance_id=i1 x=1\nc.d::i1@host-1 want instance_id=i1 failed\n"
                        "a.b::i2@host-2 want instance_id=i2 x=1\ne.f::other@host-3 want x=1"),
                  {state("a.b::i1@host-1 want instance_id=i1 x=2\nc.d::i1@host-1 want instance_id=i1\n"
                         "a.b::i2@host-2 want instance_id=i2 x=2\ne.f::other@host-3 want x=2")});

    CHECK(render_grouped(plan) ==
          "+0 ~4 -0, no data loss\n"
          "\n"
          "  ~ instance i1 on host-1  (x 1 -> 2; c.d failed before: it did not work)\n"
          "  ~ a.b i2 on host-2  (x 1 -> 2)\n"
          "  ~ e.f other on host-3  (x 1 -> 2)\n"
          "\n"
          "4 steps; --details lists each\n");
    CHECK(render_grouped({}) == "nothing to do\n");
    CHECK(render_grouped(make_plan(known("a@h1"), {state("a@h1")}, {.force_update = true})) ==
          "+0 ~1 -0, no data loss\n\n  ~ k a on h1  (forced)\n");
}

TEST_CASE("in groups, links to which the same is done are one line, others are not") {
    const auto link = [](const std::string& from, const std::string& to, const std::string& more) {
        return "s.s::slot_" + from + "_" + to + "@h want provider=" + from + " subscriber=" + to + "\nd.s::sub_" +
               from + "_" + to + "@h want provider=" + from + " subscriber=" + to + more + "\n";
    };
    const Plan plan =
        make_plan(known(link("n1", "n2", " dsn=a") + link("n1", "n3", " dsn=a") + link("n2", "n1", " dsn=a")),
                  {state(link("n1", "n2", " dsn=b") + link("n1", "n3", " dsn=b") + link("n2", "n1", " dsn=c") +
                         link("n3", "n1", " dsn=a"))});

    CHECK(render_grouped(plan) ==
          "+2 ~3 -0, no data loss\n"
          "\n"
          "  ~ links from n1 to n2, n3  (dsn a -> b)\n"
          "  ~ d.s sub_n2_n1 on h  (dsn a -> c)\n"
          "  + link from n3 to n1\n"
          "\n"
          "5 steps; --details lists each\n");
}

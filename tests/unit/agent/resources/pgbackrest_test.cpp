#include "agent/resources/pgbackrest.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("the archive command passes a shell and a server unharmed") {
    CHECK(archive_command({"/var/lib/pgedge", "shop-n1"}) ==
          "/usr/bin/pgbackrest --config='/var/lib/pgedge/instances/shop-n1/configs/pgbackrest.backup.conf' --stanza=db "
          "archive-push \"%p\"");
    CHECK(archive_command({"/data/100%/it's", "shop-n1"}) ==
          "/usr/bin/pgbackrest --config='/data/100%%/it'\\''s/instances/shop-n1/configs/pgbackrest.backup.conf' "
          "--stanza=db archive-push \"%p\"");
}

TEST_CASE("the configuration holds options, secrets and the server; options of a user win") {
    const auto conf =
        pgbackrest_conf({"/d", "i"}, InstancePaths("/d", "i").data(), 5433,
                        {{"repo1-path", "/b"}, {"log-level-file", "off"}}, {{"repo1-cipher-pass", Secret("word")}})
            .reveal();
    for (const char* line :
         {"[global]\n", "\nrepo1-path=/b\n", "\nlog-level-file=off\n", "\nrepo1-cipher-pass=word\n",
          "\nlock-path=/d/instances/i/pgbackrest/lock\n", "\n[db]\npg1-path=/d/instances/i/data/pgdata\n",
          "\npg1-port=5433\n", "\npg1-user=pgedge\n"})
        CHECK_MESSAGE(conf.find(line) != std::string::npos, line);
    CHECK(conf.find("log-level-file=warn") == std::string::npos);
}

TEST_CASE("of an output that ended with an error the errors and hints are told") {
    CHECK(errors_of_pgbackrest("/usr/bin/pgbackrest ended with exit code 41: P00   INFO: backup command begin 2.45\n"
                               "P00  ERROR: [041]: unable to load info file\n"
                               "            HINT: has a stanza-create been performed?\n"
                               "P00   INFO: backup command end: aborted with exception [041]\n") ==
          "[041]: unable to load info file\nHINT: has a stanza-create been performed?");
    CHECK(errors_of_pgbackrest("cannot run /usr/bin/pgbackrest: No such file\n") ==
          "cannot run /usr/bin/pgbackrest: No such file");
}

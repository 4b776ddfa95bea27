#include "agent/postgres/conf_files.hpp"

#include <sstream>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// The lines without comments, blanks squeezed.
std::vector<std::string> rules_in(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        std::istringstream words(line);
        std::string squeezed;
        for (std::string word; words >> word;) squeezed += (squeezed.empty() ? "" : " ") + word;
        lines.push_back(squeezed);
    }
    return lines;
}

}  // namespace

TEST_CASE("settings are sorted and quoted so that no value can end its line") {
    CHECK(rules_in(postgresql_conf({{"work_mem", "64MB"}, {"log_line_prefix", "%m 'x' \\ \nport = 1"}})) ==
          std::vector<std::string>{"log_line_prefix = '%m ''x'' \\\\ \\nport = 1'", "work_mem = '64MB'"});
}

TEST_CASE("names that are no parameters are refused") {
    for (const char* bad : {"", "a b", "a=b", "include 'x'", "a.b.c", ".a", "a.", "1a", "a\nb"})
        CHECK_THROWS_AS(postgresql_conf({{bad, "1"}}), Error);
    CHECK_THROWS_AS(postgresql_conf({{"a", std::string("x\0y", 3)}}), Error);
    CHECK_NOTHROW(postgresql_conf({{"pglogical.conflict_resolution", "last_update_wins"}}));
}

TEST_CASE("access rules stand in their order") {
    const auto lines = rules_in(pg_hba_conf(
        {.peers = {"10.0.0.2", "fd00::2", "10.0.0.2"}, .user_lines = {"host all reporting 10.9.0.0/16 md5"}}));

    CHECK(lines == std::vector<std::string>{
                       "local all pgedge peer map=pgedge_system",
                       "hostssl all pgedge 10.0.0.2/32 cert map=pgedge_certificate",
                       "hostssl replication patroni_replicator 10.0.0.2/32 cert map=pgedge_certificate",
                       "hostssl all pgedge fd00::2/128 cert map=pgedge_certificate",
                       "hostssl replication patroni_replicator fd00::2/128 cert map=pgedge_certificate",
                       "host all,replication pgedge,patroni_replicator 0.0.0.0/0 reject",
                       "host all,replication pgedge,patroni_replicator ::/0 reject",
                       "host all reporting 10.9.0.0/16 md5",
                       "local all all scram-sha-256",
                       "host all all 0.0.0.0/0 scram-sha-256",
                       "host all all ::/0 scram-sha-256",
                   });
}

TEST_CASE("Spock's failover-slot worker of a replica may read its primary's slots, with a certificate") {
    const auto lines = rules_in(pg_hba_conf({.peers = {"10.0.0.2"}, .failover_slots = true}));

    CHECK(lines[1] == "hostssl all pgedge 10.0.0.2/32 cert map=pgedge_certificate");
    CHECK(lines[2] == "hostssl replication,postgres patroni_replicator 10.0.0.2/32 cert map=pgedge_certificate");
    CHECK(lines[3] == "host all,replication pgedge,patroni_replicator 0.0.0.0/0 reject");
}

TEST_CASE("an unpublished server lets no client in from other machines") {
    const auto lines = rules_in(pg_hba_conf({.peers = {"127.0.0.12"}, .published = false}));

    CHECK(lines[1] == "hostssl all pgedge 127.0.0.0/8 cert map=pgedge_certificate");
    CHECK(lines.back() == "local all all scram-sha-256");
}

TEST_CASE("an entry cannot smuggle in a second line") {
    CHECK_THROWS_AS(pg_hba_conf({.user_lines = {"host a b c md5\nhost all all 0.0.0.0/0 trust"}}), Error);
    CHECK_THROWS_AS(pg_ident_conf({}, {}, {"map a b\nmap c d"}), Error);
}

TEST_CASE("system users map to the superuser, certificates to their users, then come the users' lines") {
    CHECK(rules_in(pg_ident_conf({"root", "postgres"}, {{"pgedge:shop", "pgedge"}}, {"corp bob shop"})) ==
          std::vector<std::string>{"pgedge_system root pgedge", "pgedge_system postgres pgedge",
                                   "pgedge_certificate pgedge:shop pgedge", "corp bob shop"});
}

TEST_CASE("certificates are named for their user and database, in what a common name may hold") {
    CHECK(certificate_name(kSuperuser, "shop") == "pgedge:shop");
    CHECK(certificate_name(kReplicator, std::string(36, 'a')) == "patroni_replicator:" + std::string(36, 'a'));
    const std::string one = certificate_name(kReplicator, std::string(63, 'a'));
    const std::string other = certificate_name(kReplicator, std::string(62, 'a') + "b");
    CHECK(one.size() <= 64);
    CHECK(one != other);
}

}  // namespace pgedge

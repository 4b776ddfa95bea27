#include <thread>

#include <doctest/doctest.h>

#include "agent/cluster/join_exchange.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/base/file.hpp"
#include "common/net/http_client.hpp"
#include "tests/integration/agent/cluster/test_agent.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

struct Agents {
    TestAgent& operator[](int number) {
        auto& agent = all[number];
        if (!agent) agent = std::make_unique<TestAgent>(number, directory.path() / std::to_string(number));
        return *agent;
    }
    TemporaryDirectory directory;
    std::map<int, std::unique_ptr<TestAgent>> all;
};

std::filesystem::path directory_of(const Agents& agents, int number) {
    return agents.directory.path() / std::to_string(number);
}

std::string text_of_refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.text();
    }
    return "";
}

}  // namespace

TEST_CASE("three hosts become a cluster, know each other, and are it again after a restart") {
    Agents agents;
    CHECK(refusal_of([&] { agents[1].cluster->join_token(Limit(20s)); }) == "cluster_not_initialized");
    CHECK_FALSE(agents[1].cluster->initialized());

    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    CHECK(token.server_urls == std::vector<std::string>{"http://127.13.0.1:3000"});
    agents[2].cluster->join(token, Limit(60s));
    agents[3].cluster->join({token.token, {"http://127.13.0.9:3000", "http://127.13.0.2:3000"}}, Limit(60s));

    for (int number : {1, 2, 3}) {
        CAPTURE(number);
        CHECK(agents[number].cluster->initialized());
        CHECK(agents[number].cluster->cluster_id() == "test");
        CHECK(agents[number].hosts_seen() == std::vector<std::string>{"host-1", "host-2", "host-3"});
        for (int other : {1, 2, 3}) CHECK(agents[number].hello(other).body == "hello host-" + std::to_string(number));
    }
    const JoinToken now = agents[3].cluster->join_token(Limit(20s));
    CHECK(now.token == token.token);
    CHECK(now.server_urls ==
          std::vector<std::string>{"http://127.13.0.3:3000", "http://127.13.0.1:3000", "http://127.13.0.2:3000"});

    CHECK(refusal_of([&] { agents[1].cluster->init(std::nullopt, Limit(20s)); }) == "cluster_already_initialized");
    CHECK(refusal_of([&] { agents[2].cluster->join(token, Limit(20s)); }) == "cluster_already_initialized");

    for (int number : {1, 2, 3}) agents[number].stop();
    for (int number : {1, 2, 3}) agents[number].start();
    for (int number : {1, 2, 3}) {
        CHECK(agents[number].cluster->initialized());
        CHECK(agents[number].hosts_seen().size() == 3);
    }
    const KeyPair leaf = agents[2].member->issuer.issue({"x", {}, {}, true, false});
    CHECK(agents[2].member->issuer.authority_certificate() == agents[3].member->issuer.authority_certificate());
    CHECK(days_left(leaf.certificate) > 3000);
}

TEST_CASE("hosts join at the same time") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init(std::nullopt, Limit(60s));
    agents[2], agents[3];
    {
        std::jthread two([&] { CHECK_NOTHROW(agents[2].cluster->join(token, Limit(60s))); });
        std::jthread three([&] { CHECK_NOTHROW(agents[3].cluster->join(token, Limit(60s))); });
    }
    CHECK(agents[1].hosts_seen().size() == 3);
    CHECK(agents[2].cluster->cluster_id() == agents[1].cluster->cluster_id());
}

TEST_CASE("a wrong token is refused, and the right one works afterwards") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    JoinToken secret = token, fingerprint = token;
    secret.token.back() = secret.token.back() == '0' ? '1' : '0';
    fingerprint.token[10] = fingerprint.token[10] == '0' ? '1' : '0';

    CHECK(refusal_of([&] { agents[2].cluster->join(secret, Limit(60s)); }) == "invalid_join_token");
    CHECK(refusal_of([&] { agents[2].cluster->join(fingerprint, Limit(60s)); }) == "invalid_join_token");
    CHECK(refusal_of([&] {
              agents[2].cluster->join({"nonsense", token.server_urls}, Limit(60s));
          }) == "invalid_join_token");
    CHECK_FALSE(agents[2].cluster->initialized());
    CHECK(agents[1].hosts_seen() == std::vector<std::string>{"host-1"});

    agents[2].cluster->join(token, Limit(60s));
    CHECK(agents[1].hosts_seen().size() == 2);
}

TEST_CASE("a host without a certificate joins through an API that wants one of its clients") {
    const TemporaryDirectory directory;
    const KeyPair authority = make_authority("of the site");
    const CertificateRequest as_server{"api", {"host-1"}, {address_of(1)}, true, true};
    TestAgent first(
        1, directory.path() / "1",
        make_server_context(issue_certificate(authority, as_server), authority.certificate, ClientCertificates::told));
    TestAgent second(2, directory.path() / "2");
    JoinToken token = first.cluster->init("test", Limit(60s));
    token.server_urls = {"https://" + address_of(1) + ":3000"};

    second.cluster->join(token, Limit(60s));

    CHECK(second.hosts_seen().size() == 2);
}

TEST_CASE("a host that has lost its data directory comes back with its own id, but takes nobody's place") {
    Agents agents;
    JoinToken token = agents[1].cluster->init("test", Limit(60s));
    for (int number : {2, 3}) agents[number].cluster->join(token, Limit(60s));
    token.server_urls.push_back("http://127.13.0.3:3000");
    JoinToken replacing = token;
    replacing.replace = true;
    const auto said = text_of_refusal([&] {
        ask_to_join(replacing, 77, host_at(2), std::nullopt, Limit(20s));  // somebody else, with host-2's name
    });
    CHECK(said.find("its agent answers as a member") != std::string::npos);

    agents[2].stop();
    std::filesystem::remove_all(directory_of(agents, 2));
    std::filesystem::create_directories(directory_of(agents, 2));
    agents[2].start();
    CHECK_FALSE(agents[2].cluster->initialized());
    CHECK(text_of_refusal([&] { agents[2].cluster->join(token, Limit(20s)); }).find("cluster join --replace") !=
          std::string::npos);
    agents[2].cluster->join(replacing, Limit(60s));

    for (int number : {1, 2, 3}) {
        CHECK(agents[number].hosts_seen() == std::vector<std::string>{"host-1", "host-2", "host-3"});
        CHECK(agents[2].hello(number).body == "hello host-2");
    }
    // It is the same member after a restart, and everybody votes again.
    agents[2].stop();
    agents[2].start();
    CHECK(agents[2].hosts_seen().size() == 3);
    for (const Limit limit(60s); agents[1].member->store.voters().size() != 3; limit.pause(20ms))
        REQUIRE_FALSE(limit.over());
}

TEST_CASE("a host whose store is lost comes back by itself, and until then its agent says why it cannot answer") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    for (int number : {2, 3}) agents[number].cluster->join(token, Limit(60s));
    // On the way to three voters there are two, of which none may be lost.
    const Statement voters{.sql = "SELECT count(*) FROM host WHERE voter = 1"};
    for (const Limit limit(60s); agents[1].member->store.read(voters, Freshness::leader, limit).at(0).integer(0) < 3;
         limit.pause(50ms))
        REQUIRE_FALSE(limit.over());
    for (int number : {1, 3}) agents[number].stop();
    agents[2].stop();
    std::filesystem::remove_all(directory_of(agents, 2) / "store");

    agents[2].start();  // alone
    CHECK(agents[2].cluster->initialized());
    const auto why = text_of_refusal([&] { agents[2].hosts_seen(); });
    CHECK(why.find("this host's store is lost") != std::string::npos);
    CHECK(refusal_of([&] { agents[2].hosts_seen(); }) == "unreachable");

    for (int number : {1, 3}) agents[number].start();
    for (const Limit limit(60s);; limit.pause(50ms)) {
        REQUIRE_FALSE(limit.over());
        try {
            if (agents[2].hosts_seen().size() == 3) break;
        } catch (const Error&) {
            // not yet
        }
    }
    CHECK(agents[1].hello(2).body == "hello host-1");
}

TEST_CASE("servers that cannot be reached are named with what they said") {
    Agents agents;
    const std::string token = "PGEDGE-" + std::string(64, '0') + "-" + std::string(32, '0');
    const auto join = [&] {
        agents[2].cluster->join({token, {"http://127.13.0.8:3000", "http://127.13.0.9:1"}}, Limit(20s));
    };
    CHECK(refusal_of(join) == "unreachable");
    const std::string text = text_of_refusal(join);
    CHECK(text.find("http://127.13.0.8:3000: ") != std::string::npos);
    CHECK(text.find("http://127.13.0.9:1: ") != std::string::npos);

    agents[1];  // an agent that belongs to no cluster cannot let anyone in
    CHECK(text_of_refusal([&] {
              agents[2].cluster->join({token, {"http://127.13.0.1:3000"}}, Limit(20s));
          }).find("uninitialized") != std::string::npos);
}

TEST_CASE("the secret half of a token never goes to a server that did not prove to be of the cluster") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    const std::string secret = token.token.substr(token.token.size() - 32);
    std::mutex mutex;
    std::string heard;
    // It relays the real authority's certificate, and says that it is host-1 at a port of its own.
    const KeyPair stranger = make_authority("pgEdge cluster test");
    const auto listen = [&](const HttpRequest& request) {
        std::lock_guard lock(mutex);
        heard += target_of(request) + request.body;
        for (const auto& [name, value] : request.headers) heard += name + value;
        HttpTransport real({.server = parse_url("http://127.13.0.1:3000")});
        HttpRequest ask;
        ask.method = "POST";
        ask.path = kInvitationPath;
        ask.body = "{}";
        Json invitation = parse_json(real.send(ask, Limit(20s)).body);
        invitation["peer"] = "127.13.0.7:2379";
        HttpResponse response;
        response.body = to_text(invitation);
        return response;
    };
    const auto fake = [&](const KeyPair& pair) {
        auto context = std::make_shared<ReloadableContext>(make_server_context(pair, "", ClientCertificates::none));
        auto server = std::make_unique<Server>(listen, Log::none());
        server->listen({"127.13.0.7", 3000});
        server->listen({.address = "127.13.0.7", .port = 2379, .tls = context});
        server->start();
        return server;
    };
    const CertificateRequest as_agent{"host-1", {agent_dns_name("host-1")}, {"127.13.0.7"}, true, true};
    const CertificateRequest as_instance{"host-1", {"host-1", "localhost"}, {"127.13.0.7"}, true, true};
    for (const KeyPair& pair : {issue_certificate(stranger, as_agent), agents[1].member->issuer.issue(as_instance)}) {
        const auto server = fake(pair);
        CHECK(refusal_of([&] {
                  agents[2].cluster->join({token.token, {"http://127.13.0.7:3000"}}, Limit(20s));
              }) == "unreachable");
    }
    CHECK(heard.find(kInvitationPath) != std::string::npos);
    CHECK(heard.find(secret) == std::string::npos);
}

TEST_CASE("a host id belongs to the first who comes with it") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    agents[2].cluster->join(token, Limit(60s));
    agents[3].self.id = "host-2";
    agents[3].stop();
    agents[3].start();

    const auto join = [&] { agents[3].cluster->join(token, Limit(60s)); };
    CHECK(refusal_of(join) == "invalid_input");
    CHECK(text_of_refusal(join).find("host-2 is taken") != std::string::npos);
    CHECK(agents[2].hosts_seen().size() == 2);
}

TEST_CASE("an agent started with another host id than its files have refuses to run") {
    Agents agents;
    agents[1].cluster->init("test", Limit(60s));
    agents[1].stop();
    agents[1].self.id = "host-9";
    CHECK_THROWS_AS(agents[1].start(), Error);
}

TEST_CASE("the files of a member are never thrown away, also when its store does not run") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    agents[1].stop();
    {
        const SystemClock clock;
        Cluster stopped({.data_dir = agents[1].directory(), .self = agents[1].self}, clock, Log::none());
        CHECK(refusal_of([&] { stopped.init("other", Limit(20s)); }) == "cluster_already_initialized");
        CHECK(refusal_of([&] { stopped.join(token, Limit(20s)); }) == "cluster_already_initialized");
    }
    agents[1].start();
    CHECK(agents[1].cluster->cluster_id() == "test");
}

TEST_CASE("a taken port ends an init at once and leaves nothing that is in the way of the next") {
    Agents agents;
    agents[1];
    {
        Server taken([](const HttpRequest&) { return HttpResponse{}; }, Log::none());
        taken.listen({address_of(1), 2379});
        CHECK(refusal_of([&] { agents[1].cluster->init("test", Limit(20s)); }) == "conflict");
        CHECK_FALSE(std::filesystem::exists(agents[1].directory() / "cluster.json"));
    }
    {
        Server taken([](const HttpRequest&) { return HttpResponse{}; }, Log::none());
        taken.listen({address_of(1), 2380});
        CHECK_FALSE(refusal_of([&] { agents[1].cluster->init("test", Limit(20s)); }).empty());
        CHECK_FALSE(agents[1].cluster->initialized());
    }
    agents[1].cluster->init("test", Limit(60s));
    CHECK(agents[1].cluster->initialized());
}

TEST_CASE("what only members may know is in files that only the owner may read, and the token's secret is in none") {
    Agents agents;
    const JoinToken token = agents[1].cluster->init("test", Limit(60s));
    agents[2].cluster->join(token, Limit(60s));
    const std::string secret = token.token.substr(token.token.size() - 32);
    for (int number : {1, 2}) {
        agents[number].stop();
        for (const auto& entry : std::filesystem::recursive_directory_iterator(agents[number].directory()))
            if (entry.is_regular_file()) {
                CAPTURE(entry.path().string());
                CHECK(read_file(entry.path(), 256 << 20).find(secret) == std::string::npos);
            }
    }
}

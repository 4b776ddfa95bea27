#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "cli/exit_codes.hpp"
#include "cli/reach/contexts.hpp"
#include "cli/reach/first_alive.hpp"
#include "common/base/file.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_agent.hpp"

namespace pgedge {
namespace {

namespace fs = std::filesystem;

struct Place {
    fs::path path = fs::temp_directory_path() / ("pgedge-reach-" + random_hex(8));
    fs::path file = path / "pgedgectl" / "config.yaml";
    ~Place() { fs::remove_all(path); }
};

std::string refusal(const std::string& endpoint, bool insecure = false) {
    try {
        check_endpoint(endpoint, insecure);
        return "taken";
    } catch (const UsageError& error) {
        return error.text();
    }
}

/// Two agents behind one FirstAlive, and what it told.
struct Two {
    FakeAgent first, second;
    std::vector<std::string> told;
    FirstAlive alive{{"one", "two"},
                     [this](const std::string& endpoint) -> std::unique_ptr<Transport> {
                         return std::make_unique<FakeAgentTransport>(endpoint == "one" ? first : second, endpoint);
                     },
                     [this](const std::string& text) { told.push_back(text); }};
    Limit limit{std::chrono::seconds(10)};

    HttpRequest request(const std::string& method, const std::string& path) {
        HttpRequest made;
        made.method = method;
        made.path = path;
        return made;
    }
};

}  // namespace

TEST_CASE("contexts come back as they were saved, in a file that is the user's own") {
    const Place place;
    Contexts contexts;
    contexts.current = "prod";
    contexts.all["prod"] = {{"https://h1:3000", "https://h2:3000"}, "/ca: #1.pem", "/cert.pem", "/key.pem"};
    contexts.all["no"] = {{"unix:///run/x.sock"}, "", "", ""};
    save_contexts(place.file, contexts);

    const Contexts loaded = load_contexts(place.file);
    CHECK(loaded.current == "prod");
    CHECK(loaded.all == contexts.all);
    struct stat status {};
    REQUIRE(::stat(place.file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("no file means no contexts, and a broken one is told with its place") {
    const Place place;
    CHECK(load_contexts(place.file).all.empty());
    make_directory(place.file.parent_path());
    for (const char* broken :
         {"contexts: [1]", "currnt: x", "contexts: {a: {endpoints: []}}", "contexts: {a: {endpont: x}}", "{", "- a",
          "contexts: {a: 7}", "contexts: {a: {endpoints: x}}"}) {
        CAPTURE(broken);
        write_file(place.file, broken);
        try {
            load_contexts(place.file);
            FAIL("taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::invalid_input);
            CHECK(error.text().find("config.yaml:1:") != std::string::npos);
        }
    }
}

TEST_CASE("an endpoint where nobody answers says what to do") {
    const auto hint = [](const std::string& text, const std::string& endpoint) {
        return with_advice(Error(ErrorKind::unreachable, text), endpoint).hint();
    };
    CHECK(hint("cannot reach", "http://127.0.0.1:3000").starts_with("is the agent running there?"));
    CHECK(hint("routines::wrong version number", "https://h1:3000") == "it does not speak TLS; write http://h1:3000");
    CHECK(hint("Empty reply from server", "http://h1:3000") ==
          "it may speak TLS; write https://h1:3000 with --ca-file");
    CHECK(hint("tlsv13 alert certificate required, errno 0", "https://h1:3000").find("--cert-file") !=
          std::string::npos);
    CHECK(hint("the certificate of https://h1:3000 is not trusted: certificate has expired", "https://h1:3000")
              .starts_with("renew the agent's certificate"));
    CHECK(hint("the certificate of https://h1:3000 is not trusted", "https://h1:3000").find("--ca-file") !=
          std::string::npos);
    for (const char* broken_off : {"OpenSSL SSL_read: Connection reset by peer, errno 104",
                                   "getpeername() failed with errno 107: Transport endpoint is not connected"})
        CHECK(hint(broken_off, "https://h1:3000").find("--cert-file") != std::string::npos);
    CHECK(hint("Connection reset by peer", "http://h1:3000").starts_with("is the agent running there?"));
    CHECK(hint("SSL: no alternative certificate subject name matches target host name 'h1'", "https://h1:3000")
              .find("http.server_cert") != std::string::npos);
    CHECK(with_advice(Error(ErrorKind::timed_out, "timed out"), "https://h1:3000").hint().find("--request-timeout") !=
          std::string::npos);
    CHECK(with_advice(Error(ErrorKind::conflict, "taken"), "https://h1:3000").hint().empty());
}

TEST_CASE("a socket that is not there is named, and no port") {
    const auto transport = connect("unix:///nonexistent/nope.sock", {});
    HttpRequest request;
    request.path = "/v1/version";
    std::string why;
    try {
        transport->send(request, Limit(std::chrono::seconds(10)));
    } catch (const Error& error) {
        why = error.text();
    }
    CHECK(why.starts_with("cannot reach unix:///nonexistent/nope.sock: "));
    CHECK(why.find("localhost") == why.npos);
}

TEST_CASE("a file that is no certificate is named with its option") {
    const Place place;
    make_directory(place.path);
    const std::string file = place.path / "ca.pem";
    const auto refused = [&] {
        try {
            connect("https://127.0.0.1:3000", {.endpoints = {}, .ca_file = file, .cert_file = "", .key_file = ""});
            return std::string("taken");
        } catch (const Error& error) {
            return error.text();
        }
    };
    CHECK(refused().ends_with(", while reading the certificate authority (--ca-file)"));
    write_file(file, "hello");
    CHECK(refused() == file + " is no certificate authority (--ca-file): there is no \"CERTIFICATE-----\" in it");
}

TEST_CASE("endpoints are divided by commas or blanks") {
    CHECK(endpoints_in("a,b c, d") == std::vector<std::string>{"a", "b", "c", "d"});
    CHECK(endpoints_in("").empty());
}

TEST_CASE("an unknown context is refused with the nearest one") {
    Contexts contexts;
    contexts.all["prod"] = {{"https://h1"}, "", "", ""};
    CHECK_THROWS_AS(contexts.at("prd"), UsageError);
    try {
        contexts.at("prd");
    } catch (const UsageError& error) {
        CHECK(error.hint() == "did you mean prod?");
    }
}

TEST_CASE("http is for this machine only, unless it is asked for") {
    CHECK(refusal("http://127.0.0.1:3000") == "taken");
    CHECK(refusal("http://127.17.0.9:3000") == "taken");
    CHECK(refusal("http://[::1]:3000") == "taken");
    CHECK(refusal("http://localhost:3000") == "taken");
    CHECK(refusal("http://192.0.2.1:3000").starts_with("http:// is for agents on this machine"));
    CHECK(refusal("http://192.0.2.1:3000", true) == "taken");
    CHECK(refusal("https://192.0.2.1:3000") == "taken");
    CHECK(refusal("unix:///run/pgedge/agent.sock") == "taken");
    CHECK(refusal("ssh://ops@host-1") == "taken");
    CHECK(refusal("ssh://ops@host-1:22/run/agent.sock") == "taken");
    CHECK(refusal("ssh://-oProxyCommand=x").starts_with("'ssh://-oProxyCommand=x' is not a usable SSH address"));
    CHECK(refusal("ftp://host") != "taken");
    CHECK(refusal("") != "taken");
}

TEST_CASE("the first agent that answers gets the calls") {
    Two two;
    two.first.unreachable_calls = 1;
    CHECK(two.alive.send(two.request("GET", "/v1/hosts"), two.limit).status == 200);
    CHECK(two.alive.endpoint() == "two");
    CHECK(two.first.calls.empty());
    CHECK(two.second.calls == std::vector<std::string>{"GET /v1/version", "GET /v1/hosts"});
    CHECK(two.told.size() == 1);
}

TEST_CASE("reading moves on when an agent goes away, changing does not") {
    Two two;
    two.alive.send(two.request("GET", "/v1/hosts"), two.limit);
    two.first.unreachable_calls = 100;
    CHECK(two.alive.send(two.request("GET", "/v1/hosts"), two.limit).status == 200);
    CHECK(two.alive.endpoint() == "two");

    two.first.unreachable_calls = 0;
    two.second.unreachable_calls = 1;
    HttpRequest change = two.request("POST", "/v1/databases");
    change.body = R"({"id": "x", "spec": {}})";
    CHECK_THROWS_AS(two.alive.send(change, two.limit), Error);
    CHECK(two.first.databases.empty());  // it may have been done by the agent that went away
    CHECK(two.alive.send(two.request("GET", "/v1/hosts"), two.limit).status == 200);
}

TEST_CASE("wrong usage stays what it is on its way out") {
    FirstAlive alive(
        {"one"}, [](const std::string&) -> std::unique_ptr<Transport> { throw UsageError("no PEM"); },
        [](const std::string&) {});
    CHECK_THROWS_AS(alive.send({}, Limit(std::chrono::seconds(1))), UsageError);
}

TEST_CASE("when nobody answers, the error says what each of them said") {
    Two two;
    two.first.unreachable_calls = two.second.unreachable_calls = 5;
    try {
        two.alive.send(two.request("GET", "/v1/hosts"), two.limit);
        FAIL("answered");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unreachable);
        CHECK(error.text().find("one: ") != std::string::npos);
        CHECK(error.text().find("two: ") != std::string::npos);
    }
}

}  // namespace pgedge

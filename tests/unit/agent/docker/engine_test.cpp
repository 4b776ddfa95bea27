#include "agent/docker/engine.hpp"

#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

/// Answers of Docker 20.10.24, as they came over its socket (shortened where nobody reads).
const std::string kVersion = R"({"Platform":{"Name":""},"Version":"20.10.24+dfsg1","ApiVersion":"1.41",)"
                             R"("MinAPIVersion":"1.12","GitCommit":"5d6db84","GoVersion":"go1.19.8","Os":"linux"})";
const std::string kExited = R"({"Id":"74cd","State":{"Status":"exited","Running":false,"Paused":false,)"
                            R"("Restarting":false,"OOMKilled":false,"Dead":false,"Pid":0,"ExitCode":3,"Error":"",)"
                            R"("StartedAt":"2026-12-01T01:42:24.273194109Z"},"Config":{"Labels":{"a":"b"}}})";
const std::string kNoContainer = R"({"message":"No such container: t1"})"
                                 "\n";
const std::string kNoImage = R"({"message":"No such image: nope:1"})"
                             "\n";

/// Gives recorded answers, in their order, and keeps what was asked.
class Recorded final : public Transport {
public:
    struct Answer {
        int status = 200;
        std::string body;
    };
    Recorded(std::deque<Answer> answers, std::vector<std::string>& asked)
        : answers_(std::move(answers)), asked_(asked) {}
    HttpResponse send(const HttpRequest&, const Limit&) override { throw Error(ErrorKind::internal, "not used"); }
    HttpResponse stream(const HttpRequest& request, const Limit&,
                        const std::function<bool(std::string_view)>& on_part) override {
        asked_.push_back(request.method + " " + target_of(request));
        if (answers_.empty()) throw Error(ErrorKind::unreachable, "cannot reach it: Permission denied (errno 13)");
        const auto answer = answers_.front();
        answers_.pop_front();
        HttpResponse response;
        response.status = answer.status;
        if (answer.status / 100 == 2)
            for (std::size_t at = 0; at < answer.body.size(); at += 7)
                on_part(std::string_view(answer.body).substr(at, 7));
        else
            response.body = answer.body;
        return response;
    }
    std::string endpoint() const override { return "recorded"; }

private:
    std::deque<Answer> answers_;
    std::vector<std::string>& asked_;
};

struct Asked {
    explicit Asked(std::deque<Recorded::Answer> answers)
        : engine(std::make_unique<Recorded>(std::move(answers), asked)) {}
    std::vector<std::string> asked;
    DockerEngine engine;
};

template <class Work>
Error refusal(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::internal, "nothing was refused"};
}

const Limit kSoon(20s);

}  // namespace

TEST_CASE("the version that both know is asked for once and stands before every path") {
    Asked docker({{200, kVersion}, {200, kExited}, {204, ""}});
    CHECK(docker.engine.inspect("t1", kSoon) == ContainerState{false, 3, false, "", {{"a", "b"}}});
    docker.engine.remove("t1", kSoon);
    CHECK(docker.asked == std::vector<std::string>{"GET /version", "GET /v1.41/containers/t1/json",
                                                   "DELETE /v1.41/containers/t1?force=1&v=1"});
    CHECK(common_api_version(R"({"ApiVersion":"1.52","MinAPIVersion":"1.44"})") == "1.44");
    CHECK_THROWS_AS(common_api_version(R"({"ApiVersion":"1.24","MinAPIVersion":"1.12"})"), Error);
    CHECK_THROWS_AS(common_api_version("[]"), Error);
}

TEST_CASE("counts have the names of the control plane's API") {
    Asked docker(
        {{200, kVersion},
         {200, R"({"ID":"X","Containers":5,"ContainersRunning":3,"ContainersPaused":0,"ContainersStopped":2})"}});
    CHECK(docker.engine.counts(kSoon) ==
          Json{{"containers", 5}, {"containers_running", 3}, {"containers_stopped", 2}, {"containers_paused", 0}});
}

TEST_CASE("a container that is not there is none, and nothing to remove") {
    Asked docker({{200, kVersion}, {404, kNoContainer}, {404, kNoContainer}});
    CHECK_FALSE(docker.engine.inspect("t1", kSoon));
    docker.engine.remove("t1", kSoon);
    CHECK(docker.asked.size() == 3);
}

TEST_CASE("an image that is not there is told apart from other refusals") {
    Asked docker({{200, kVersion}, {404, kNoImage}, {409, R"({"message":"Conflict. The name is in use"})"}});
    const auto create = [&] { docker.engine.create("t2", Json{{"Image", "nope:1"}}, kSoon); };
    const auto missing = refusal(create), taken = refusal(create);
    CHECK(missing.kind() == ErrorKind::not_found);
    CHECK(missing.text() == "Docker says: No such image: nope:1");
    CHECK(taken.kind() == ErrorKind::conflict);
}

TEST_CASE("what is no socket, or none of ours, is told with what to do") {
    Asked docker({});
    const auto denied = refusal([&] { docker.engine.start("t1", kSoon); });
    CHECK(denied.kind() == ErrorKind::unreachable);
    CHECK(denied.hint().find("group docker") != std::string::npos);

    DockerEngine nowhere(std::string("/nonexistent/docker.sock"));
    const auto missing = refusal([&] { nowhere.start("t1", kSoon); });
    CHECK(missing.kind() == ErrorKind::unreachable);
    CHECK(missing.hint().find("docker.socket") != std::string::npos);
}

TEST_CASE("an image that cannot be pulled: by status, or in the middle of its progress") {
    Asked docker({{200, kVersion},
                  {500, R"({"message":"Get \"https://r.example/v2/\": dial tcp: lookup r.example: no such host"})"},
                  {200, R"({"status":"Pulling from postgres","id":"15"})"
                        "\r\n"
                        R"({"errorDetail":{"message":"unauthorized: incorrect"},"error":"unauthorized: incorrect"})"
                        "\r\n"},
                  {200, R"({"status":"Status: Downloaded newer image"})"
                        "\r\n"}});
    const auto pull = [&] { docker.engine.pull("r.example/postgres:15", Secret("c2VjcmV0"), kSoon); };
    CHECK(refusal(pull).hint().find("docker load") != std::string::npos);
    const auto unauthorized = refusal(pull);
    CHECK(unauthorized.text() == "Docker says: unauthorized: incorrect");
    CHECK(unauthorized.hint().find("docker login") != std::string::npos);
    pull();
    CHECK(docker.asked.back() == "POST /v1.41/images/create?fromImage=r.example%2Fpostgres%3A15");
}

TEST_CASE("what an earlier agent left running in a container is found by its program") {
    const std::string exec = R"({"ID":"904d","Running":true,"ExitCode":null,"ProcessConfig":{"tty":false,)"
                             R"("entrypoint":"/usr/bin/pgbackrest","arguments":["backup"]},"Pid":25837})";
    const std::string shell = R"({"ID":"904e","Running":true,"ProcessConfig":{"entrypoint":"bash"},"Pid":25838})";
    const std::string ended =
        R"({"ID":"904f","Running":false,"ProcessConfig":{"entrypoint":"/usr/bin/pgbackrest"},"Pid":9})";
    Asked docker({{200, kVersion},
                  {200, R"({"ExecIDs":["904d","904e","904f"]})"},
                  {200, exec},
                  {200, shell},
                  {200, ended},
                  {200, R"({"ExecIDs":null})"}});
    CHECK(docker.engine.running_in("t1", "/usr/bin/pgbackrest", kSoon) == std::vector<int>{25837});
    CHECK(docker.engine.running_in("t1", "/usr/bin/pgbackrest", kSoon).empty());
}

TEST_CASE("a program in a container: its output, then its exit code") {
    Asked docker({{200, kVersion},
                  {201, R"({"Id":"e1"})"},
                  {200, std::string("\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\4err\n", 24)},
                  {200, R"({"ID":"e1","Running":true,"ExitCode":null,"Pid":77})"},
                  {200, R"({"ID":"e1","Running":false,"ExitCode":4,"Pid":77})"}});
    std::string said;
    const int code = docker.engine.exec(
        "t1", Json{{"Cmd", Json::array({"x"})}}, [&](std::string_view line) { said.append(line).append(";"); },
        [](int) { FAIL("nothing was left"); }, kSoon);
    CHECK(code == 4);
    CHECK(said == "out;err;");
}

}  // namespace pgedge

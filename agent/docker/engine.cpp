#include "agent/docker/engine.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "agent/docker/frames.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/http_client.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxAnswer = 16 << 20;
constexpr std::size_t kMaxMessage = 2000;
constexpr std::size_t kMaxLine = 64 << 10;
constexpr int kOldest = 40, kNewest = 44;  ///< the second number of the API's versions that we know
constexpr auto kAfterwards = 10s;          ///< for what has to be asked when a limit has ended

struct EngineAdvice {
    std::string_view text, hint;
};
constexpr std::array<EngineAdvice, 10> kEngineAdvice{{
    {"(errno 2)", "start Docker on this host, or set docker.socket of the agent's configuration to where it listens"},
    {"(errno 111)", "start Docker on this host: its socket is there and nobody listens"},
    {"(errno 13)", "let the agent's user reach Docker's socket: add it to the group docker, or run the agent as root"},
    {"bind source path does not exist", "make that directory on the host, or correct extra_volumes of the spec"},
    {"address already in use", "end the program that has the port, or give the node another port"},
    {"no basic auth credentials", "run docker login on this host and set docker.credentials of the agent"},
    {"unauthorized", "run docker login on this host and set docker.credentials of the agent"},
    {"manifest unknown", "correct the image in docker.manifest of the agent, or in orchestrator_opts of the spec"},
    {"dial tcp", "look whether this host reaches the image's registry, or bring the image by docker load"},
    {"no space left", "make room where Docker keeps its data"},
}};

std::string hint_for_engine(std::string_view text) {
    const auto found = std::find_if(kEngineAdvice.begin(), kEngineAdvice.end(),
                                    [&](const auto& each) { return text.find(each.text) != std::string_view::npos; });
    return found == kEngineAdvice.end() ? std::string() : std::string(found->hint);
}

/// {"message": "No such image: …"}
std::string message_in(std::string_view body) {
    try {
        return shortened(parse_json(body).at("message").get<std::string>(), kMaxMessage);
    } catch (const std::exception&) {
        return shortened(body, kMaxMessage);
    }
}

[[noreturn]] void throw_refusal(int status, const std::string& message) {
    const auto kind = status == 404 ? ErrorKind::not_found : status == 409 ? ErrorKind::conflict : ErrorKind::failed;
    throw Error(kind, "Docker says: " + message, hint_for_engine(message));
}

Json engine_json(std::string_view body, std::string_view what, bool list = false) {
    try {
        Json json = parse_json(body);
        if (list ? !json.is_array() : !json.is_object())
            throw Error(ErrorKind::failed, "it has a form that is not known");
        return json;
    } catch (const Error& error) {
        throw Error(ErrorKind::failed, fmt::format("Docker's answer about {}: {}", what, error.text()));
    }
}

/// "1.41" → 41
int second_number(std::string_view version) {
    int number = 0;
    if (!version.starts_with("1.") ||
        std::from_chars(version.data() + 2, version.data() + version.size(), number).ec != std::errc())
        throw Error(ErrorKind::failed, fmt::format("Docker's API has a version that is not known: '{}'", version));
    return number;
}

std::unique_ptr<Transport> transport_to(const std::string& socket) {
    HttpClientOptions options;
    options.server = {Url::Scheme::unix_socket, "", 0, socket};
    options.max_body = kMaxAnswer;
    return std::make_unique<HttpTransport>(std::move(options));
}

std::string container_path(const std::string& name, const std::string& rest = {}) {
    return "/containers/" + name + rest;
}

}  // namespace

ContainerState parse_container(std::string_view answer) {
    const Json json = engine_json(answer, "a container");
    try {
        const Json& state = json.at("State");
        ContainerState container{
            state.at("Running"), state.at("ExitCode"), state.at("OOMKilled"), state.at("Error"), {}};
        if (const Json& labels = json.at("Config").at("Labels"); labels.is_object()) labels.get_to(container.labels);
        return container;
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::failed, "Docker describes a container in a form that is not known");
    }
}

std::string common_api_version(std::string_view answer) {
    const Json json = engine_json(answer, "its version");
    const int theirs = second_number(json.value("ApiVersion", "")),
              least = second_number(json.value("MinAPIVersion", ""));
    const int both = std::min(theirs, kNewest);
    if (both < kOldest)
        throw Error(ErrorKind::failed, fmt::format("Docker's API 1.{} is too old, 1.{} is needed", theirs, kOldest),
                    "upgrade Docker to 19.03 or later");
    // Newer engines still take ours where they say no more than this.
    return fmt::format("1.{}", std::max(both, least));
}

DockerEngine::DockerEngine(const std::string& socket) : DockerEngine(transport_to(socket)) {}

std::string DockerEngine::api_version(const Limit& limit) {
    const std::lock_guard lock(mutex_);
    if (version_.empty()) {
        HttpRequest question;
        question.path = "/version";
        version_ = common_api_version(ask(question, limit).body);
    }
    return version_;
}

HttpRequest DockerEngine::request(std::string method, const std::string& path, const Limit& limit) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = "/v" + api_version(limit) + path;
    return request;
}

HttpResponse DockerEngine::stream(const HttpRequest& request, const Limit& limit,
                                  const std::function<bool(std::string_view)>& on_part) {
    HttpResponse response;
    try {
        response = transport_->stream(request, limit, on_part);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable) throw;
        throw Error(ErrorKind::unreachable, "Docker does not answer: " + error.text(), hint_for_engine(error.text()));
    }
    if (response.status >= 400) throw_refusal(response.status, message_in(response.body));
    return response;
}

HttpResponse DockerEngine::ask(const HttpRequest& request, const Limit& limit) {
    std::string body;
    auto response = stream(request, limit, [&](std::string_view part) {
        if (body.size() + part.size() > kMaxAnswer) throw Error(ErrorKind::failed, "Docker's answer is too large");
        body += part;
        return true;
    });
    response.body = std::move(body);
    return response;
}

Json DockerEngine::counts(const Limit& limit) {
    const Json info = engine_json(ask(request("GET", "/info", limit), limit).body, "itself");
    Json counts = Json::object();
    for (const auto& [ours, theirs] : {std::pair("containers", "Containers"),
                                       {"containers_running", "ContainersRunning"},
                                       {"containers_stopped", "ContainersStopped"},
                                       {"containers_paused", "ContainersPaused"}})
        counts[ours] = info.value(theirs, 0);
    return counts;
}

void DockerEngine::create(const std::string& name, const Json& config, const Limit& limit) {
    auto wanted = request("POST", "/containers/create", limit);
    wanted.query = {{"name", name}};
    wanted.body = to_text(config);
    ask(wanted, limit);
}

void DockerEngine::start(const std::string& name, const Limit& limit) {
    ask(request("POST", container_path(name, "/start"), limit), limit);
}

std::optional<ContainerState> DockerEngine::inspect(const std::string& name, const Limit& limit) {
    try {
        return parse_container(ask(request("GET", container_path(name, "/json"), limit), limit).body);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return std::nullopt;
        throw;
    }
}

void DockerEngine::remove(const std::string& name, const Limit& limit) {
    auto wanted = request("DELETE", container_path(name), limit);
    wanted.query = {{"force", "1"}, {"v", "1"}};
    for (;;) try {
            ask(wanted, limit);
            return;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::not_found) return;
            // Somebody else, or an earlier try of ours, is removing it.
            if (error.kind() != ErrorKind::conflict || !limit.pause(50ms)) throw;
        }
}

std::vector<std::string> DockerEngine::with_labels(const std::vector<std::string>& labels, const Limit& limit) {
    auto wanted = request("GET", "/containers/json", limit);
    wanted.query = {{"all", "1"}, {"filters", to_text(Json{{"label", labels}})}};
    std::vector<std::string> names;
    const Json containers = engine_json(ask(wanted, limit).body, "containers", true);
    for (const auto& each : containers)
        if (each.contains("Id") && each.at("Id").is_string()) names.push_back(each.at("Id"));
    return names;
}

void DockerEngine::follow(const std::string& name, const OnLine& on_line, const Limit& limit) {
    auto wanted = request("GET", container_path(name, "/logs"), limit);
    wanted.query = {{"follow", "1"}, {"stdout", "1"}, {"stderr", "1"}};
    OutputFrames frames(on_line);
    stream(wanted, limit, [&](std::string_view part) {
        frames.add(part);
        return true;
    });
    frames.end();
}

int DockerEngine::wait(const std::string& name, const Limit& limit) {
    const Json end = engine_json(ask(request("POST", container_path(name, "/wait"), limit), limit).body, "an end");
    return end.value("StatusCode", -1);
}

int DockerEngine::exec(const std::string& name, const Json& config, const OnLine& on_line,
                       const std::function<void(int pid)>& on_left, const Limit& limit) {
    auto wanted = request("POST", container_path(name, "/exec"), limit);
    wanted.body = to_text(config);
    const std::string id = engine_json(ask(wanted, limit).body, "a program").value("Id", "");
    const auto look = [&](const Limit& soon) {
        return engine_json(ask(request("GET", "/exec/" + id + "/json", soon), soon).body, "a program");
    };
    auto begin = request("POST", "/exec/" + id + "/start", limit);
    begin.body = R"({"Detach": false, "Tty": false})";
    OutputFrames frames(on_line);
    try {
        stream(begin, limit, [&](std::string_view part) {
            frames.add(part);
            return true;
        });
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::timed_out && error.kind() != ErrorKind::cancelled) throw;
        if (const Json left = look(Limit(kAfterwards)); left.value("Running", false)) on_left(left.value("Pid", 0));
        throw;
    }
    frames.end();
    // The stream may end a moment before Docker has noticed the end of the program.
    for (;;) {
        const Json end = look(limit);
        if (!end.value("Running", true)) return end.value("ExitCode", -1);
        if (!limit.pause(10ms)) limit.check("waiting for a program in " + name);
    }
}

std::vector<int> DockerEngine::running_in(const std::string& name, const std::string& program, const Limit& limit) {
    const auto look = [&](const std::string& path) {
        return engine_json(ask(request("GET", path, limit), limit).body, "a program");
    };
    std::vector<int> pids;
    const Json container = look(container_path(name, "/json"));
    const auto ids = container.find("ExecIDs");
    if (ids == container.end() || !ids->is_array()) return pids;  // null: none
    for (const auto& id : *ids) {
        const Json each = look("/exec/" + id.get<std::string>() + "/json");
        if (each.value("Running", false) && each.value("/ProcessConfig/entrypoint"_json_pointer, "") == program)
            pids.push_back(each.value("Pid", 0));
    }
    return pids;
}

bool DockerEngine::has_image(const std::string& image, const Limit& limit) {
    try {
        ask(request("GET", "/images/" + image + "/json", limit), limit);
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return false;
        throw;
    }
}

void DockerEngine::pull(const std::string& image, const Secret& login, const Limit& limit) {
    auto wanted = request("POST", "/images/create", limit);
    wanted.query = {{"fromImage", image}};
    // Without a tag, Docker would fetch all of them.
    if (image.find('@') == std::string::npos && image.find(':', image.rfind('/') + 1) == std::string::npos)
        wanted.query.emplace_back("tag", "latest");
    if (!login.empty()) wanted.headers["X-Registry-Auth"] = login.reveal();
    std::string line, problem;
    const auto hear = [&] {  // {"status": …} or {"errorDetail": {…}, "error": "…"}
        if (const Json said = Json::parse(line, nullptr, false); said.is_object() && said.contains("error"))
            problem = shortened(
                said.value("errorDetail", Json::object()).value("message", "the image cannot be pulled"), kMaxMessage);
        line.clear();
    };
    stream(wanted, limit, [&](std::string_view part) {
        for (const char c : part) {
            if (c == '\n')
                hear();
            else if (line.size() < kMaxLine)
                line += c;
        }
        return true;
    });
    hear();
    if (!problem.empty()) throw Error(ErrorKind::failed, "Docker says: " + problem, hint_for_engine(problem));
}

}  // namespace pgedge

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.hpp"
#include "common/base/limit.hpp"
#include "common/base/secret.hpp"
#include "common/net/transport.hpp"

namespace pgedge {

struct ContainerState {
    bool running = false;
    int exit_code = 0;
    bool out_of_memory = false;
    std::string error;  ///< why it could not be started
    std::map<std::string, std::string> labels;
    bool operator==(const ContainerState&) const = default;
};

/// Calls to a Docker Engine. Safe from any thread. Errors are what Docker said, as Error{not_found} (404),
/// Error{conflict} (409) or Error{failed}, with what to do about it where that is known; Error{unreachable} when there
/// is no Docker to ask.
class DockerEngine {
public:
    using OnLine = std::function<void(std::string_view)>;

    /// The path of its unix socket.
    explicit DockerEngine(const std::string& socket);
    /// Over any other way, in tests.
    explicit DockerEngine(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}

    /// The version of the API that both know: "1.41". Asked once.
    std::string api_version(const Limit& limit);
    /// How many containers there are, in the words of the control plane's API: "containers_running" and others.
    Json counts(const Limit& limit);
    /// `config` as of POST /containers/create. Throws Error{not_found} when the image is not there.
    void create(const std::string& name, const Json& config, const Limit& limit);
    void start(const std::string& name, const Limit& limit);
    /// nullopt when there is no such container.
    std::optional<ContainerState> inspect(const std::string& name, const Limit& limit);
    /// Ends it by SIGKILL when it runs. Nothing to do when it is not there.
    void remove(const std::string& name, const Limit& limit);
    /// Names of all containers, running or not, with these labels ("name=value").
    std::vector<std::string> with_labels(const std::vector<std::string>& labels, const Limit& limit);
    /// Hears the container's output until it has ended.
    void follow(const std::string& name, const OnLine& on_line, const Limit& limit);
    /// Waits for the end of a container and gives its exit code.
    int wait(const std::string& name, const Limit& limit);
    /// Runs a program in a running container to its end and gives its exit code. When the limit ends before, `on_left`
    /// gets the id of the process, by the machine's own count.
    int exec(const std::string& name, const Json& config, const OnLine& on_line,
             const std::function<void(int pid)>& on_left, const Limit& limit);
    /// Process ids, by the machine's own count, of what exec() of anybody runs in the container with this program.
    std::vector<int> running_in(const std::string& name, const std::string& program, const Limit& limit);
    bool has_image(const std::string& image, const Limit& limit);
    /// `login`: see registry_login(). Throws Error{failed} with the registry's own words.
    void pull(const std::string& image, const Secret& login, const Limit& limit);

private:
    HttpRequest request(std::string method, const std::string& path, const Limit& limit);
    HttpResponse ask(const HttpRequest& request, const Limit& limit);
    HttpResponse stream(const HttpRequest& request, const Limit& limit,
                        const std::function<bool(std::string_view)>& on_part);

    const std::unique_ptr<Transport> transport_;
    std::mutex mutex_;  ///< of version_
    std::string version_;
};

/// Reads what GET /containers/NAME/json answers. Throws Error{failed} for what is none.
ContainerState parse_container(std::string_view answer);
/// The newer of the versions that Docker and we know; throws Error{failed} when there is none. `answer` is of GET
/// /version.
std::string common_api_version(std::string_view answer);

}  // namespace pgedge

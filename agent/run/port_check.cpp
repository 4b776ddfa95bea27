#include "agent/run/port_check.hpp"

#include <cerrno>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {

Json to_json(const std::vector<PortCheck>& checks) {
    Json json = Json::array();
    for (const auto& check : checks)
        json.push_back({{"node", check.node_name},
                        {"address", check.address},
                        {"port", check.port},
                        {"instance", check.instance_id},
                        {"bin_dir", check.bin_dir}});
    return json;
}

std::vector<PortCheck> port_checks_from_json(const Json& json) {
    std::vector<PortCheck> checks;
    for (const auto& one : json)
        checks.push_back(
            {one.at("node"), one.at("address"), one.at("port"), one.at("instance"), one.value("bin_dir", "")});
    return checks;
}

std::optional<std::string> port_problem(const PortCheck& check) {
    const auto because = [&](const std::string& why) {
        return fmt::format("port {} of {} cannot be bound: {}", check.port, check.address, why);
    };
    addrinfo hints{}, *found = nullptr;
    hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    if (const int code = getaddrinfo(check.address.c_str(), std::to_string(check.port).c_str(), &hints, &found))
        return because(gai_strerror(code));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
    const Fd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return because(errno_text(errno));
    const int on = 1;  // as PostgreSQL does: connections in TIME_WAIT are no obstacle
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || listen(socket.get(), 1) != 0)
        return because(errno_text(errno));
    return std::nullopt;
}

StepOutcome CheckPorts::run(const WorkCall& call) const {
    const auto& row = call.step.row;
    std::vector<std::string> problems;
    const auto add = [&](const PortCheck& check, const std::string& problem) {
        problems.push_back(
            fmt::format("validation error for node {}, host {}: {}", check.node_name, row.host_id, problem));
    };
    for (const auto& check : port_checks_from_json(row.work.arguments)) {
        call.limit.check("checking the ports of " + row.host_id);
        const auto problem = port_problem(check);
        if (problem && !(keeps_server_ && keeps_server_(check.instance_id, check.port))) add(check, *problem);
        if (prepare_ && !check.bin_dir.empty()) try {
                prepare_(check.bin_dir, call.limit);
            } catch (const Error& error) {
                call.limit.check("looking for the PostgreSQL of " + check.node_name);
                add(check, error.text_and_hint());
            }
    }
    return {fmt::format("{}", fmt::join(problems, "\n")), {}};
}

}  // namespace pgedge

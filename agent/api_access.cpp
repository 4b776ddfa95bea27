#include "agent/api_access.hpp"

#include <sstream>

#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

std::string read_key_file(const char* key, const std::string& file) {
    return within(std::string("reading the file of ") + key, [&] { return read_file(file); });
}

}  // namespace

std::shared_ptr<ReloadableContext> api_tls(const AgentConfig& config) {
    if (config.http_server_cert.empty()) return nullptr;
    const KeyPair own{read_key_file("http.server_cert", config.http_server_cert),
                      Secret(read_key_file("http.server_key", config.http_server_key))};
    const std::string authorities = read_key_file("http.ca_cert", config.http_ca_cert);
    return within("preparing TLS with http.ca_cert, http.server_cert and http.server_key", [&] {
        return std::make_shared<ReloadableContext>(make_server_context(own, authorities, ClientCertificates::told));
    });
}

std::optional<KeyPair> api_client_certificate(const AgentConfig& config) {
    if (config.http_client_cert.empty()) return std::nullopt;
    KeyPair own{read_key_file("http.client_cert", config.http_client_cert),
                Secret(read_key_file("http.client_key", config.http_client_key))};
    // Tried here, so that a mistake is told at the start and not by the first join.
    within("trying http.client_cert and http.client_key", [&] { make_client_context(own, own.certificate); });
    return own;
}

std::set<std::string> configured_names(const AgentConfig& config) {
    std::set<std::string> names{config.host_id};
    const auto add = [&](const std::string& name) {
        if (const auto known = canonical_host(name)) names.insert(*known);
    };
    add(config.http_bind_address);
    for (const auto* list : {&config.peer_addresses, &config.client_addresses, &config.http_server_names})
        for (const auto& name : *list) add(name);
    char machine[256] = "";
    ::gethostname(machine, sizeof machine - 1);
    add(machine);
    add(std::string(machine).substr(0, std::string_view(machine).find('.')));
    return names;
}

bool named_in_hosts_file(const std::string& name, const std::set<std::string>& addresses,
                         const std::filesystem::path& file) {
    constexpr std::size_t kMost = 1 << 20;
    std::istringstream lines(read_file_if_there(file, kMost).value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string address, word;
        words >> address;
        const auto known = canonical_host(address);
        if (!known || (!is_loopback(*known) && !addresses.contains(*known))) continue;
        while (words >> word)
            if (canonical_host(word) == name) return true;
    }
    return false;
}

}  // namespace pgedge

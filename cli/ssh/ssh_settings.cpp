#include "cli/ssh/ssh_settings.hpp"

#include <cstdlib>

#include "common/base/error.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

std::filesystem::path expanded(const std::string& path, const SshEnvironment& environment) {
    if (path.starts_with("~/")) return std::filesystem::path(environment.home) / path.substr(2);
    return path;
}

std::vector<std::filesystem::path> files_in(const std::string& value, const SshEnvironment& environment) {
    std::vector<std::filesystem::path> files;
    for (const auto& one : split(value, ' '))
        if (!one.empty() && one != "none") files.push_back(expanded(one, environment));
    return files;
}

SshSettings defaults(const SshAddress& address, const SshEnvironment& environment) {
    SshSettings settings;
    settings.host = address.host;
    settings.user = address.user.empty() ? environment.user : address.user;
    if (address.port != 0) settings.port = address.port;
    settings.agent = environment.agent;
    settings.config = environment.config;
    return settings;
}

void add_default_files(SshSettings& settings, const SshEnvironment& environment) {
    const std::filesystem::path own = std::filesystem::path(environment.home) / ".ssh";
    if (settings.identities.empty())
        for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) settings.identities.push_back(own / name);
    if (settings.known_hosts.empty()) settings.known_hosts = {own / "known_hosts", "/etc/ssh/ssh_known_hosts"};
}

}  // namespace

SshSettings read_ssh_settings(const std::string& printed, const SshAddress& address,
                              const SshEnvironment& environment) {
    SshSettings settings = defaults(address, environment);
    std::vector<std::filesystem::path> global;
    for (const auto& line : split(printed, '\n')) {
        const auto blank = line.find(' ');
        if (blank == std::string::npos) continue;
        const std::string key = line.substr(0, blank), value(trimmed(line.substr(blank)));
        if (key == "hostname") settings.host = value;
        if (key == "user") settings.user = value;
        if (key == "port") settings.port = std::atoi(value.c_str());
        if (key == "hostkeyalias") settings.key_alias = value;
        if (key == "identitiesonly") settings.identities_only = value == "yes";
        if (key == "identityfile" && value != "none") settings.identities.push_back(expanded(value, environment));
        if (key == "identityagent" && value != "SSH_AUTH_SOCK")
            settings.agent = value == "none" ? "" : expanded(value, environment).string();
        if (key == "userknownhostsfile") settings.known_hosts = files_in(value, environment);
        if (key == "globalknownhostsfile") global = files_in(value, environment);
        if (key == "proxyjump" && value != "none") settings.needs_ssh = "ProxyJump";
        if (key == "proxycommand" && value != "none") settings.needs_ssh = "ProxyCommand";
        if (key == "certificatefile" && value != "none") settings.needs_ssh = "CertificateFile";
        if (key == "pkcs11provider" && value != "none") settings.needs_ssh = "PKCS11Provider";
    }
    settings.known_hosts.insert(settings.known_hosts.end(), global.begin(), global.end());
    add_default_files(settings, environment);
    return settings;
}

SshSettings ssh_settings(const SshAddress& address, const SshEnvironment& environment, const Limit& limit) {
    Command ask;
    ask.argv = {"ssh", "-G"};
    if (!environment.config.empty()) ask.argv.insert(ask.argv.end(), {"-F", environment.config.string()});
    if (!address.user.empty()) ask.argv.insert(ask.argv.end(), {"-l", address.user});
    if (address.port != 0) ask.argv.insert(ask.argv.end(), {"-p", std::to_string(address.port)});
    ask.argv.insert(ask.argv.end(), {"--", address.host});
    CommandResult said;
    try {
        said = run(ask, limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        SshSettings settings = defaults(address, environment);  // there is no ssh client
        add_default_files(settings, environment);
        return settings;
    }
    if (said.exit_code != 0)
        throw Error(
            ErrorKind::invalid_input,
            "ssh refuses its configuration for " + to_string(address) + ": " + shortened(trimmed(said.output), 300),
            "try it: ssh -G " + address.host);
    SshSettings settings = read_ssh_settings(said.output, address, environment);
    settings.has_ssh = true;
    return settings;
}

}  // namespace pgedge

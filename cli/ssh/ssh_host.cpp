#include "cli/ssh/ssh_host.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "cli/ssh/known_hosts.hpp"
#include "cli/ssh/libssh2_host.hpp"
#include "cli/ssh/libssh2_session.hpp"
#include "cli/ssh/system_ssh_host.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// One question at a time, whoever asks.
class OneAfterTheOther final : public Prompt {
public:
    OneAfterTheOther(Prompt& prompt, std::mutex& mutex) : prompt_(prompt), mutex_(mutex) {}
    bool may_ask() const override { return prompt_.may_ask(); }
    std::string ask(const std::string& question) override {
        const std::lock_guard lock(mutex_);
        return prompt_.ask(question);
    }
    Secret ask_secret(const std::string& question) override {
        const std::lock_guard lock(mutex_);
        return prompt_.ask_secret(question);
    }
    void tell(const std::string& detail) override {
        const std::lock_guard lock(mutex_);
        prompt_.tell(detail);
    }

private:
    Prompt& prompt_;
    std::mutex& mutex_;
};

bool is_rsa(const HostKey& key) { return key.type == "ssh-rsa"; }

/// The types that known_hosts has, as names of algorithms: another one would only look like a changed key.
std::vector<std::string> types_of(const std::vector<KnownHost>& known) {
    std::vector<std::string> types;
    const auto add = [&](const std::string& type) {
        if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    };
    for (const auto& one : known) {
        if (!one.marker.empty()) continue;
        if (!is_rsa(one.key)) add(one.key.type);
        if (is_rsa(one.key) && Libssh2Session::can_use_rsa()) {
            add("rsa-sha2-512");
            add("rsa-sha2-256");
        }
    }
    return types;
}

/// Why libssh2 cannot reach the host, which ssh can; empty: it can.
std::string reason_for_ssh(const SshSettings& settings, const std::vector<KnownHost>& known) {
    if (!settings.needs_ssh.empty()) return settings.needs_ssh;
    if (std::any_of(known.begin(), known.end(), [](const auto& one) { return one.marker == "@cert-authority"; }))
        return "a certificate authority in known_hosts";
    const bool only_rsa = !known.empty() && std::all_of(known.begin(), known.end(), [](const auto& one) {
        return is_rsa(one.key) || !one.marker.empty();
    });
    return only_rsa && !Libssh2Session::can_use_rsa() ? "the host's RSA key" : "";
}

std::string key_name(const SshSettings& settings) {
    return settings.key_alias.empty() ? settings.host : settings.key_alias;
}

[[noreturn]] void refuse_changed(const SshSettings& settings, const HostKey& key, const KnownHost& known) {
    const std::string name = known_hosts_name(key_name(settings), settings.port);
    throw Error(ErrorKind::denied,
                "the host key of " + name + " has changed: it shows " + key.type + " " + fingerprint(key) + ", and " +
                    known.file.string() + ":" + std::to_string(known.line) + " has " + known.key.type + " " +
                    fingerprint(known.key) + "; somebody may be in between, so nothing was sent",
                "if the host was reinstalled, compare the fingerprint there (ssh-keygen -lf "
                "/etc/ssh/ssh_host_ed25519_key.pub), then: ssh-keygen -R '" +
                    name + "' -f " + known.file.string());
}

/// Throws unless the key is known, or the user says that it is right.
void check_host_key(const SshSettings& settings, const HostKey& key, const std::vector<KnownHost>& known,
                    Prompt& prompt) {
    std::optional<KnownHost> other;
    bool right = false;
    for (const auto& one : known) {
        if (one.marker == "@revoked" && one.key == key)
            throw Error(ErrorKind::denied, "the key of " + settings.host + " (" + fingerprint(key) +
                                               ") is revoked in " + one.file.string() + ":" + std::to_string(one.line));
        if (!one.marker.empty()) continue;
        right = right || one.key == key;
        if (!other || one.key.type == key.type) other = one;
    }
    if (right) return;
    if (other) refuse_changed(settings, key, *other);
    const std::string line = known_hosts_line(key_name(settings), settings.port, key);
    const std::string what = "the host " + known_hosts_name(key_name(settings), settings.port) +
                             " is not known; its key is " + key.type + " " + fingerprint(key);
    const std::filesystem::path file = settings.known_hosts.at(0);
    if (!prompt.may_ask())
        throw Error(ErrorKind::denied, what,
                    "if that is the key of the host (there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), add it: "
                    "echo '" +
                        line + "' >> " + file.string());
    const std::string answer =
        prompt.ask(what + "\nIs this the right host? It is then added to " + file.string() + " [yes/no]");
    if (answer != "yes" && answer != "y")
        throw Error(ErrorKind::denied, "nothing was done on " + settings.host + ": its key was not accepted");
    add_known_host(file, line);
}

}  // namespace

std::shared_ptr<RemoteHost> open_ssh_host(const SshAddress& address, const SshEnvironment& environment, Prompt& prompt,
                                          const Limit& limit) {
    const std::string name = to_string(address);
    const SshSettings settings = ssh_settings(address, environment, limit);
    const auto by_ssh = [&](const std::string& why) {
        if (!settings.has_ssh)
            throw Error(ErrorKind::failed, name + " can be reached by an ssh client alone, for " + why,
                        "install the package openssh-client");
        prompt.tell(name + ": by the ssh client, for " + why);
        return make_system_ssh_host(address, settings, prompt.may_ask());
    };
    const auto known = known_hosts(settings.known_hosts, key_name(settings), settings.port);
    if (const auto why = reason_for_ssh(settings, known); !why.empty()) return by_ssh(why);

    std::unique_ptr<Libssh2Session> session;
    try {
        session = std::make_unique<Libssh2Session>(settings, types_of(known), limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed || !known.empty()) throw;
        return by_ssh(error.text());  // e.g. a host with nothing but an RSA key: ssh checks it
    }
    const auto left = limit.left();
    check_host_key(settings, session->host_key(), known, prompt);
    std::string why;
    if (!session->log_in(settings, prompt, Limit(left, limit.stop()), why)) return by_ssh(why);
    prompt.tell(name + ": by libssh2, as " + settings.user);
    return make_libssh2_host(name, settings.user, std::move(session));
}

std::shared_ptr<RemoteHost> SshHosts::at(SshAddress address, Prompt& prompt, const Limit& limit) {
    address.socket.clear();
    std::shared_ptr<Entry> entry;
    {
        const std::lock_guard lock(mutex_);
        auto& at = entries_[to_string(address)];
        if (!at) at = std::make_shared<Entry>();
        entry = at;
    }
    const std::lock_guard lock(entry->mutex);
    if (!entry->host || !entry->host->is_alive()) {
        OneAfterTheOther questions(prompt, asking_);
        entry->host = within("connecting to " + to_string(address),
                             [&] { return open_ssh_host(address, environment_, questions, limit); });
    }
    return entry->host;
}

}  // namespace pgedge

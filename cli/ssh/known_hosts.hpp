#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// A host's public key: its type, e.g. "ssh-ed25519", and the bytes that known_hosts has in base64.
struct HostKey {
    std::string type, blob;
    bool operator==(const HostKey&) const = default;
};

/// "SHA256:…", as ssh-keygen -l prints it.
std::string fingerprint(const HostKey& key);

/// A line of known_hosts that is about the host in question.
struct KnownHost {
    HostKey key;
    std::string marker;  ///< "@revoked", "@cert-authority" or empty
    std::filesystem::path file;
    int line = 0;
};

/// What the files say of `host`, a name or address; with a port other than 22, of "[host]:port" (sshd(8),
/// "SSH_KNOWN_HOSTS FILE FORMAT": lists, wildcards, negation, hashed names). Files that are not there are empty; lines
/// that are not of that form are left out.
std::vector<KnownHost> known_hosts(const std::vector<std::filesystem::path>& files, const std::string& host, int port);

/// The name that known_hosts has for it: "host", or "[host]:port" for a port other than 22.
std::string known_hosts_name(const std::string& host, int port);
/// The line for a key, without the line's end.
std::string known_hosts_line(const std::string& host, int port, const HostKey& key);
/// Adds the line to the file; makes file and directory (mode 0700) when they are not there.
void add_known_host(const std::filesystem::path& file, const std::string& line);

}  // namespace pgedge

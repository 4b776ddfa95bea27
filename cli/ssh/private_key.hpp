#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace pgedge {

/// What can be told of a private key file without its passphrase.
struct PrivateKey {
    enum class Type { ed25519, ecdsa, rsa, hardware, other };
    std::filesystem::path file;
    Type type = Type::other;
    bool encrypted = false;   ///< a passphrase is needed
    std::string public_blob;  ///< as in known_hosts and ssh-agent; empty where the file does not tell
};

/// nullopt when there is no such file, or it holds no private key.
std::optional<PrivateKey> look_at_key(const std::filesystem::path& file);
/// Of a public key as bytes, by the name of its type at their beginning.
PrivateKey::Type key_type(const std::string& public_blob);

}  // namespace pgedge

#include "cli/ssh/private_key.hpp"

#include <string_view>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxKeyFile = 64 << 10;

/// Reads what RFC 4251 calls a string, at most what is there.
std::string take_string(std::string_view& from) {
    constexpr std::size_t kSize = 4;
    if (from.size() < kSize) throw Error(ErrorKind::invalid_input, "the key ends early");
    std::size_t size = 0;
    for (std::size_t i = 0; i < kSize; ++i) size = size << 8 | static_cast<unsigned char>(from[i]);
    from.remove_prefix(kSize);
    if (size > from.size()) throw Error(ErrorKind::invalid_input, "the key ends early");
    std::string taken(from.substr(0, size));
    from.remove_prefix(size);
    return taken;
}

/// PROTOCOL.key of OpenSSH: magic, cipher, kdf, its options, number of keys, public key, …
void read_openssh(const std::string& body, PrivateKey& key) {
    constexpr std::string_view kMagic("openssh-key-v1\0", 15);
    const std::string bytes = from_base64(body);
    std::string_view left = bytes;
    if (!left.starts_with(kMagic)) throw Error(ErrorKind::invalid_input, "not a key of OpenSSH");
    left.remove_prefix(kMagic.size());
    key.encrypted = take_string(left) != "none";
    take_string(left);
    take_string(left);
    constexpr std::size_t kCount = 4;
    if (left.size() < kCount) throw Error(ErrorKind::invalid_input, "the key ends early");
    left.remove_prefix(kCount);
    key.public_blob = take_string(left);
    key.type = key_type(key.public_blob);
}

}  // namespace

PrivateKey::Type key_type(const std::string& public_blob) {
    std::string_view left = public_blob;
    std::string name;
    try {
        name = take_string(left);
    } catch (const Error&) {
        return PrivateKey::Type::other;
    }
    if (name.starts_with("sk-")) return PrivateKey::Type::hardware;
    if (name == "ssh-ed25519") return PrivateKey::Type::ed25519;
    if (name.starts_with("ecdsa-sha2-nistp") && name.find('@') == std::string::npos) return PrivateKey::Type::ecdsa;
    if (name == "ssh-rsa") return PrivateKey::Type::rsa;
    return PrivateKey::Type::other;
}

std::optional<PrivateKey> look_at_key(const std::filesystem::path& file) {
    try {
        const auto text = read_file_if_there(file, kMaxKeyFile);
        if (!text) return std::nullopt;
        PrivateKey key;
        key.file = file;
        std::string body, label;
        for (const auto& raw : split(*text, '\n')) {
            const std::string line(trimmed(raw));
            if (line.starts_with("-----BEGIN "))
                label = line;
            else if (line.starts_with("-----END "))
                break;
            else if (!label.empty())
                body += line;
        }
        if (label.find("PRIVATE KEY") == std::string::npos) return std::nullopt;
        if (label.find("OPENSSH") != std::string::npos) {
            read_openssh(body, key);
            return key;
        }
        key.encrypted = text->find("ENCRYPTED") != std::string::npos;
        if (label.find("RSA") != std::string::npos) key.type = PrivateKey::Type::rsa;
        if (label.find(" EC ") != std::string::npos) key.type = PrivateKey::Type::ecdsa;
        return key;
    } catch (const Error&) {
        return std::nullopt;  // not readable to us, or no key: ssh passes over it as well
    }
}

}  // namespace pgedge

#include "agent/postgres/scram.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kMethod = "SCRAM-SHA-256$";
constexpr std::size_t kSaltBytes = 16;

std::string salted(const Secret& password, std::string_view salt, int iterations) {
    std::array<unsigned char, 32> key{};
    const auto& text = password.reveal();
    if (PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                          iterations, EVP_sha256(), key.size(), key.data()) != 1)
        throw Error(ErrorKind::internal, "OpenSSL refused PBKDF2");
    std::string bytes(reinterpret_cast<const char*>(key.data()), key.size());
    OPENSSL_cleanse(key.data(), key.size());
    return bytes;
}

/// SASLprep (RFC 4013) leaves printable ASCII alone; what it would do to anything else is libpq's matter, and the two
/// sides must agree.
bool plain_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

std::string scram_verifier(const Secret& password) {
    if (password.empty()) throw Error(ErrorKind::invalid_input, "a password is empty");
    if (!plain_ascii(password.reveal()))
        throw Error(ErrorKind::invalid_input, "a password has characters other than printable ASCII",
                    "use letters, digits, blanks and punctuation of ASCII");
    return scram_verifier(password, from_hex(random_hex(kSaltBytes)), kScramIterations);
}

std::string scram_verifier(const Secret& password, std::string_view salt, int iterations) {
    const std::string key = salted(password, salt, iterations);
    return fmt::format("{}{}:{}${}:{}", kMethod, iterations, to_base64(salt),
                       to_base64(sha256(hmac_sha256(key, "Client Key"))), to_base64(hmac_sha256(key, "Server Key")));
}

bool scram_matches(const Secret& password, std::string_view verifier) {
    if (!verifier.starts_with(kMethod)) return false;
    const auto after = verifier.substr(kMethod.size());
    const auto colon = after.find(':'), dollar = after.find('$');
    if (colon == std::string_view::npos || dollar == std::string_view::npos || dollar < colon) return false;
    int iterations = 0;
    const auto [end, error] = std::from_chars(after.data(), after.data() + colon, iterations);
    if (error != std::errc() || end != after.data() + colon || iterations < 1) return false;
    const std::string salt = from_base64(after.substr(colon + 1, dollar - colon - 1));
    return equal_in_constant_time(scram_verifier(password, salt, iterations), verifier);
}

}  // namespace pgedge

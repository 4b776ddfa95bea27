#include "agent/postgres/scram.hpp"

#include <array>
#include <charconv>
#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kMethod = "SCRAM-SHA-256$";

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

/// libpq wants a connection for the text of an error; this one never was one.
struct ConnectionCloser {
    void operator()(PGconn* conn) const { PQfinish(conn); }
};
using NoConnection = std::unique_ptr<PGconn, ConnectionCloser>;

struct TextWiper {
    void operator()(char* text) const { PQfreemem(text); }
};

}  // namespace

std::string scram_verifier(const Secret& password) {
    if (password.empty()) throw Error(ErrorKind::invalid_input, "a password is empty");
    if (password.reveal().find('\0') != std::string::npos)
        throw Error(ErrorKind::invalid_input, "a password holds a zero byte");
    const NoConnection nowhere(PQconnectStart("sslmode=none-at-all"));
    if (!nowhere) throw Error(ErrorKind::internal, "out of memory for a password");
    const std::unique_ptr<char, TextWiper> verifier(
        PQencryptPasswordConn(nowhere.get(), password.reveal().c_str(), "", "scram-sha-256"));
    if (!verifier) throw Error(ErrorKind::internal, "libpq makes no verifier of a password");
    return verifier.get();
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

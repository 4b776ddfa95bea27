#include "common/base/digest.hpp"

#include <array>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

std::string digest(const EVP_MD* algorithm, std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (EVP_Digest(data.data(), data.size(), out.data(), &size, algorithm, nullptr) != 1)
        throw Error(ErrorKind::internal, "OpenSSL refused a digest");
    return {reinterpret_cast<const char*>(out.data()), size};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    throw Error(ErrorKind::invalid_input, "not a hexadecimal text");
}

}  // namespace

std::string sha256(std::string_view data) { return digest(EVP_sha256(), data); }
std::string sha1(std::string_view data) { return digest(EVP_sha1(), data); }

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), key.empty() ? "" : key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data(), &size))
        throw Error(ErrorKind::internal, "OpenSSL refused an HMAC");
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string to_hex(std::string_view bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const unsigned char byte : bytes) (text += kDigits[byte >> 4]) += kDigits[byte & 15];
    return text;
}

std::string from_hex(std::string_view text) {
    if (text.size() % 2) throw Error(ErrorKind::invalid_input, "not a hexadecimal text");
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2)
        bytes += static_cast<char>(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    return bytes;
}

std::string to_base64(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string from_base64(std::string_view text) {
    if (text.empty()) return {};
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size = text.size() % 4 ? -1
                                     : EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                                       reinterpret_cast<const unsigned char*>(text.data()),
                                                       static_cast<int>(text.size()));
    if (size < 0) throw Error(ErrorKind::invalid_input, "not a base64 text");
    const auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
    bytes.resize(static_cast<std::size_t>(size) - padding);  // EVP_DecodeBlock counts the padding as zero bytes
    // It also takes line ends around the text, '=' anywhere and bits that no byte has.
    if (to_base64(bytes) != text) throw Error(ErrorKind::invalid_input, "not a base64 text");
    return bytes;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pgedge

#include "agent/store/tables/secrets.hpp"

#include <memory>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/base/clock.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kKeyBytes = 32, kNonceBytes = 12, kTagBytes = 16;
/// First byte of a sealed text: how it was sealed. 1: AES-256-GCM, then nonce, cipher text and tag.
constexpr char kFormat = 1;

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// The cluster's key serves two ends; each has a key of its own made from it.
Secret derived(const Secret& key, std::string_view purpose) { return Secret(hmac_sha256(key.reveal(), purpose)); }

[[noreturn]] void refuse(std::string_view name) {
    throw Error(ErrorKind::failed, "the stored secret " + std::string(name) + " cannot be opened",
                "it was changed in the store, or sealed under another cluster's key");
}

void require(bool worked) {
    if (!worked) throw Error(ErrorKind::internal, "the cryptographic library refused to work");
}

}  // namespace

Secrets::Secrets(Store& store, Secret key) : store_(store), key_(std::move(key)) {
    if (key_.reveal().size() != kKeyBytes)
        throw Error(ErrorKind::invalid_input, "the cluster's secret key has not 32 bytes");
}

SecretRef Secrets::ref_of(const std::string& name, const Secret& text) const {
    const Secret key = derived(key_, "pgedge fingerprint");
    const Secret message(name + '\0' + text.reveal());
    return {name, to_hex(hmac_sha256(key.reveal(), message.reveal())).substr(0, 16)};
}

std::string Secrets::seal(std::string_view name, const Secret& text) const {
    const Secret key = derived(key_, "pgedge seal");
    const auto& plain = text.reveal();
    std::string sealed(1 + kNonceBytes + plain.size() + kTagBytes, kFormat);
    unsigned char* nonce = bytes(sealed) + 1;
    unsigned char* cipher_text = nonce + kNonceBytes;
    int length = 0;
    const Cipher cipher(EVP_CIPHER_CTX_new());
    require(cipher && RAND_bytes(nonce, kNonceBytes) == 1);
    require(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key.reveal()), nonce) == 1);
    require(EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes(name), static_cast<int>(name.size())) == 1);
    require(EVP_EncryptUpdate(cipher.get(), cipher_text, &length, bytes(plain), static_cast<int>(plain.size())) == 1);
    require(EVP_EncryptFinal_ex(cipher.get(), cipher_text + length, &length) == 1);
    require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, cipher_text + plain.size()) == 1);
    return sealed;
}

Secret Secrets::open(std::string_view name, std::string_view sealed) const {
    if (sealed.size() < 1 + kNonceBytes + kTagBytes || sealed[0] != kFormat) refuse(name);
    const Secret key = derived(key_, "pgedge seal");
    const auto nonce = sealed.substr(1, kNonceBytes);
    const auto cipher_text = sealed.substr(1 + kNonceBytes, sealed.size() - 1 - kNonceBytes - kTagBytes);
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    std::string plain(cipher_text.size() + 1, '\0');  // one more, so that there is an address when it is empty
    int length = 0;
    const Cipher cipher(EVP_CIPHER_CTX_new());
    require(cipher &&
            EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key.reveal()), bytes(nonce)) == 1);
    require(EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes(name), static_cast<int>(name.size())) == 1);
    const bool read = EVP_DecryptUpdate(cipher.get(), bytes(plain), &length, bytes(cipher_text),
                                        static_cast<int>(cipher_text.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(cipher.get(), bytes(plain) + length, &length) == 1;
    plain.resize(cipher_text.size());
    Secret opened(std::move(plain));
    if (!read) refuse(name);
    return opened;
}

Statement Secrets::put(const std::string& name, const std::string& database_id, const Secret& text) const {
    return {.sql =
                "INSERT INTO secret(name, database_id, sealed, updated_at) VALUES (?, ?, ?, ?) ON CONFLICT(name) DO "
                "UPDATE SET database_id = excluded.database_id, sealed = excluded.sealed, updated_at = "
                "excluded.updated_at",
            .args = {name, database_id.empty() ? SqlValue(nullptr) : SqlValue(database_id), Blob{seal(name, text)},
                     std::int64_t{SystemClock().wall().time_since_epoch().count()}}};
}

Statement Secrets::erase(const std::string& name) {
    return {.sql = "DELETE FROM secret WHERE name = ?", .args = {name}};
}

Statement Secrets::erase_of_database(const std::string& database_id) {
    return {.sql = "DELETE FROM secret WHERE database_id = ?", .args = {database_id}};
}

Secret Secrets::get(const SecretRef& ref, const Limit& limit) const {
    const auto rows =
        store_.read({.sql = "SELECT sealed FROM secret WHERE name = ?", .args = {ref.name}}, Freshness::leader, limit);
    if (rows.empty()) throw Error(ErrorKind::not_found, "the store has no secret " + ref.name);
    return open(ref.name, rows[0].blob(0));
}

}  // namespace pgedge

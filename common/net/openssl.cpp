#include "common/net/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace pgedge {

std::string openssl_reason() {
    // The first error is the cause; the later ones say who passed it on.
    const auto code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "unknown reason";
    const char* reason = ERR_reason_error_string(code);
    return reason ? reason : "error " + std::to_string(code);
}

void throw_openssl(ErrorKind kind, std::string_view what) {
    throw Error(kind, "cannot " + std::string(what) + ": " + openssl_reason());
}

X509Ptr read_certificate(std::string_view pem) {
    const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    X509Ptr certificate(text ? PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!certificate) throw_openssl(ErrorKind::invalid_input, "read a certificate (PEM)");
    return certificate;
}

KeyPtr read_private_key(std::string_view pem) {
    const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    KeyPtr key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr) : nullptr);
    if (!key) throw_openssl(ErrorKind::invalid_input, "read a private key (PEM, without passphrase)");
    return key;
}

std::string common_name_of(const X509& certificate) {
    const X509_NAME* subject = X509_get_subject_name(&certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                           static_cast<std::size_t>(ASN1_STRING_length(value)));
    return name.find('\0') == std::string::npos ? name : std::string{};
}

}  // namespace pgedge

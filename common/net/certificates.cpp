#include "common/net/certificates.hpp"

#include <limits>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "common/base/digest.hpp"
#include "common/net/openssl.hpp"

namespace pgedge {
namespace {

constexpr int kAuthorityDays = 20 * 365;
constexpr long kBackdateSeconds = 3600;  // the other host's clock may be behind
constexpr int kSerialBits = 128;

using BignumPtr = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<ASN1_OCTET_STRING_free>>;
using NamePtr = std::unique_ptr<GENERAL_NAME, OpensslFree<GENERAL_NAME_free>>;

[[noreturn]] void fail(std::string_view what) { throw_openssl(ErrorKind::internal, what); }
void must_work(bool worked, std::string_view what) {
    if (!worked) fail(what);
}

KeyPtr new_key() {
    KeyPtr key(EVP_EC_gen("P-256"));
    must_work(key != nullptr, "make a private key");
    return key;
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}
std::string pem_of(X509* certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must_work(bio && PEM_write_bio_X509(bio.get(), certificate) == 1, "write a certificate");
    return text_of(bio.get());
}
Secret pem_of(EVP_PKEY* key) {
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    must_work(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
              "write a private key");
    return Secret(text_of(bio.get()));
}

/// `value` in OpenSSL's extension language: only constants of ours go in there, never a caller's text.
void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    must_work(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "add a certificate extension");
}

std::string address_bytes(const std::string& address) {
    in_addr v4{};
    if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return {reinterpret_cast<const char*>(&v4), sizeof v4};
    in6_addr v6{};
    if (::inet_pton(AF_INET6, address.c_str(), &v6) == 1) return {reinterpret_cast<const char*>(&v6), sizeof v6};
    throw Error(ErrorKind::invalid_input, "'" + address + "' is not an IP address, for a certificate");
}

void add_name(GENERAL_NAMES* names, int type, std::string_view bytes) {
    NamePtr name(GENERAL_NAME_new());
    ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    must_work(name && value && ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1,
              "make a certificate's name");
    GENERAL_NAME_set0_value(name.get(), type, value);
    must_work(sk_GENERAL_NAME_push(names, name.get()) > 0, "add a certificate's name");
    static_cast<void>(name.release());  // the list owns it now
}

void add_alternative_names(X509* certificate, const CertificateRequest& request) {
    if (request.dns_names.empty() && request.ip_addresses.empty()) return;
    const NamesPtr names(sk_GENERAL_NAME_new_null());
    must_work(names != nullptr, "make a list of names");
    for (const auto& name : request.dns_names) {
        if (name.empty() || name.find('\0') != std::string::npos)
            throw Error(ErrorKind::invalid_input, "a DNS name for a certificate is empty or holds a NUL");
        add_name(names.get(), GEN_DNS, name);
    }
    for (const auto& address : request.ip_addresses) add_name(names.get(), GEN_IPADD, address_bytes(address));
    must_work(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1,
              "add a certificate's names");
}

void set_serial(X509* certificate) {
    const BignumPtr serial(BN_new());
    must_work(serial && BN_rand(serial.get(), kSerialBits - 1, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr,
              "make a serial number");
}

void set_common_name(X509* certificate, const std::string& name) {
    // RFC 5280, ub-common-name: at most 64 characters, which OpenSSL checks.
    const bool worked = X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                                   reinterpret_cast<const unsigned char*>(name.data()),
                                                   static_cast<int>(name.size()), -1, 0) == 1;
    if (!worked) throw_openssl(ErrorKind::invalid_input, "use '" + name + "' as the name in a certificate");
}

X509Ptr new_certificate(const std::string& common_name, EVP_PKEY* key, int days) {
    X509Ptr certificate(X509_new());
    must_work(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "make a certificate");
    set_serial(certificate.get());
    set_common_name(certificate.get(), common_name);
    must_work(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdateSeconds) &&
                  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), days, 0, nullptr) &&
                  X509_set_pubkey(certificate.get(), key) == 1,
              "fill a certificate");
    return certificate;
}

void sign(X509* certificate, EVP_PKEY* key) {
    must_work(X509_sign(certificate, key, EVP_sha256()) > 0, "sign a certificate");
}

}  // namespace

KeyPair make_authority(const std::string& common_name) {
    const KeyPtr key = new_key();
    const X509Ptr certificate = new_certificate(common_name, key.get(), kAuthorityDays);
    X509* self = certificate.get();
    must_work(X509_set_issuer_name(self, X509_get_subject_name(self)) == 1, "name a certificate's issuer");
    add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(self, self, NID_subject_key_identifier, "hash");
    sign(self, key.get());
    return {pem_of(self), pem_of(key.get())};
}

KeyPair issue_certificate(const KeyPair& authority, const CertificateRequest& request) {
    const X509Ptr issuer = read_certificate(authority.certificate);
    const KeyPtr issuer_key = read_private_key(authority.key.reveal());
    if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1)
        throw_openssl(ErrorKind::invalid_input, "issue a certificate");
    if (request.days < 1 || request.days > kAuthorityDays)
        throw Error(ErrorKind::invalid_input, "a certificate may be valid for 1 to 7300 days");

    const KeyPtr key = new_key();
    const X509Ptr certificate = new_certificate(request.common_name, key.get(), request.days);
    X509* leaf = certificate.get();
    must_work(X509_set_issuer_name(leaf, X509_get_subject_name(issuer.get())) == 1, "name a certificate's issuer");
    add_extension(leaf, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(leaf, issuer.get(), NID_key_usage, "critical,digitalSignature");
    if (request.server || request.client)
        add_extension(leaf, issuer.get(), NID_ext_key_usage,
                      request.server && request.client ? "serverAuth,clientAuth"
                      : request.server                 ? "serverAuth"
                                                       : "clientAuth");
    add_extension(leaf, issuer.get(), NID_subject_key_identifier, "hash");
    add_extension(leaf, issuer.get(), NID_authority_key_identifier, "keyid:always");
    add_alternative_names(leaf, request);
    sign(leaf, issuer_key.get());
    return {pem_of(leaf), pem_of(key.get())};
}

std::string fingerprint_of(const std::string& certificate_pem) {
    const X509Ptr certificate = read_certificate(certificate_pem);
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    must_work(size > 0, "encode a certificate");
    const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owner(der);
    return to_hex(sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}));
}

int days_left(const std::string& certificate_pem) {
    const X509Ptr certificate = read_certificate(certificate_pem);
    int days = 0, seconds = 0;
    must_work(ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) == 1,
              "read a certificate's end");
    return seconds < 0 ? days - 1 : days;
}

}  // namespace pgedge

#include "common/net/certificates.hpp"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>

#include "common/base/error.hpp"
#include "common/net/openssl.hpp"

using namespace pgedge;

namespace {

bool signed_by(const std::string& leaf, const std::string& authority, int purpose) {
    using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
    using ContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>>;
    const StorePtr store(X509_STORE_new());
    const X509Ptr trusted = read_certificate(authority), certificate = read_certificate(leaf);
    X509_STORE_add_cert(store.get(), trusted.get());
    const ContextPtr context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
    X509_STORE_CTX_set_purpose(context.get(), purpose);
    return X509_verify_cert(context.get()) == 1;
}

}  // namespace

TEST_CASE("a leaf is valid for what was asked, under its own authority only") {
    const KeyPair authority = make_authority("cluster one"), other = make_authority("cluster one");

    const KeyPair server = issue_certificate(authority, {"host-1", {"host-1"}, {"127.0.0.1"}, true, false});
    const KeyPair client = issue_certificate(authority, {"pgedge", {}, {}, false, true});

    CHECK(signed_by(server.certificate, authority.certificate, X509_PURPOSE_SSL_SERVER));
    CHECK_FALSE(signed_by(server.certificate, authority.certificate, X509_PURPOSE_SSL_CLIENT));
    CHECK_FALSE(signed_by(server.certificate, other.certificate, X509_PURPOSE_SSL_SERVER));
    CHECK(signed_by(client.certificate, authority.certificate, X509_PURPOSE_SSL_CLIENT));
}

TEST_CASE("a leaf carries its names and cannot sign") {
    const KeyPair authority = make_authority("a");
    const KeyPair pair =
        issue_certificate(authority, {"host-1", {"host-1", "db.example"}, {"127.0.0.1", "::1"}, true, true});
    const X509Ptr leaf = read_certificate(pair.certificate);

    CHECK(common_name_of(*leaf) == "host-1");
    CHECK(X509_check_host(leaf.get(), "db.example", 0, 0, nullptr) == 1);
    CHECK(X509_check_host(leaf.get(), "other.example", 0, 0, nullptr) == 0);
    CHECK(X509_check_ip_asc(leaf.get(), "127.0.0.1", 0) == 1);
    CHECK(X509_check_ip_asc(leaf.get(), "::1", 0) == 1);
    CHECK(X509_check_ip_asc(leaf.get(), "127.0.0.2", 0) == 0);
    CHECK(X509_check_ca(leaf.get()) == 0);
    const KeyPair grandchild = issue_certificate(pair, {"x", {}, {}, true, false});
    CHECK_FALSE(signed_by(grandchild.certificate, authority.certificate, X509_PURPOSE_SSL_SERVER));
}

TEST_CASE("validity is in days from now") {
    const KeyPair authority = make_authority("a");
    CHECK(days_left(authority.certificate) >= 20 * 365 - 1);
    const int days = days_left(issue_certificate(authority, {"x", {}, {}, true, false, 30}).certificate);
    CHECK((days == 29 || days == 30));  // whether or not a second has passed
}

TEST_CASE("serial numbers and fingerprints differ from certificate to certificate") {
    const KeyPair authority = make_authority("a");
    const CertificateRequest request{"x", {}, {}, true, false};
    const std::string one = issue_certificate(authority, request).certificate;
    const std::string two = issue_certificate(authority, request).certificate;

    CHECK(fingerprint_of(one) != fingerprint_of(two));
    CHECK(fingerprint_of(one) == fingerprint_of(one));
    CHECK(fingerprint_of(one).size() == 64);
}

TEST_CASE("hostile requests and texts are refused") {
    const KeyPair authority = make_authority("a");
    CHECK_THROWS_AS(issue_certificate(authority, {"x", {}, {"not an address"}, true, false}), Error);
    CHECK_THROWS_AS(issue_certificate(authority, {"x", {std::string("a\0b", 3)}, {}, true, false}), Error);
    CHECK_THROWS_AS(issue_certificate(authority, {std::string(65, 'x'), {}, {}, true, false}), Error);
    CHECK_THROWS_AS(issue_certificate(authority, {"x", {}, {}, true, false, 0}), Error);
    CHECK_THROWS_AS(issue_certificate({authority.certificate, make_authority("b").key}, {"x", {}, {}, true, false}),
                    Error);
    CHECK_THROWS_AS(fingerprint_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), Error);
    CHECK_THROWS_AS(fingerprint_of(""), Error);
}

#include "common/net/tls.hpp"

#include <cstdint>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/text.hpp"
#include "common/net/openssl.hpp"

namespace pgedge {
namespace {

void must_be_usable(bool worked, std::string_view what) {
    if (!worked) throw_openssl(ErrorKind::invalid_input, what);
}

SslContext new_context(const SSL_METHOD* method) {
    SslContext context(SSL_CTX_new(method), SSL_CTX_free);
    if (!context) throw_openssl(ErrorKind::internal, "make a TLS context");
    // Idle connections give their 34 KB of buffers back; writes may be repeated from another address.
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // A closed connection without close_notify is an ordinary end here: HTTP has its own framing.
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                           SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 0);
    return context;
}

/// Calls `take` with each certificate of the text.
template <class Take>
void for_each_certificate(const std::string& pem, Take take) {
    const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    int count = 0;
    while (X509Ptr certificate{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
        take(certificate.get());
        ++count;
    }
    must_be_usable(count > 0, "read a certificate (PEM)");
    ERR_clear_error();  // reading past the last one leaves "no start line"
}

void use_own(SSL_CTX* context, const KeyPair& own) {
    bool leaf = true;
    for_each_certificate(own.certificate, [&](X509* certificate) {
        if (leaf)
            must_be_usable(SSL_CTX_use_certificate(context, certificate) == 1, "use a certificate");
        else
            must_be_usable(SSL_CTX_add1_chain_cert(context, certificate) == 1, "use a certificate's chain");
        leaf = false;
    });
    const KeyPtr key = read_private_key(own.key.reveal());
    must_be_usable(SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1,
                   "use a private key with its certificate");
}

void trust(SSL_CTX* context, const std::string& authorities) {
    for_each_certificate(authorities, [&](X509* certificate) {
        must_be_usable(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1, "trust an authority");
    });
}

/// Where a connection keeps what was found wrong with the other end's certificate: the first error, which is the cause.
int problem_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

long noted_problem(const SSL* ssl) {
    return static_cast<long>(reinterpret_cast<std::intptr_t>(SSL_get_ex_data(ssl, problem_index())));
}

int note_and_go_on(int good, X509_STORE_CTX* verification) {
    if (good == 1) return 1;
    auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (!ssl) return 0;
    const std::intptr_t why = X509_STORE_CTX_get_error(verification);
    if (noted_problem(ssl) != X509_V_OK) return 1;
    // OpenSSL keeps a pointer; a number in its place has no owner and no end of life.
    return SSL_set_ex_data(ssl, problem_index(), reinterpret_cast<void*>(why));  // NOLINT(performance-no-int-to-ptr)
}

X509Ptr verified_certificate(const SSL* ssl) {
    if (!SSL_is_init_finished(ssl) || SSL_get_verify_result(ssl) != X509_V_OK) return nullptr;
    if (noted_problem(ssl) != X509_V_OK) return nullptr;
    // Without SSL_VERIFY_PEER the result is X509_V_OK for want of any check.
    if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return nullptr;
    return X509Ptr(SSL_get1_peer_certificate(ssl));
}

}  // namespace

SslContext make_server_context(const KeyPair& own, const std::string& authorities, ClientCertificates clients) {
    SslContext context = new_context(TLS_server_method());
    const bool verifies = clients != ClientCertificates::none;
    SSL_CTX_set_min_proto_version(context.get(), verifies ? TLS1_3_VERSION : TLS1_2_VERSION);
    use_own(context.get(), own);
    if (verifies) {
        trust(context.get(), authorities);
        const int strict = clients == ClientCertificates::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | strict,
                           clients == ClientCertificates::told ? note_and_go_on : nullptr);
    }
    return context;
}

SslContext make_client_context(const std::optional<KeyPair>& own, const std::string& authorities) {
    SslContext context = new_context(TLS_client_method());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    if (own) use_own(context.get(), *own);
    trust(context.get(), authorities);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

SslContext ReloadableContext::get() const {
    std::lock_guard lock(mutex_);
    return context_;
}

void ReloadableContext::set(SslContext context) {
    std::lock_guard lock(mutex_);
    context_ = std::move(context);
}

std::string agent_dns_name(std::string_view host_id) { return std::string(host_id) + ".agent.pgedge.internal"; }

std::optional<std::string> verified_agent(const SSL* ssl) {
    const X509Ptr certificate = verified_certificate(ssl);
    if (!certificate) return std::nullopt;
    const std::string name = common_name_of(*certificate), dns = agent_dns_name(name);
    const unsigned flags = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    const bool agent = !name.empty() && X509_check_host(certificate.get(), dns.data(), dns.size(), flags, nullptr) == 1;
    return agent ? std::optional(name) : std::nullopt;
}

std::string verified_name(const SSL* ssl) {
    const X509Ptr certificate = verified_certificate(ssl);
    return certificate ? common_name_of(*certificate) : std::string{};
}

std::string verified_subject(const SSL* ssl) {
    const X509Ptr certificate = verified_certificate(ssl);
    if (!certificate) return {};
    const BioPtr text(BIO_new(BIO_s_mem()));
    if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0)
        return "a subject that cannot be read";
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(text.get(), &bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : "no subject";
}

std::optional<std::string> certificate_problem(const SSL* ssl) {
    if (verified_certificate(ssl)) return std::nullopt;
    const X509Ptr shown(SSL_is_init_finished(ssl) ? SSL_get1_peer_certificate(ssl) : nullptr);
    if (!shown) return "no client certificate was shown";
    const std::string name = "the client certificate \"" + shortened(common_name_of(*shown), 80) + "\" ";
    const long noted = noted_problem(ssl);
    switch (const long why = noted != X509_V_OK ? noted : SSL_get_verify_result(ssl)) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return name + "has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID: return name + "is not valid yet";
        case X509_V_ERR_INVALID_PURPOSE: return name + "is not for clients (extended key usage clientAuth)";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return name + "is not signed by the agent's authority";
        default: return name + "is refused: " + X509_verify_cert_error_string(why);
    }
}

}  // namespace pgedge

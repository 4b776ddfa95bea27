#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/certificates.hpp"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace pgedge {

/// A set of TLS settings. Never changed once made, so it may be shared by threads and connections.
using SslContext = std::shared_ptr<SSL_CTX>;

/// Whether a server wants to know its clients.
enum class ClientCertificates {
    none,      ///< does not ask
    optional,  ///< asks; a client without one is let in nameless, one with a wrong one is not
    told,      ///< asks, and lets the others in nameless: certificate_problem() says what to answer them
    required,
};

/// For a server. `own.certificate` may hold the chain after the leaf; `authorities` (PEM, one or more) verify clients
/// and may be empty with ClientCertificates::none. TLS 1.2 and up; 1.3 only when clients are verified. No session
/// resumption. Throws Error{invalid_input} when a PEM text is broken or key and certificate do not belong together.
SslContext make_server_context(const KeyPair& own, const std::string& authorities, ClientCertificates clients);
/// For a client of another agent: TLS 1.3, the server is verified against `authorities`; `own` is shown when there is
/// one. The caller sets the server's name: SSL_set1_host(ssl, agent_dns_name(host_id)).
SslContext make_client_context(const std::optional<KeyPair>& own, const std::string& authorities);

/// A server's context that can be exchanged while it runs: new connections get the new one. Safe from any thread.
class ReloadableContext {
public:
    explicit ReloadableContext(SslContext context) : context_(std::move(context)) {}
    SslContext get() const;
    void set(SslContext context);

private:
    mutable std::mutex mutex_;
    SslContext context_;
};

/// The cluster's authority also signs certificates of PostgreSQL servers and users. This name, present only in the
/// certificates of agents, keeps them apart: whoever holds an instance's key cannot pose as an agent.
std::string agent_dns_name(std::string_view host_id);
/// The host id of the agent at the other end: its certificate was verified, and has the host id as common name and
/// agent_dns_name() among its names. nullopt for anybody else, also before the handshake.
std::optional<std::string> verified_agent(const SSL* ssl);
/// Common name of the other end's verified certificate; empty without one.
std::string verified_name(const SSL* ssl);
/// Its whole subject, as RFC 2253 writes it: "CN=ops,O=Example"; "no subject" when that is empty; empty without a
/// certificate.
std::string verified_subject(const SSL* ssl);
/// Why the other end's certificate proves nothing, as a sentence for whoever showed it (or showed none); nullopt when
/// it was verified.
std::optional<std::string> certificate_problem(const SSL* ssl);

}  // namespace pgedge

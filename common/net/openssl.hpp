#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "common/base/error.hpp"

namespace pgedge {

/// Frees an OpenSSL handle with the function that belongs to it.
template <auto Free>
struct OpensslFree {
    template <class Handle>
    void operator()(Handle* handle) const {
        Free(handle);
    }
};
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

/// What OpenSSL says of the failure that just happened in this thread, and clears its queue.
std::string openssl_reason();
/// Throws Error with "cannot WHAT: reason".
[[noreturn]] void throw_openssl(ErrorKind kind, std::string_view what);

/// The first certificate of a PEM text. Throws Error{invalid_input}.
X509Ptr read_certificate(std::string_view pem);
/// The private key of a PEM text; never asks for a passphrase. Throws Error{invalid_input}.
KeyPtr read_private_key(std::string_view pem);
/// Common name of its subject; empty when there is none or it holds a NUL.
std::string common_name_of(const X509& certificate);

}  // namespace pgedge

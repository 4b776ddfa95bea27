#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/limit.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// Carries API calls to an agent: over TCP, TLS, a unix socket, SSH, or straight into a router in tests.
class Transport {
public:
    virtual ~Transport() = default;
    /// One call. Throws Error{unreachable}, {timed_out}, {cancelled}; an answer with an error status is an answer.
    virtual HttpResponse send(const HttpRequest& request, const Limit& limit) = 0;
    /// Like send(), and the body of a 2xx answer goes to `on_part` as it comes; return false there to end early.
    virtual HttpResponse stream(const HttpRequest& request, const Limit& limit,
                                const std::function<bool(std::string_view)>& on_part) = 0;
    /// Where it leads, for messages: "http://127.0.0.1:3000".
    virtual std::string endpoint() const = 0;
};

}  // namespace pgedge

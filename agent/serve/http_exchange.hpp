#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/serve/http_session.hpp"

namespace pgedge {

// The parts of a session that reading (http_session.cpp) and answering (http_answer.cpp) share.

struct HttpSession::Exchange {
    HttpRequest request;
    std::string target;  ///< as it was sent
    unsigned version = 11;
    bool keep_alive = true;
    std::size_t sent = 0;  ///< bytes of the answer's body
    ServerConnection::Clock::time_point since = ServerConnection::Clock::now();
};

/// An answer, or what the client has not taken of it yet. Counted while it lives.
struct HttpSession::Unsent {
    Unsent(HttpService& service, std::string its_head, std::string its_body, bool keeps_alive, bool is_last)
        : head(std::move(its_head)),
          body(std::move(its_body)),
          keep_alive(keeps_alive),
          last(is_last),
          service_(service) {
        service_.unsent += size();
    }
    ~Unsent() { service_.unsent -= size(); }
    Unsent(const Unsent&) = delete;
    Unsent& operator=(const Unsent&) = delete;

    std::size_t size() const { return head.size() + body.size(); }
    std::pair<std::string_view, std::string_view> rest() const {
        const std::string_view all(body);
        if (at >= head.size()) return {all.substr(at - head.size()), {}};
        return {std::string_view(head).substr(at), all};
    }

    const std::string head, body;
    const bool keep_alive, last;
    std::size_t at = 0;

private:
    HttpService& service_;
};

}  // namespace pgedge

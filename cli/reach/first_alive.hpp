#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/transport.hpp"

namespace pgedge {

/// Several agents as one: calls go to the first that answers, later ones to the same. What only reads moves on to the
/// next agent when that one goes away. What changes something is sent once: it may have been done although no answer
/// came. Not for use by two threads at once.
class FirstAlive final : public Transport {
public:
    using Connect = std::function<std::unique_ptr<Transport>(const std::string& endpoint)>;
    /// `tell` hears which agent was skipped and why.
    FirstAlive(std::vector<std::string> endpoints, Connect connect, std::function<void(const std::string&)> tell);

    HttpResponse send(const HttpRequest& request, const Limit& limit) override;
    HttpResponse stream(const HttpRequest& request, const Limit& limit,
                        const std::function<bool(std::string_view)>& on_part) override;
    /// The one in use; before the first call, the first.
    std::string endpoint() const override { return endpoints_[current_]; }

private:
    Transport& current();
    /// Goes to an agent that answers GET /v1/version. Throws Error{unreachable} with what each of them said.
    void find_alive(const Limit& limit);
    template <class Call>
    HttpResponse on_one(const HttpRequest& request, const Limit& limit, const bool& given, const Call& call);

    std::vector<std::string> endpoints_;
    Connect connect_;
    std::function<void(const std::string&)> tell_;
    std::vector<std::unique_ptr<Transport>> transports_;  ///< made when first needed
    std::size_t current_ = 0;
    bool known_alive_ = false;
};

}  // namespace pgedge

#include "cli/reach/first_alive.hpp"

#include <chrono>

#include "cli/reach/endpoint.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kProbe{5};  // an agent that needs longer for its version is not the one to ask

}  // namespace

FirstAlive::FirstAlive(std::vector<std::string> endpoints, Connect connect,
                       std::function<void(const std::string&)> tell)
    : endpoints_(std::move(endpoints)),
      connect_(std::move(connect)),
      tell_(std::move(tell)),
      transports_(endpoints_.size()),
      known_alive_(endpoints_.size() == 1) {
    if (endpoints_.empty()) throw Error(ErrorKind::internal, "no endpoint to call");
}

Transport& FirstAlive::current() {
    auto& transport = transports_[current_];
    if (!transport) transport = connect_(endpoints_[current_]);
    return *transport;
}

void FirstAlive::find_alive(const Limit& limit) {
    HttpRequest probe;
    probe.path = "/v1/version";
    std::vector<std::string> said;
    std::string hint;  // of the first: it is the one that was wanted
    const std::size_t first = current_;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        current_ = (first + i) % endpoints_.size();
        try {
            current().send(probe, limit.no_longer_than(kProbe));
            known_alive_ = true;
            return;
        } catch (const Error& error) {
            if (!error.transient() || limit.over()) throw;
            const bool is_named = error.text().find(endpoints_[current_]) != std::string::npos;
            said.push_back((is_named ? "" : endpoints_[current_] + ": ") + error.text());
            if (hint.empty()) hint = with_advice(error, endpoints_[current_]).hint();
            tell_(said.back() + "; skipping it");
        }
    }
    current_ = first;
    throw Error(ErrorKind::unreachable, "no agent answers:\n" + joined(said, "\n"), hint);
}

template <class Call>
HttpResponse FirstAlive::on_one(const HttpRequest& request, const Limit& limit, const bool& given, const Call& call) {
    if (!known_alive_) find_alive(limit);
    try {
        return call(current());
    } catch (const Error& error) {
        const bool is_gone = error.kind() == ErrorKind::unreachable;
        if (!is_gone && error.kind() != ErrorKind::timed_out) throw;
        if (!is_gone || endpoints_.size() == 1) throw with_advice(error, endpoint());
        known_alive_ = false;
        const bool only_reads = request.method == "GET" && !request.path.ends_with("/cluster/init");
        if (!only_reads || given) throw;
        tell_("lost " + endpoint() + ": " + error.text());
    }
    current_ = (current_ + 1) % endpoints_.size();
    find_alive(limit);
    return call(current());
}

HttpResponse FirstAlive::send(const HttpRequest& request, const Limit& limit) {
    return on_one(request, limit, false, [&](Transport& transport) { return transport.send(request, limit); });
}

HttpResponse FirstAlive::stream(const HttpRequest& request, const Limit& limit,
                                const std::function<bool(std::string_view)>& on_part) {
    bool given =
        false;  // then the call cannot be made again without giving parts twice: the caller knows where to go on
    const auto noted = [&](std::string_view part) {
        given = true;
        return on_part(part);
    };
    return on_one(request, limit, given, [&](Transport& transport) { return transport.stream(request, limit, noted); });
}

}  // namespace pgedge

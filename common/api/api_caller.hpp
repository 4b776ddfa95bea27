#pragma once

#include <chrono>
#include <initializer_list>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/base/limit.hpp"
#include "common/net/transport.hpp"

namespace pgedge {

/// What clients of an agent's APIs have in common: each API has a class of its own derived from this. Every call blocks
/// until its answer, at most for its limit, and throws the Error that the agent answered (under the API's own name,
/// with a hint where we know what helps), or what the Transport throws. Not for use by two threads at once.
class ApiCaller {
public:
    struct Limits {
        std::chrono::milliseconds request{std::chrono::seconds(30)};
        /// For calls in which hosts are asked first: plan, create, update, init, join.
        std::chrono::milliseconds slow_request{std::chrono::minutes(6)};
        std::stop_token stop;
    };
    Transport& transport() { return transport_; }

protected:
    /// `prefix`: of the API's paths, "/v1". `transport` outlives this.
    ApiCaller(Transport& transport, std::string prefix, Limits limits)
        : transport_(transport), prefix_(std::move(prefix)), limits_(std::move(limits)) {}
    ~ApiCaller() = default;

    /// The answer as JSON; an empty object when it has no body.
    Json call(const std::string& method, const std::string& path, Query query = {}, const Json* body = nullptr);
    Json slow_call(const std::string& method, const std::string& path, Query query = {}, const Json* body = nullptr);
    /// "/v1/databases/storefront". Segments from a user have to pass checked_segment() first.
    std::string path_of(std::initializer_list<std::string_view> segments) const;
    static HttpRequest make_request(const std::string& method, const std::string& path, Query query, const Json* body);
    Json parse_answer(std::string_view body) const;

private:
    Json send(const HttpRequest& request, const Limit& limit);
    Limit limit(std::chrono::milliseconds at_most) const { return {at_most, limits_.stop}; }

    Transport& transport_;
    const std::string prefix_;
    const Limits limits_;
};

/// An id from a user becomes one segment of a path: what cannot be one would address something else. Throws
/// Error{not_found}: "there is no database 'a/b'".
const std::string& checked_segment(const std::string& id, const char* what);

/// The error of an answer with status 400 or more.
Error error_of(const HttpResponse& response, const HttpRequest& request, const std::string& endpoint);

}  // namespace pgedge

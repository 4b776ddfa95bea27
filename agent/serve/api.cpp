#include "agent/serve/api.hpp"

#include <algorithm>
#include <optional>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

bool is_variable(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

/// The variables' values when the path begins like the pattern.
std::optional<PathParameters> match(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
    if (pattern.size() > path.size()) return std::nullopt;
    PathParameters parameters;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (!is_variable(pattern[i])) {
            if (pattern[i] != path[i]) return std::nullopt;
        } else if (path[i].empty()) {
            return std::nullopt;
        } else {
            parameters[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
        }
    }
    return parameters;
}

/// Whether they answer the same method of the same paths: names of variables make no difference.
bool same(const Api::Route& a, const Api::Route& b) {
    const auto same_segment = [](const auto& x, const auto& y) { return x == y || (is_variable(x) && is_variable(y)); };
    return a.method == b.method &&
           std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(), same_segment);
}

std::string text_of(const Api::Route& route) { return route.method + " " + joined(route.segments, "/"); }

}  // namespace

Api::Api(ApiTraits traits) : traits_(std::move(traits)) {
    for (const auto& prefix : traits_.prefixes) prefixes_.push_back(split(prefix, '/'));
}

void Api::add(Role role, std::string method, const std::string& pattern, HttpHandler handler, BodyGate gate) {
    Route route{role, std::move(method), split(pattern, '/'), std::move(handler), std::move(gate)};
    if (std::any_of(routes_.begin(), routes_.end(), [&](const auto& each) { return same(each, route); }))
        throw Error(ErrorKind::internal, "route " + text_of(route) + " was added twice");
    routes_.push_back(std::move(route));
}

bool Api::served_on(const std::string& listener) const { return traits_.listeners.contains(listener); }

std::size_t Api::claims(const std::vector<std::string>& path) const {
    std::size_t longest = 0;
    for (const auto& prefix : prefixes_)
        if (match(prefix, path)) longest = std::max(longest, prefix.size());
    return longest;
}

std::vector<std::string> Api::routes() const {
    std::vector<std::string> all;
    for (const auto& route : routes_) all.push_back(text_of(route));
    return all;
}

Api::Match Api::find(const std::string& method, const std::vector<std::string>& path) const {
    Match best;
    for (const auto& route : routes_) {
        auto values = route.segments.size() == path.size() ? match(route.segments, path) : std::nullopt;
        if (!values) continue;
        best.methods.insert(route.method);
        best.least_role = std::min(best.least_role, route.role);
        const bool answers = route.method == method || (method == "HEAD" && route.method == "GET");
        if (!answers || (best.route && !more_exact(route, *best.route))) continue;
        best.route = &route;
        best.parameters = std::move(*values);
    }
    return best;
}

bool Api::more_exact(const Route& a, const Route& b) {
    return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                                        [](const auto& x, const auto& y) { return !is_variable(x) && is_variable(y); });
}

std::string Api::shared_route(const Api& other) const {
    for (const auto& ours : routes_)
        for (const auto& theirs : other.routes_)
            if (same(ours, theirs)) return text_of(theirs);
    return {};
}

}  // namespace pgedge

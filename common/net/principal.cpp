#include "common/net/principal.hpp"

#include "common/base/text.hpp"

namespace pgedge {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::anyone: return "anyone";
        case Role::read: return "read";
        case Role::operate: return "operate";
        case Role::admin: return "admin";
        case Role::agent: return "agent";
    }
    return "unknown";
}

std::string Principal::text() const {
    constexpr std::size_t kLongestName = 80;  // whoever signs certificates chooses it
    if (!certificate.empty()) return (agent ? "agent " : "certificate ") + shortened(certificate, kLongestName);
    if (!subject.empty()) return "certificate with " + shortened(subject, kLongestName);
    if (uid) return "user " + std::to_string(*uid);
    return over_unix_socket() ? "unknown user" : address;
}

}  // namespace pgedge

#pragma once

#include <string>
#include <string_view>

#include "agent/store/address_book.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// How the store of this agent calls that of another: POST /internal/store/<call> over mTLS, the server's name being
/// that of the host. At the other end ClusterStore::answer() makes the body of the answer. Safe from any thread.
class StorePeers {
public:
    virtual ~StorePeers() = default;
    /// The body of the answer. Throws Error{unreachable}, Error{timed_out} or Error{cancelled}, the last within
    /// milliseconds of the limit's stop.
    virtual std::string call(const std::string& host_id, const PeerAddress& address, std::string_view call,
                             const std::string& body, const Limit& limit) = 0;
};

}  // namespace pgedge

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/limit.hpp"
#include "common/model/link_transaction.hpp"

namespace pgedge {

/// The work of a task that leaves one transaction out on its subscriber; its arguments: {link, transaction}.
inline constexpr std::string_view kSkipTransaction = "skip_transaction";

/// What the servers at both ends of a link say of it now, wherever in the cluster they run. Safe from any thread.
class Links {
public:
    virtual ~Links() = default;
    /// Throws unreachable, and what the server says.
    virtual LinkSubscriber subscriber(const LinkPlace& link, const Limit& limit) = 0;
    /// pglogical: the first transaction with changes that waits on the provider behind position `after`.
    virtual std::optional<LinkTransaction> first_waiting(const LinkPlace& link, const std::string& slot,
                                                         const std::string& after, const Limit& limit) = 0;
};

}  // namespace pgedge

#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "cli/session.hpp"
#include "common/base/json.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

struct PlannedChange;

/// What pgedgectl does with the documents of one kind once a change is planned. One object for each kind, in the table
/// of change_kind().
class ChangeKind {
public:
    virtual ~ChangeKind() = default;
    virtual std::string_view name() const = 0;  ///< as in files and saved plans: "Database"
    virtual std::string_view noun() const = 0;  ///< in sentences: "database"
    /// Lets the agents begin with the change, and with nothing but what was planned.
    virtual TaskAnswer begin(Session& session, const PlannedChange& change) const = 0;
    /// The object after its change has ended, as the agents show it. May ask several times, at most for `limit`.
    virtual Json outcome(Session& session, const std::string& id, const Limit& limit) const = 0;
    /// `outcome` for people.
    virtual void show(std::ostream& out, const Style& style, const Json& outcome) const = 0;
};

const ChangeKind& database_kind();
/// The kind with this name. Throws Error{invalid_input} for one that this pgedgectl does not know.
const ChangeKind& change_kind(std::string_view name);

}  // namespace pgedge

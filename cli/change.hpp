#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/change_kind.hpp"
#include "cli/session.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/saved_plan.hpp"
#include "common/spec/load.hpp"

namespace pgedge {

/// A change of one object: what is wanted, and what the agents would do about it.
struct PlannedChange {
    const ChangeKind* kind = &database_kind();
    std::string id;
    Json body;  ///< of the request, with secrets as text: never shown, logged or saved
    bool is_delete = false, force = false;
    std::vector<std::string> remove_hosts;  ///< treated as lost; none for what is created
    PlanAnswer plan;
    /// The spec differs from the stored one in what needs no steps, e.g. scripts, or all that is to be done is to
    /// forget what stood on a lost host: an update only has to store it.
    bool only_stores = false;

    /// Also a database without a single resource has a record, which a delete takes away.
    bool has_work() const { return is_delete || plan.changes || only_stores; }
};

/// What `wanted` changes in the spec that is stored, which may be none; as an update takes it, so what it leaves out
/// counts as unchanged. Secrets are not compared: agents do not give them.
std::vector<Difference> changes_of_spec(DatabaseSpec wanted, const std::optional<DatabaseAnswer>& stored);

/// What the user asked for when a command is about one kind of change only.
enum class Expected { any, create, update };

/// How a change is to be planned and carried out.
struct ChangeOptions {
    bool force_update = false;
    std::vector<std::string> remove_hosts;  ///< treated as lost: nothing is done there; none for what is created
};

/// Reads the secrets that the specs refer to and lets the agents plan each of them. Warnings of the plans are told.
/// Throws SpecError with places in the files for what the agents refuse, Error for a database that is there (create) or
/// is not (update).
std::vector<PlannedChange> plan_changes(Session& session, const std::vector<LoadedDatabase>& databases,
                                        const ChangeOptions& options, Expected expected = Expected::any);

/// What `plan --out` writes. Throws Error{invalid_input} when a spec holds a secret in clear.
SavedPlan saved_plan_of(Session& session, const std::vector<LoadedDatabase>& databases,
                        const std::vector<PlannedChange>& changes);
/// The saved plan in `file`. Throws Error{invalid_input} for anything else.
SavedPlan load_saved_plan(const std::string& file);
/// What the agents planned when it was saved; enough to be shown, not to be carried out: see replan().
std::vector<PlannedChange> changes_of(const SavedPlan& saved);
/// Plans again what a saved plan was made from. Throws stale_plan (exit code 6) when the agents would do anything else
/// now than what was saved; a plan that was applied already comes back without changes, or is stale when it was forced.
std::vector<PlannedChange> replan(Session& session, const SavedPlan& saved);

/// The help of --details, which every command that shows plans has.
inline constexpr const char* kDetailsHelp = "List every step of the plan, instead of one line for those of an instance";

/// Plans for people: a summary and the steps of each database. Without `details` the steps are shown in groups, as the
/// plan of nine nodes has hundreds of them.
void show_plans(std::ostream& out, const Style& style, const std::vector<PlannedChange>& changes, bool details);
/// {"changes": …, "databases": [plans]}
Json plans_json(const std::vector<PlannedChange>& changes);
bool any_changes(const std::vector<PlannedChange>& changes);

/// Whether the user has seen the plan and said yes before the command began. What deletes data is asked for in any
/// case.
enum class Consent { to_be_asked, given };

/// Shows what would be done, asks, begins everything and waits for the end. Prints the result and returns kDone; throws
/// TaskError of the first task that did not complete, after all have ended.
int carry_out(Session& session, const std::vector<PlannedChange>& changes, bool details,
              Consent consent = Consent::to_be_asked);

}  // namespace pgedge

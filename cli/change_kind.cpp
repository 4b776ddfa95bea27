#include "cli/change_kind.hpp"

#include <algorithm>
#include <array>

#include "cli/change.hpp"
#include "cli/show.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskAgain = 20ms, kAskAgainAtMost = 320ms;
constexpr std::size_t kShownName = 60;

class DatabaseKind final : public ChangeKind {
public:
    std::string_view name() const override { return "Database"; }
    std::string_view noun() const override { return "database"; }

    TaskAnswer begin(Session& session, const PlannedChange& change) const override {
        ControlPlaneClient& api = session.api();
        const std::string& digest = change.plan.digest;
        if (change.is_delete) return api.delete_database(change.id, change.force, change.remove_hosts, digest).task;
        if (change.plan.type == "create") return api.create_database(change.body, digest).task;
        return api.update_database(change.id, change.body, change.force, change.remove_hosts, digest).task;
    }

    /// Agents look at their servers right after the task's end, not before it: until then an available one has no role.
    Json outcome(Session& session, const std::string& id, const Limit& limit) const override {
        DatabaseAnswer database = session.api().database(id);
        for (Limit::Clock::duration pause = kAskAgain; !roles_are_known(database) && limit.pause(pause);) {
            pause = std::min<Limit::Clock::duration>(2 * pause, kAskAgainAtMost);
            database = session.api().database(id);
        }
        return database.json;
    }

    void show(std::ostream& out, const Style& style, const Json& outcome) const override {
        show_database(out, style, database_answer(outcome));
    }

private:
    static bool roles_are_known(const DatabaseAnswer& database) {
        return std::none_of(database.instances.begin(), database.instances.end(), [](const auto& instance) {
            return instance.role.empty() && instance.state == "available";
        });
    }
};

}  // namespace

const ChangeKind& database_kind() {
    static const DatabaseKind kind;
    return kind;
}

const ChangeKind& change_kind(std::string_view name) {
    const std::array<const ChangeKind*, 1> kinds{&database_kind()};
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto* kind) { return kind->name() == name; });
    if (found != kinds.end()) return **found;
    throw Error(ErrorKind::invalid_input, "this pgedgectl knows no kind \"" + shortened(name, kShownName) + "\"",
                "was it written by a newer version? compare: pgedgectl version");
}

}  // namespace pgedge

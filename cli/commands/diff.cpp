#include "cli/change.hpp"
#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/spec_files.hpp"

namespace pgedge {
namespace {

/// What a file would change in the stored spec of one database.
struct DatabaseDifference {
    std::string id;
    bool is_new = false;
    std::vector<Difference> changes;
};

DatabaseDifference difference_of(Session& session, const LoadedDatabase& database) {
    DatabaseDifference difference;
    difference.id = database.document.id.value_or(database.document.spec.database_name);
    const auto stored = session.api().find_database(difference.id);
    difference.is_new = !stored;
    difference.changes = changes_of_spec(database.document.spec, stored);
    return difference;
}

class Diff final : public CliCommand {
public:
    Diff() : CliCommand("diff", "Compare files with what is stored, or a database with its spec") {
        argument("database", database_, "Compare this database with its own spec").completed_with(Completes::databases);
        option("-f,--file", "FILE", files_, "A file, a directory or - for standard input")
            .completed_with(Completes::files);
        flag("--exit-code", exit_code_, "End with 1 when something differs");
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl diff -f storefront.yaml", "what the file changes in the stored spec, field by field");
        example("pgedgectl diff storefront --exit-code", "what is missing or broken on the hosts, as a nightly check");
        describe(
            "With files, specs are compared field by field; what an update may leave out counts as unchanged, and "
            "secrets "
            "are not compared because agents do not give them. With a database, its own spec is planned again: the "
            "steps "
            "are what would bring it back to its spec.");
    }

    int run(Session& session) override {
        if (database_.empty() == files_.empty())
            throw UsageError(database_.empty() ? "pgedgectl diff needs -f FILE or a database"
                                               : "give a database or -f FILE, not both",
                             "see examples: pgedgectl diff -h");
        const bool differs = files_.empty() ? from_its_spec(session) : from_files(session);
        return differs && exit_code_ ? kFailed : kDone;
    }

private:
    bool from_files(Session& session) const {
        Json result{{"differs", false}, {"databases", Json::array()}};
        std::vector<DatabaseDifference> all;
        std::vector<std::string> names;
        for (const auto& database : load_specs(session, files_)) {
            all.push_back(difference_of(session, database));
            const DatabaseDifference& one = all.back();
            if (one.is_new || !one.changes.empty()) names.push_back(one.id);
            Json changes = Json::array();
            for (const auto& change : one.changes) changes.push_back(change_json(change));
            result["databases"].push_back({{"id", one.id}, {"new", one.is_new}, {"changes", std::move(changes)}});
        }
        result["differs"] = !names.empty();
        session.show(result, names, [&](std::ostream& out) {
            for (const auto& one : all) show(out, session.style(), one);
        });
        return !names.empty();
    }

    bool from_its_spec(Session& session) const {
        const DatabaseAnswer database = named_database(session, database_);
        PlannedChange change;
        change.id = database.id;
        change.plan = session.api().plan({{"id", database.id}, {"spec", database.spec}});
        const bool differs = change.plan.changes;
        session.show({{"differs", differs}, {"databases", {change.plan.json}}},
                     differs ? std::vector{change.id} : std::vector<std::string>{},
                     [&](std::ostream& out) { show_plans(out, session.style(), {change}, details_); });
        return differs;
    }

    static Json change_json(const Difference& change) {
        Json json{{"path", change.path}};
        if (change.before) json["before"] = *change.before;
        if (change.after) json["after"] = *change.after;
        return json;
    }

    static void show(std::ostream& out, const Style& style, const DatabaseDifference& one) {
        out << style.bold("database " + clean(one.id)) << ':'
            << (one.is_new            ? " does not exist yet"
                : one.changes.empty() ? " as it is stored"
                                      : "")
            << '\n';
        for (const auto& change : one.changes) {
            const std::string text = clean(change.text());
            out << "  "
                << (!change.before  ? style.green("+ " + text)
                    : !change.after ? style.red("- " + text)
                                    : style.yellow("~ " + text))
                << '\n';
        }
    }

    std::string database_;
    std::vector<std::string> files_;
    bool exit_code_ = false, details_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_diff() { return std::make_unique<Diff>(); }

}  // namespace pgedge

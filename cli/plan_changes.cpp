#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/change.hpp"
#include "cli/failure.hpp"
#include "cli/spec_files.hpp"
#include "common/base/build_info.hpp"
#include "common/base/digest.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/plan/render.hpp"
#include "common/spec/merge.hpp"
#include "common/spec/resolve.hpp"
#include "common/spec/secret_reference.hpp"
#include "common/spec/walk_secrets.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

/// {"id", "tenant_id"?, "spec"} with the secrets as they stand in `spec`.
Json body_of(const LoadedDatabase& database, const DatabaseSpec& spec) {
    Json body{{"id", id_of(database)}, {"spec", to_request_json(spec)}};
    if (database.document.tenant_id) body["tenant_id"] = *database.document.tenant_id;
    return body;
}

/// The agents' refusal as problems of the file, when its lines are "path: text" with paths that stand there.
[[noreturn]] void rethrow_with_places(const Error& error, const LoadedDatabase& database) {
    std::vector<Problem> problems;
    const auto lines = split(error.text(), '\n');
    for (const auto& line : lines) {
        if (const auto more = more_in(line); more > 0 && &line == &lines.back() && !problems.empty()) {
            problems.push_back({.name = std::string(error.name()), .more = more});
            break;
        }
        const auto colon = line.find(": ");
        if (colon == std::string::npos || line.find(' ') < colon) throw error;  // words, and not a path
        Problem problem;
        problem.path = line.substr(0, colon);
        if (!problem.path.starts_with("spec.") && problem.path != "id") problem.path = "spec." + problem.path;
        problem.text = line.substr(colon + 2);
        problem.name = error.name();
        problems.push_back(std::move(problem));
    }
    place(problems, database);
    const bool placed =
        std::all_of(problems.begin(), problems.end(), [](const auto& one) { return one.line > 0 || one.more > 0; });
    if (!placed) throw error;
    throw SpecError(std::move(problems));
}

DatabaseSpec resolved(Session& session, const LoadedDatabase& database, const std::optional<DatabaseAnswer>& there) {
    std::optional<DatabaseSpec> stored;
    if (there) stored = spec_from_shown(there->spec);
    DatabaseSpec spec = database.document.spec;
    auto problems = resolve_secrets(
        spec, {.base_dir = database.base_dir,
               .environment = [&](const std::string& name) { return session.world().environment(name); },
               .stored = stored ? &*stored : nullptr});
    if (problems.empty()) return spec;
    place(problems, database);
    throw SpecError(std::move(problems));
}

void check_expected(const std::string& id, bool there, Expected expected) {
    if (expected == Expected::create && there)
        throw Error(ErrorKind::conflict, "database " + id + " exists already",
                    "change it instead: pgedgectl db update, or pgedgectl apply, which does either")
            .named("database_already_exists");
    if (expected == Expected::update && !there)
        throw Error(ErrorKind::not_found, "there is no database " + id,
                    "make it: pgedgectl db create, or pgedgectl apply, which does either");
}

/// What stands there is to be forgotten, for which nobody has to do anything.
bool stands_on(const DatabaseAnswer& there, const std::vector<std::string>& hosts) {
    return std::any_of(there.instances.begin(), there.instances.end(), [&](const auto& instance) {
        return std::find(hosts.begin(), hosts.end(), instance.host_id) != hosts.end();
    });
}

PlannedChange plan_one(Session& session, const LoadedDatabase& database, const ChangeOptions& options,
                       Expected expected) {
    PlannedChange change;
    change.id = id_of(database);
    const auto there = session.api().find_database(change.id);
    check_expected(change.id, there.has_value(), expected);
    change.body = body_of(database, resolved(session, database, there));
    change.force = options.force_update && there;
    if (there) change.remove_hosts = options.remove_hosts;
    Json asked = change.body;
    if (change.force) asked["force_update"] = true;
    if (!change.remove_hosts.empty()) asked["remove_hosts"] = change.remove_hosts;
    try {
        change.plan = session.api().plan(asked);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::invalid_input) throw;
        rethrow_with_places(error, database);
    }
    change.only_stores =
        !change.plan.changes && there &&
        (!changes_of_spec(database.document.spec, there).empty() || stands_on(*there, change.remove_hosts));
    if (change.only_stores) change.plan.type = "update";
    for (const auto& warning : change.plan.warnings) session.warn(change.id + ": " + warning);
    return change;
}

/// `file:` references lead somewhere only together with the directory of their file.
void make_references_absolute(Json& value, const std::filesystem::path& base_dir) {
    constexpr std::string_view kFile = "file:";
    if (value.is_structured())
        for (auto& inner : value) make_references_absolute(inner, base_dir);
    if (!value.is_string() || !value.get_ref<const std::string&>().starts_with(kFile)) return;
    const std::filesystem::path named = value.get<std::string>().substr(kFile.size());
    value = std::string(kFile) + std::filesystem::absolute(base_dir / named).lexically_normal().string();
}

/// A plan without what new random secrets change in it.
Json without_fingerprints(Json value) {
    if (value.is_object()) value.erase("fingerprint");
    if (value.is_structured())
        for (auto& inner : value) inner = without_fingerprints(std::move(inner));
    return value;
}

bool generates(const Json& value) {
    if (value.is_structured())
        return std::any_of(value.begin(), value.end(), [](const Json& one) { return generates(one); });
    return value.is_string() && value.get_ref<const std::string&>().starts_with("generate:");
}

/// True when `now` is what was saved. Secrets that are generated differ each time they are.
bool is_same(const SavedOperation& saved, const PlanAnswer& now) {
    if (now.type != saved.operation || now.base_revision != saved.base_revision) return false;
    // Also the steps, which people looked at: whoever edits the file could leave the digest as it was.
    return without_fingerprints(to_json(now.plan)) == without_fingerprints(to_json(saved.plan)) &&
           (now.digest == saved.digest || generates(saved.document));
}

std::string why_stale(const SavedOperation& saved, const PlanAnswer& now) {
    if (now.base_revision == saved.base_revision)
        return fmt::format("it, or a secret or host that it depends on, was changed after it was saved (database {})",
                           saved.id);
    return fmt::format("database {} has moved since it was made (revision {} then, {} now)", saved.id,
                       saved.base_revision, now.base_revision);
}

/// A saved plan goes into reviews and archives: what is secret has to come from elsewhere when it is applied.
void refuse_literals(const LoadedDatabase& database) {
    std::vector<Problem> problems;
    walk_secrets(database.document.spec, SecretDepth::inside, [&](const SecretPlace& where, const SecretValue& value) {
        if (value.given() && !parse_secret_reference(value.given()->reveal()))
            problems.push_back({.path = where.path,
                                .text = "a secret in clear may not stand in a saved plan",
                                .hint = "write env:NAME or file:PATH instead of the secret"});
    });
    if (problems.empty()) return;
    place(problems, database);
    throw SpecError(std::move(problems));
}

std::string author(Session& session) {
    char machine[256] = "";
    ::gethostname(machine, sizeof machine - 1);
    return session.world().environment("USER").value_or("unknown") + "@" + machine;
}

}  // namespace

std::vector<Difference> changes_of_spec(DatabaseSpec wanted, const std::optional<DatabaseAnswer>& stored) {
    DatabaseSpec before;
    if (stored) {
        before = spec_from_shown(stored->spec);
        merge_omitted(wanted, before);
    }
    return differences(Json(to_shown_json(before)), Json(to_shown_json(wanted)));
}

std::vector<PlannedChange> plan_changes(Session& session, const std::vector<LoadedDatabase>& databases,
                                        const ChangeOptions& options, Expected expected) {
    std::vector<PlannedChange> changes;
    for (const auto& database : databases) changes.push_back(plan_one(session, database, options, expected));
    return changes;
}

SavedPlan saved_plan_of(Session& session, const std::vector<LoadedDatabase>& databases,
                        const std::vector<PlannedChange>& changes) {
    SavedPlan saved;
    saved.tool_version = build_info().version;
    saved.cluster_id = session.api().cluster().id;
    saved.author = author(session);
    saved.created_at = session.world().clock().wall();
    std::string inputs;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        refuse_literals(databases[i]);
        const PlanAnswer& plan = changes[i].plan;
        SavedOperation object;
        object.operation = plan.type;
        object.kind = changes[i].kind->name();
        object.id = changes[i].id;
        object.document = body_of(databases[i], databases[i].document.spec);
        make_references_absolute(object.document, databases[i].base_dir);
        object.base_revision = plan.base_revision;
        object.digest = plan.digest;
        object.plan = plan.plan;
        object.warnings = plan.warnings;
        object.force_update = changes[i].force && plan.type != "create";  // a create touches everything anyway
        object.remove_hosts = changes[i].remove_hosts;
        inputs += to_text(object.document);
        if (changes[i].has_work()) saved.objects.push_back(std::move(object));
    }
    saved.inputs_digest = to_hex(sha256(inputs));
    return saved;
}

SavedPlan load_saved_plan(const std::string& file) {
    return within("reading the plan " + file, [&] {
        const std::string text = read_file(file, kMaxSavedPlan);
        try {
            return read_saved_plan(text);
        } catch (const Error& error) {
            const bool may_be_spec = error.hint().empty() && text.find("pgedge-plan/") == text.npos;
            if (!may_be_spec) throw;
            throw Error(error.kind(), error.text(),
                        "a spec? pgedgectl plan -f " + file + ", or pgedgectl apply -f " + file);
        }
    });
}

std::vector<PlannedChange> changes_of(const SavedPlan& saved) {
    std::vector<PlannedChange> changes;
    for (const auto& object : saved.objects) {
        PlannedChange change;
        change.kind = &change_kind(object.kind);
        change.id = object.id;
        change.force = object.force_update;
        change.remove_hosts = object.remove_hosts;
        Json answer = to_json(object.plan);  // as the agent gave it
        answer["database_id"] = object.id;
        answer["type"] = object.operation;
        answer["summary"] = summary_line(object.plan);
        answer["base_revision"] = object.base_revision;
        answer["digest"] = object.digest;
        answer["changes"] = !object.plan.empty();
        answer["warnings"] = object.warnings;
        change.plan = plan_answer(answer);
        change.only_stores = object.plan.empty();
        changes.push_back(std::move(change));
    }
    return changes;
}

std::vector<PlannedChange> replan(Session& session, const SavedPlan& saved) {
    if (const std::string now = session.api().cluster().id; !saved.cluster_id.empty() && now != saved.cluster_id)
        throw Error(ErrorKind::conflict, "the plan was made for cluster " + saved.cluster_id + ", and this is " + now,
                    "choose the cluster: --context, or plan again")
            .named("stale_plan");
    std::vector<PlannedChange> changes;
    for (const auto& object : saved.objects) {
        const ChangeKind& kind = change_kind(object.kind);  // one that is not known is not taken for a database
        Loaded loaded = load_text(to_text(object.document), "saved plan", ".");
        if (!loaded.problems.empty()) throw SpecError(std::move(loaded.problems));
        if (loaded.databases.size() != 1)
            throw Error(ErrorKind::invalid_input, "the saved plan holds no usable spec of " + object.id);
        PlannedChange change =
            plan_one(session, loaded.databases.front(), {object.force_update, object.remove_hosts}, Expected::any);
        change.kind = &kind;
        if (change.has_work() && !is_same(object, change.plan))
            throw Error(ErrorKind::conflict, "the plan is stale: " + why_stale(object, change.plan),
                        "plan again and look at what would be done now: pgedgectl plan")
                .named("stale_plan");
        changes.push_back(std::move(change));
    }
    return changes;
}

}  // namespace pgedge

#include "common/spec/load.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/spec/fields.hpp"
#include "common/spec/read.hpp"
#include "common/spec/validate.hpp"

namespace pgedge {
namespace {

/// Kinds that files may hold one day; told apart from words that mean nothing.
constexpr std::array<std::string_view, 10> kLaterKinds{"Cluster",        "Host", "PostgresInstance", "Pooler",
                                                       "ParameterGroup", "Peer", "Mirror",           "Alert",
                                                       "BackupPolicy",   "Node"};

void normalize(DatabaseSpec& spec) {
    for (auto& user : spec.database_users)
        for (auto& attribute : user.attributes)
            std::transform(attribute.begin(), attribute.end(), attribute.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
}

/// A rule that speaks of a value which could not even be read adds nothing.
void add_rules(std::vector<Problem>& problems, std::vector<Problem> rules) {
    const auto covered = [&](const Problem& rule) {
        return std::any_of(problems.begin(), problems.end(), [&](const Problem& known) {
            if (known.more > 0) return false;
            return rule.path == known.path ||
                   (rule.path.starts_with(known.path) &&
                    (rule.path[known.path.size()] == '.' || rule.path[known.path.size()] == '['));
        });
    };
    std::erase_if(rules, covered);
    problems.insert(problems.end(), std::make_move_iterator(rules.begin()), std::make_move_iterator(rules.end()));
}

/// What is in front of `path` with its last step taken away: "spec.nodes[2].port" → "spec.nodes[2]" → "spec.nodes".
std::string_view parent_of(std::string_view path) {
    const auto at = path.find_last_of(".[");
    return at == std::string_view::npos ? std::string_view() : path.substr(0, at);
}

void sort_by_place(std::vector<Problem>& problems) {
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
        return std::tuple(a.more, a.line, a.column) < std::tuple(b.more, b.line, b.column);
    });
}

/// Puts the problems of one document behind those that are known already.
void add_placed(std::vector<Problem>& all, std::vector<Problem> found, const std::string& file, const Places& places) {
    place_in(found, file, places);
    sort_by_place(found);
    all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    limit_problems(all);
}

/// nullopt for a document of kind Database, else what is wrong with its kind.
std::optional<Problem> wrong_kind(const Value& root) {
    const Value* kind = root.find("kind");
    if (!kind || !kind->is_scalar() || kind->text == "Database") return std::nullopt;
    Problem problem{.path = "kind", .line = kind->at.line, .column = kind->at.column};
    if (std::find(kLaterKinds.begin(), kLaterKinds.end(), kind->text) != kLaterKinds.end()) {
        problem.text = fmt::format("documents of kind {} are not supported by this version", kind->text);
        problem.hint = "only documents of kind Database are";
        if (kind->text != "Cluster") return problem;
        problem.text = "a document of kind Cluster is not for this command";
        problem.hint = "pgedgectl cluster bootstrap -f FILE";
        return problem;
    }
    std::vector<std::string> known{"Database"};
    known.insert(known.end(), kLaterKinds.begin(), kLaterKinds.end());
    const auto meant = nearest(kind->text, known);
    problem.name = "invalid_enum_value";
    problem.text = fmt::format("there is no kind \"{}\"", shortened(kind->text, 60));
    problem.hint = meant ? fmt::format("did you mean \"{}\"?", *meant) : "write kind: Database";
    return problem;
}

void load_root(const Value& root, const std::string& file, const std::filesystem::path& base_dir,
               const LoadOptions& options, Loaded& loaded) {
    Places places = places_of(root);
    if (root.kind == Value::Kind::map) {
        if (auto problem = wrong_kind(root)) return add_placed(loaded.problems, {*problem}, file, places);
    }
    Reader reader(Origin::file, options.strict);
    DatabaseFile read;
    reader.read(root, file_type(), &read);
    normalize(read.spec);
    auto problems = std::move(reader.problems);
    add_rules(problems, validate(read.spec, {.database_id = read.id}));
    add_placed(loaded.problems, std::move(problems), file, places);
    add_placed(loaded.warnings, std::move(reader.warnings), file, places);
    loaded.databases.push_back({read, {read.labels.begin(), read.labels.end()}, file, base_dir, std::move(places)});
}

Documents parse(std::string_view text, const std::string& file) {
    const auto first = text.find_first_not_of(" \t\r\n");
    const bool looks_like_json = first != std::string_view::npos && text[first] == '{';
    if (file.ends_with(".json")) return parse_json_document(text);
    if (!looks_like_json) return parse_yaml(text);
    // JSON without the name: YAML reads most of it, but neither tabs everywhere nor pairs of surrogates.
    auto json = parse_json_document(text);
    return json.problems.empty() ? std::move(json) : parse_yaml(text);
}

bool is_spec_file(const std::filesystem::path& path) {
    const auto ending = path.extension();
    return ending == ".yaml" || ending == ".yml" || ending == ".json";
}

/// The same id twice would make the second document undo the first.
void refuse_double_ids(Loaded& loaded) {
    std::map<std::string, const LoadedDatabase*> first;
    for (const auto& database : loaded.databases) {
        if (!database.document.id) continue;
        const auto [known, fresh] = first.emplace(*database.document.id, &database);
        if (fresh) continue;
        std::vector<Problem> problems{{.path = "id",
                                       .text = fmt::format("the database \"{}\" stands in {} already",
                                                           *database.document.id, known->second->file)}};
        place(problems, database);
        loaded.problems.push_back(problems.front());
    }
}

void append(Loaded& all, Loaded more) {
    const auto move_into = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    move_into(all.databases, more.databases);
    move_into(all.problems, more.problems);
    move_into(all.warnings, more.warnings);
    limit_problems(all.problems);
    limit_problems(all.warnings);
}

Loaded too_large(const std::string& file) {
    Loaded loaded;
    loaded.problems.push_back(
        {.file = file, .text = fmt::format("is larger than {} bytes", kMaxSpecFile), .name = "invalid_length"});
    return loaded;
}

Loaded load_one(std::string_view text, const std::string& file, const std::filesystem::path& base_dir,
                const LoadOptions& options) {
    if (text.size() > kMaxSpecFile) return too_large(file);
    Loaded loaded;
    Documents documents = parse(text, file);
    add_placed(loaded.problems, std::move(documents.problems), file, {});
    if (documents.roots.empty() && loaded.problems.empty())
        loaded.problems.push_back({.file = file, .text = "holds no document", .name = "missing_payload"});
    for (const auto& root : documents.roots) load_root(root, file, base_dir, options, loaded);
    return loaded;
}

Loaded load_one_file(const std::filesystem::path& path, const LoadOptions& options) {
    try {
        return load_one(read_file(path, kMaxSpecFile), path.string(), path.parent_path(), options);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::invalid_input) throw;
        return too_large(path.string());  // a problem like any other: further files are still read
    }
}

}  // namespace

Loaded load_text(std::string_view text, const std::string& file, const std::filesystem::path& base_dir,
                 const LoadOptions& options) {
    Loaded loaded = load_one(text, file, base_dir, options);
    refuse_double_ids(loaded);
    return loaded;
}

Loaded load_file(const std::filesystem::path& path, const LoadOptions& options) {
    std::vector<std::filesystem::path> files{path};
    if (std::filesystem::is_directory(path)) {
        files.clear();
        for (const auto& entry : std::filesystem::directory_iterator(path))
            if (entry.is_regular_file() && is_spec_file(entry.path())) files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        if (files.empty()) throw Error(ErrorKind::not_found, path.string() + " holds no *.yaml, *.yml or *.json file");
    }
    Loaded loaded;
    for (const auto& file : files) append(loaded, load_one_file(file, options));
    refuse_double_ids(loaded);
    return loaded;
}

void place_in(std::vector<Problem>& problems, const std::string& file, const Places& places) {
    for (auto& problem : problems) {
        if (problem.more > 0) continue;
        problem.file = file;
        for (std::string_view path = problem.path; problem.line == 0; path = parent_of(path)) {
            if (const auto known = places.find(std::string(path)); known != places.end()) {
                problem.line = known->second.line;
                problem.column = known->second.column;
            }
            if (path.empty()) break;
        }
    }
}

void place(std::vector<Problem>& problems, const LoadedDatabase& database) {
    place_in(problems, database.file, database.places);
}

DatabaseDocument load_body(const Json& body) {
    Reader reader(Origin::body);
    DatabaseDocument document;
    reader.read(value_from_json(body), body_type(), &document);
    normalize(document.spec);
    auto problems = std::move(reader.problems);
    add_rules(problems, validate(document.spec, {.database_id = document.id}));
    throw_if_any(problems);
    return document;
}

RestoreConfigSpec load_restore_config(const Json& config) {
    Json whole = config;
    const bool has_repository = config.is_object() && config.contains("repository");
    if (config.is_object() && !has_repository) whole["repository"] = {{"type", "posix"}};
    Reader reader(Origin::body);
    RestoreConfigSpec spec;
    reader.read(value_from_json(whole), restore_config_type(), &spec, "restore_config");
    throw_if_any(reader.problems);
    if (!has_repository) spec.repository = {};
    return spec;
}

}  // namespace pgedge

#include "cli/spec_files.hpp"

#include <iterator>
#include <map>

#include "cli/failure.hpp"

namespace pgedge {
namespace {

Loaded load_one(Session& session, const std::string& file, const LoadOptions& options) {
    if (file.empty()) throw UsageError("--file is empty", "is a variable of your script not set?");
    if (file != "-") return load_file(file, options);
    std::string text;
    char part[4096];
    while (session.world().in().read(part, sizeof part) || session.world().in().gcount() > 0) {
        text.append(part, static_cast<std::size_t>(session.world().in().gcount()));
        if (text.size() > kMaxSpecFile)
            throw Error(ErrorKind::invalid_input, "standard input is longer than a spec may be (1 MiB)");
    }
    return load_text(text, "-", ".", options);
}

void check_ids(const std::vector<LoadedDatabase>& databases, std::vector<Problem>& problems) {
    std::map<std::string, const LoadedDatabase*> seen;
    for (const auto& database : databases) {
        if (!database.document.id) continue;
        const auto [first, is_new] = seen.try_emplace(*database.document.id, &database);
        if (is_new) continue;
        std::vector<Problem> twice(1);
        twice[0].path = "id";
        twice[0].text = "database '" + *database.document.id + "' is already described in " + first->second->file;
        twice[0].hint = "one document for each database";
        place(twice, database);
        problems.push_back(twice[0]);
    }
}

}  // namespace

std::string id_of(const LoadedDatabase& database) {
    if (database.document.id) return *database.document.id;
    throw SpecError({{.path = "id",
                      .file = database.file,
                      .text = "the document has no id, so nobody can tell which database it is",
                      .hint = "add a line: id: " + database.document.spec.database_name,
                      .name = "missing_field"}});
}

std::vector<LoadedDatabase> load_specs(Session& session, const std::vector<std::string>& files,
                                       const LoadOptions& options) {
    std::vector<LoadedDatabase> databases;
    std::vector<Problem> problems;
    for (const auto& file : files) {
        Loaded loaded = load_one(session, file, options);
        std::move(loaded.databases.begin(), loaded.databases.end(), std::back_inserter(databases));
        std::move(loaded.problems.begin(), loaded.problems.end(), std::back_inserter(problems));
        for (const auto& warning : loaded.warnings) session.warn(to_line(warning));
    }
    check_ids(databases, problems);
    if (!problems.empty()) throw SpecError(std::move(problems));
    if (databases.empty()) throw Error(ErrorKind::invalid_input, "no database is described in the given files");
    return databases;
}

}  // namespace pgedge

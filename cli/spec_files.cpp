#include "cli/spec_files.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>

#include "cli/failure.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// A file that is not there, with the name of one that is and that may be meant.
[[noreturn]] void rethrow_with_near_name(const Error& error, const std::filesystem::path& file) {
    constexpr std::size_t kMostNames = 1000;
    std::vector<std::string> names;
    std::error_code ignored;  // then there is nothing to suggest
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    for (std::filesystem::directory_iterator it(folder, ignored), end; it != end && names.size() < kMostNames;
         it.increment(ignored))
        names.push_back(it->path().filename().string());
    const auto meant = nearest(file.filename().string(), names);
    if (!meant) throw error;
    throw Error(error.kind(), error.text(), "did you mean " + (file.parent_path() / *meant).string() + "?");
}

Loaded load_one(Session& session, const std::string& file, const LoadOptions& options) {
    if (file.empty()) throw UsageError("--file is empty", "is a variable of your script not set?");
    if (file != "-") {
        try {
            return load_file(file, options);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::not_found) throw;
            rethrow_with_near_name(error, file);
        }
    }
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
        const bool is_told = std::any_of(problems.begin(), problems.end(), [&](const Problem& told) {
            return told.path == "id" && told.file == twice[0].file && told.line == twice[0].line;
        });
        if (!is_told) problems.push_back(twice[0]);  // two documents of one directory are found while it is loaded
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

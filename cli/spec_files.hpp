#pragma once

#include <string>
#include <vector>

#include "cli/session.hpp"
#include "common/spec/load.hpp"

namespace pgedge {

/// What the files of `-f` hold: files, directories (every *.yaml, *.yml and *.json in them) and "-" for standard input.
/// Warnings are told. Throws SpecError with all problems of all files, also when one id stands in two documents.
std::vector<LoadedDatabase> load_specs(Session& session, const std::vector<std::string>& files,
                                       const LoadOptions& options = {});

/// The id of a database's document. Throws SpecError when it has none.
std::string id_of(const LoadedDatabase& database);

}  // namespace pgedge

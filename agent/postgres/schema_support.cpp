#include "agent/postgres/schema_support.hpp"

#include "agent/postgres/sql_files.hpp"

namespace pgedge {

std::vector<std::string> schema_support_scripts(std::string_view dialect) {
    std::vector<std::string> out{sql_file("begin.sql"), sql_file("sequences.sql"), sql_file("rewrite.sql")};
    if (dialect == "spock") {
        out.push_back(sql_file("spock/adopt.sql"));
        out.push_back(sql_file("spock/added.sql"));
        return out;
    }
    // The order of their triggers is that of the triggers' names, not that of the files.
    for (const char* file : {"alone", "statement", "session", "rows", "queue", "run", "tables"})
        out.push_back(sql_file(std::string("pglogical/") + file + ".sql"));
    return out;
}

}  // namespace pgedge

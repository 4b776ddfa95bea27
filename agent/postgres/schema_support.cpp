#include "agent/postgres/schema_support.hpp"

#include "agent/postgres/sql_files.hpp"

namespace pgedge {

std::vector<std::string> schema_support_scripts(std::string_view dialect) {
    std::vector<std::string> out{sql_file("begin.sql"), sql_file("sequences.sql"), sql_file("rewrite.sql")};
    if (dialect == "spock") {
        out.push_back(sql_file("spock/adopt.sql"));
        out.push_back(sql_file("spock/added.sql"));
    } else {
        // The order of their triggers is that of the triggers' names, not that of the files.
        for (const char* file :
             {"alone", "statement", "session", "rows", "queue", "run", "tables", "truncate", "strays"})
            out.push_back(sql_file(std::string("pglogical/") + file + ".sql"));
    }
    // These use what the dialect's own files define: alone(), members, adopt() …
    for (const char* file : {"keyless.sql", "watch.sql"}) out.push_back(sql_file(file));
    if (dialect == "spock") out.push_back(sql_file("spock/quiet.sql"));
    out.push_back(sql_file("rights.sql"));
    return out;
}

}  // namespace pgedge

# Writes OUTPUT, a C++ file that defines sql_file() over the files NAMES (a comma-separated list) of the folder FOLDER.
# Run by `cmake -P` when one of them changes.
set(cases "")
string(REPLACE "," ";" names "${NAMES}")
foreach(name IN LISTS names)
    file(READ "${FOLDER}/${name}" text)
    string(APPEND cases "    if (name == \"${name}\") return R\"~~~(${text})~~~\";\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"agent/postgres/sql_files.hpp\"

#include \"common/base/error.hpp\"

namespace pgedge {

std::string sql_file(std::string_view name) {
${cases}    throw Error(ErrorKind::internal, \"there is no SQL file \" + std::string(name));
}

}  // namespace pgedge
")

# Everything comes from the system's packages (Debian 12; 13 builds too). Nothing is downloaded.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(doctest 2.4.9 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(raft REQUIRED IMPORTED_TARGET raft>=0.22.1)
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET libuv>=1.44)

if(NOT TARGET yaml-cpp::yaml-cpp)  # yaml-cpp 0.7 exports the target without a namespace
    add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

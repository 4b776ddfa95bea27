# How every target of the project is made: one static library per folder, with the same warnings.
# Errors are for those who change the code: another compiler or level of optimisation may warn of nothing.
option(PGEDGE_WERROR "Treat warnings as errors; the presets do" OFF)
add_library(pgedge_warnings INTERFACE)
target_compile_options(pgedge_warnings INTERFACE -Wall -Wextra -Wpedantic $<$<BOOL:${PGEDGE_WERROR}>:-Werror> -Wshadow
                                                 -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Three warnings of g++ 12 to 14 are false alarms on std::string at -O2 (GCC PR 105329, 105651).
    target_compile_options(pgedge_warnings INTERFACE -Wno-restrict -Wno-stringop-overread -Wno-array-bounds)
    if(CMAKE_UNITY_BUILD)  # a class of a .cpp with members of its anonymous namespace looks like one of a header then
        target_compile_options(pgedge_warnings INTERFACE -Wno-subobject-linkage)
    endif()
endif()

option(PGEDGE_PCH "Precompile the heavy headers once" ON)
if(PGEDGE_PCH)
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
    add_library(pgedge_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
    target_link_libraries(pgedge_pch PUBLIC nlohmann_json::nlohmann_json fmt::fmt Threads::Threads PRIVATE pgedge_warnings)
    target_precompile_headers(pgedge_pch PRIVATE <nlohmann/json.hpp> <fmt/format.h> <chrono> <functional> <map> <memory>
                              <optional> <stop_token> <string> <thread> <variant> <vector>)
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)  # with a time in it, no compiler cache could know it again
        target_compile_options(pgedge_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
endif()

# pgedge_false_alarms(FILE…): g++ 12 sees writes past the end of a std::string at -O2 in these files that are none, or
# reads of what an empty std::optional would hold.
function(pgedge_false_alarms)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS 
            "-Wno-array-bounds;-Wno-stringop-overflow;-Wno-maybe-uninitialized")
    endif()
endfunction()

# pgedge_settle(TARGET): includes from the root, shared warnings and precompiled headers.
function(pgedge_settle target)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE pgedge_warnings nlohmann_json::nlohmann_json fmt::fmt Threads::Threads)
    if(PGEDGE_PCH)
        target_precompile_headers(${target} REUSE_FROM pgedge_pch)
    endif()
endfunction()

# pgedge_library(NAME SOURCES a.cpp … [USES lib…] [INTERNAL lib…])
#   USES: libraries whose headers appear in ours. INTERNAL: libraries that only our .cpp files know.
function(pgedge_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;INTERNAL" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    pgedge_settle(${name})
    target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE ${ARG_INTERNAL})
endfunction()

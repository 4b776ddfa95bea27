#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace pgedge {

class CliCommand;

/// The options that every command takes, before or after its name.
struct GlobalOptions {
    std::optional<std::string> context;
    std::vector<std::string> endpoints;
    std::string ca_file, cert_file, key_file;
    bool insecure_http = false;

    std::string output = "table";        ///< table, json, yaml or name
    std::optional<std::string> pointer;  ///< --get: a JSON pointer into the result
    bool quiet = false, verbose = false, no_color = false;

    bool no_input = false, yes = false;
    std::vector<std::string> confirm;  ///< names of databases whose data may be deleted
    bool no_wait = false;
    std::optional<std::chrono::milliseconds> timeout, request_timeout;

    bool help_short = false, help_long = false, version = false;
};

/// Lists them in `root`, so that they are parsed, completed and described like all others.
void add_global_options(CliCommand& root, GlobalOptions& options);

}  // namespace pgedge

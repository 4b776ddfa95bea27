#include "cli/options.hpp"

#include "cli/cli_command.hpp"
#include "cli/exit_codes.hpp"
#include "cli/reach/endpoint.hpp"

namespace pgedge {

void add_global_options(CliCommand& root, GlobalOptions& options) {
    root.option("-C,--context", "NAME", options.context, "Use this context of the configuration")
        .completed_with(Completes::contexts);
    root.option("--endpoint", "URL", options.endpoints,
                "An agent's address: ssh://[USER@]HOST, https://HOST:PORT, http://LOOPBACK:PORT or unix:///PATH; "
                "several are tried in order")
        .take = [&options](const std::vector<std::string>& words) {
        options.endpoints.clear();  // one word may name several, as PGEDGECTL_ENDPOINT does
        for (const auto& word : words)
            for (const auto& endpoint : endpoints_in(word)) options.endpoints.push_back(endpoint);
        if (options.endpoints.empty()) throw UsageError("--endpoint is empty");
    };
    root.option("--ca-file", "FILE", options.ca_file, "Certificate authority of the agents")
        .completed_with(Completes::files);
    root.option("--cert-file", "FILE", options.cert_file, "Client certificate").completed_with(Completes::files);
    root.option("--key-file", "FILE", options.key_file, "Private key of the client certificate")
        .completed_with(Completes::files);
    root.flag("--insecure-http", options.insecure_http,
              "Allow http:// beyond this machine; everything is readable on the way");
    root.option("-o,--output", "FORMAT", options.output, "How results are printed")
        .one_of({"table", "json", "yaml", "name"});
    root.option("--get", "POINTER", options.pointer, "Print only this part of the JSON result, e.g. /spec/port");
    root.flag("-q,--quiet", options.quiet, "No progress and no messages; errors are still printed");
    root.flag("-v,--verbose", options.verbose, "Print which agent is asked what");
    root.flag("--no-color", options.no_color, "No colours, like NO_COLOR=1");
    root.flag("--no-input", options.no_input, "Never ask anything");
    root.flag("-y,--yes", options.yes, "Carry out the plan without asking");
    root.option("--confirm", "NAME", options.confirm, "Allow this database's data to be deleted")
        .completed_with(Completes::databases);
    root.flag("--no-wait,--detach", options.no_wait, "Return when the work has begun, without waiting for its end");
    root.option("--timeout", options.timeout, "Stop waiting for work after this time; the work goes on");
    root.option("--request-timeout", options.request_timeout, "Longest time for one answer of an agent (default 30s)");
    root.flag("-h", options.help_short, "Examples of the command and its own options");
    root.flag("--help", options.help_long, "The whole help of the command, with these global options");
    root.flag("--version", options.version, "The version of this program");
}

}  // namespace pgedge

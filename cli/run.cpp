#include "cli/run.hpp"

#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/failure.hpp"
#include "cli/help.hpp"
#include "cli/parse.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

/// Errors of parsing have to come in the wanted form although the options were not understood.
void guess_output(const std::vector<std::string>& words, GlobalOptions& options) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--") return;
        for (const char* format : {"json", "yaml"}) {
            const bool apart =
                i + 1 < words.size() && (words[i] == "-o" || words[i] == "--output") && words[i + 1] == format;
            const bool joined = words[i] == std::string("-o") + format || words[i] == std::string("--output=") + format;
            if (apart || joined) options.output = format;
        }
    }
}

int run_command(World& world, const GlobalOptions& options, CliCommand& root, CliCommand& command) {
    Session session(world, options, root);
    if (options.help_short || options.help_long || &command == &root) {
        world.out() << help_of(command, options.help_long, session.terminal().columns, session.style());
        flush_result(world.out());
        return kDone;
    }
    check_complete(command);
    const int exit_code = command.run(session);
    flush_result(world.out());  // a full disk must not look like success
    return exit_code;
}

}  // namespace

int run_pgedgectl(World& world, const std::vector<std::string>& words) {
    GlobalOptions options;
    try {
        const auto root = make_command_tree(options);
        if (!words.empty() && words.front() == "__complete") {  // its words are half typed: they are not ours to parse
            CliCommand& complete = *root->find("__complete");
            complete.parameters().front()->take({words.begin() + 1, words.end()});
            return run_command(world, options, *root, complete);
        }
        guess_output(words, options);
        CliCommand& named = parse(*root, words);
        return run_command(world, options, *root, options.version ? *root->find("version") : named);
    } catch (const std::exception& failure) {
        return tell_failure(world, options, failure);
    }
}

}  // namespace pgedge

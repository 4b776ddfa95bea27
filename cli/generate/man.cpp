#include "cli/generate/man.hpp"

#include <algorithm>

#include "cli/help.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// Of this text, not of the day it was printed: pages are compared by a test.
constexpr const char* kDate = "November 21, 2026";

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

/// Text in which nothing is a request or an escape to roff.
std::string escaped(std::string_view text) {
    std::string out;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
        line_begins = c == '\n';
    }
    return out;
}

/// An argument of a macro: in quotes, so that no word of it is taken for another macro.
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : escaped(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
    return out + "\"";
}

/// New sentences stand on new lines, as mdoc wants it, and lines are short.
std::string sentences(const std::string& text) {
    constexpr std::size_t kLine = 78;
    std::string out, line;
    for (const auto& word : split(text, ' ')) {
        const std::string next = escaped(word);
        if (line.ends_with('.') || line.size() + 1 + next.size() > kLine) {
            out += line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : " ") + next;
    }
    return out + line;
}

std::string paragraphs(const std::string& text) {
    std::string out;
    for (const auto& paragraph : split(text, '\n')) {
        if (paragraph.empty()) continue;
        if (paragraph[0] == ' ')
            out += ".Bd -literal -offset indent\n" + escaped(trimmed(paragraph)) + "\n.Ed\n";
        else
            out += ".Pp\n" + sentences(paragraph) + "\n";
    }
    return out;
}

std::string item(const Parameter& parameter) {
    std::string head = ".It";
    if (parameter.is_argument) {
        head += " Ar " + in_quotes(parameter.type_name) + (parameter.is_repeatable ? " ..." : "");
    } else {
        const auto names = parameter.all_names();
        for (const auto& name : names) {
            // "Fl" prints one dash itself.
            head += (name == names.front() ? " Fl " : " , Fl ") + in_quotes(std::string_view(name).substr(1));
        }
        if (!parameter.is_flag) head += " Ar " + in_quotes(parameter.type_name);
    }
    std::string text = parameter.help;
    if (!parameter.choices.empty()) text += ": " + joined(parameter.choices, ", ");
    text += ".";
    if (parameter.is_repeatable) text += " May be given more than once.";
    return head + "\n" + sentences(text) + "\n";
}

std::string items(const CliCommand& command, bool arguments_too) {
    std::string list;
    for (const auto& parameter : command.parameters())
        if (arguments_too || !parameter->is_argument) list += item(*parameter);
    return list.empty() ? "" : ".Bl -tag -width Ds\n" + list + ".El\n";
}

std::string synopsis(const CliCommand& command) {
    std::string text = ".Nm pgedgectl\n";
    if (command.parent()) {
        const auto words = split(command.full_name(), ' ');
        for (std::size_t i = 1; i < words.size(); ++i) text += ".Cm " + words[i] + "\n";
    }
    if (command.is_group()) return text + ".Ar COMMAND\n.Op Ar options\n";
    for (const auto& parameter : command.parameters()) {
        if (!parameter->is_argument) continue;
        const std::string name = in_quotes(parameter->type_name) + (parameter->is_repeatable ? " ..." : "");
        text += parameter->is_required ? ".Ar " + name + "\n" : ".Op Ar " + name + "\n";
    }
    return text + ".Op Ar options\n";
}

std::string examples(const CliCommand& command) {
    std::string text;
    for (const auto& example : command.examples())
        text += ".Pp\n" +
                escaped(static_cast<char>(std::toupper(static_cast<unsigned char>(example.what[0]))) +
                        example.what.substr(1)) +
                ":\n.Bd -literal -offset indent\n" + escaped(example.line) + "\n.Ed\n";
    // Nothing is set apart before the first of them: the section's heading does that.
    return text.starts_with(".Pp\n") ? text.substr(4) : text;
}

std::string header(const std::string& name, const std::string& summary) {
    std::string small = summary;
    if (small.size() > 1 && std::islower(static_cast<unsigned char>(small[1])))
        small[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(small[0])));
    return std::string(".Dd ") + kDate + "\n.Dt " + upper(name) + " 1\n.Os\n.Sh NAME\n.Nm " + name + "\n.Nd " +
           escaped(small) + "\n";
}

/// A command inside the page of its group.
std::string subsection(const CliCommand& command) {
    std::string text = ".Ss " + command.full_name().substr(std::string("pgedgectl ").size()) + "\n" +
                       synopsis(command) + ".Pp\n" + sentences(command.summary() + ".") + "\n" +
                       paragraphs(command.description()) + items(command, true);
    if (const auto shown = examples(command); !shown.empty()) text += ".Pp\n" + shown;
    return text;
}

std::string page_of(const CliCommand& command) {
    const std::string name = "pgedgectl-" + command.name();
    std::string page = header(name, command.summary()) + ".Sh SYNOPSIS\n" + synopsis(command) + ".Sh DESCRIPTION\n" +
                       sentences(command.summary() + ".") + "\n" + paragraphs(command.description());
    if (const auto list = items(command, true); !list.empty()) page += ".Sh OPTIONS\n" + list;
    if (!command.commands().empty()) page += ".Sh COMMANDS\n";
    for (const auto& child : command.commands())
        if (!child->is_hidden()) page += subsection(*child);
    page += ".Pp\nThe options of every command stand in\n.Xr pgedgectl 1 .\n";
    if (!command.examples().empty()) page += ".Sh EXAMPLES\n" + examples(command);
    return page + ".Sh SEE ALSO\n.Xr pgedgectl 1\n";
}

constexpr const char* kExitStatus = R"(.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Done, or nothing to do.
.It 1
Failed for a reason that has no code of its own.
.It 2
Wrong usage, or a confirmation is needed and nobody can be asked.
.It 3
Timed out, or still running when the waiting ended.
.It 4
Not found.
.It 5
Not authenticated or not allowed.
.It 6
Conflict: an operation is already running, or a saved plan is stale.
.It 7
The spec or the request was refused by validation.
.It 8
The task ran and failed.
.It 9
The task was cancelled.
.It 10
.Cm plan Fl \-exit\-code :
changes are pending.
.It 130 , 143
Interrupted by SIGINT or SIGTERM; the work goes on in the cluster.
.El
)";

constexpr const char* kEnvironment = R"(.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev PGEDGECTL_ENDPOINT
Endpoints, divided by commas or blanks; used when neither
.Fl \-endpoint
nor
.Fl \-context
is given.
.It Ev PGEDGECTL_CONTEXT
The context to use instead of the current one.
.It Ev PGEDGECTL_CONFIG
The configuration file.
.It Ev PGEDGECTL_CA_FILE , PGEDGECTL_CERT_FILE , PGEDGECTL_KEY_FILE
As the options of these names.
.It Ev NO_COLOR , CLICOLOR_FORCE , TERM , CI
No colours; colours always; a terminal that cannot draw;
nobody can be asked and nothing is redrawn.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa $XDG_CONFIG_HOME/pgedgectl/config.yaml
Contexts and which of them is the current one; mode 0600.
Without
.Ev XDG_CONFIG_HOME :
.Pa ~/.config .
.El
)";

}  // namespace

std::map<std::string, std::string> man_pages(const CliCommand& root) {
    std::map<std::string, std::string> pages;
    std::string main = header("pgedgectl", root.summary()) + ".Sh SYNOPSIS\n" + synopsis(root) + ".Sh DESCRIPTION\n" +
                       sentences(root.summary() + ".") + "\n" + paragraphs(root.description()) +
                       ".Sh COMMANDS\n.Bl -tag -width Ds\n";
    std::string others;
    for (const auto& command : root.commands()) {
        if (command->is_hidden()) continue;
        main += ".It Cm " + command->name() + "\n" + sentences(command->summary() + ".") + "\nSee\n.Xr pgedgectl\\-" +
                command->name() + " 1 .\n";
        pages["pgedgectl-" + command->name() + ".1"] = page_of(*command);
    }
    main += ".El\n.Sh OPTIONS\nThey may stand before or after the name of a command.\n" + items(root, false) +
            kEnvironment + kExitStatus + ".Sh EXAMPLES\n" + examples(root) + ".Sh SEE ALSO\n.Xr pgedge\\-agent 8\n";
    pages["pgedgectl.1"] = main;
    return pages;
}

}  // namespace pgedge

#include "cli/session.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "cli/reach/first_alive.hpp"
#include "common/base/text.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

constexpr const char* kDefaultEndpoint = "http://127.0.0.1:3000";

bool wants_colour(World& world, const GlobalOptions& options, bool is_terminal) {
    const auto set = [&](const char* name) { return !world.environment(name).value_or("").empty(); };
    if (options.no_color || set("NO_COLOR")) return false;
    if (const auto force = world.environment("CLICOLOR_FORCE").value_or(""); !force.empty() && force != "0")
        return true;
    return is_terminal && world.environment("TERM").value_or("") != "dumb";
}

void collect(const Json& at, const std::vector<std::string>& tokens, std::size_t next, std::vector<Json>& found) {
    if (next == tokens.size()) {
        found.push_back(at);
        return;
    }
    const std::string& token = tokens[next];
    if (token == "*" && at.is_array())
        for (const Json& element : at) collect(element, tokens, next + 1, found);
    else if (at.is_object() && at.contains(token))
        collect(at[token], tokens, next + 1, found);
    else if (at.is_array() && !token.empty() && token.size() < 10 &&
             std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        if (const auto index = std::stoul(token); index < at.size()) collect(at[index], tokens, next + 1, found);
    }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

}  // namespace

Json part_at(const Json& document, const std::string& pointer) {
    if (pointer.empty()) return document;
    if (pointer[0] != '/')
        throw UsageError("--get takes a JSON pointer, and '" + pointer + "' does not begin with '/'",
                         "e.g. --get /spec/port");
    auto tokens = split(std::string_view(pointer).substr(1), '/');
    for (auto& token : tokens) {  // RFC 6901, section 4: in this order
        replace_all(token, "~1", "/");
        replace_all(token, "~0", "~");
    }
    std::vector<Json> found;
    collect(document, tokens, 0, found);
    const bool many = std::find(tokens.begin(), tokens.end(), "*") != tokens.end();
    if (found.empty() && !many) throw Error(ErrorKind::not_found, "the result has nothing at " + pointer);
    return many ? Json(found) : found.front();
}

void flush_result(std::ostream& out) {
    const bool was_good = out.good();
    const int earlier = errno;  // of the part that was lost before: a stream that is bad does not try again
    errno = 0;
    out.flush();
    const int why = was_good ? errno : earlier;
    if (out.good() || why == EPIPE) return;
    throw Error(ErrorKind::failed,
                "cannot write the result" + (why == 0 ? "" : ": " + std::generic_category().message(why)));
}

class Session::TerminalPrompt final : public Prompt {
public:
    explicit TerminalPrompt(Session& session) : session_(session) {}
    bool may_ask() const override { return session_.may_ask(); }
    std::string ask(const std::string& question) override { return session_.answer_to(question); }
    Secret ask_secret(const std::string& question) override {
        const auto echo_off = session_.world_.turn_off_echo();
        Secret answer(session_.answer_to(question));
        session_.world_.err() << std::endl;  // the user's own was not shown
        return answer;
    }
    void tell(const std::string& detail) override { session_.detail(detail); }

private:
    Session& session_;
};

Session::Session(World& world, const GlobalOptions& options, const CliCommand& root)
    : world_(world),
      options_(options),
      root_(root),
      terminal_(world.terminal()),
      style_(wants_colour(world, options, terminal_.out)),
      message_style_(wants_colour(world, options, terminal_.err)),
      prompt_(std::make_shared<TerminalPrompt>(*this)) {}

std::filesystem::path Session::config_file() const {
    if (const auto own = world_.environment("PGEDGECTL_CONFIG").value_or(""); !own.empty()) return own;
    const auto xdg = world_.environment("XDG_CONFIG_HOME").value_or("");
    const auto home = world_.environment("HOME").value_or("");
    if (xdg.empty() && home.empty())
        throw UsageError("neither XDG_CONFIG_HOME nor HOME is set, so there is no place for contexts",
                         "name the file: PGEDGECTL_CONFIG=FILE");
    return (xdg.empty() ? std::filesystem::path(home) / ".config" : std::filesystem::path(xdg)) / "pgedgectl" /
           "config.yaml";
}

Target Session::target() const {
    if (options_.context && options_.context->empty())
        throw UsageError("--context is empty",
                         "leave it out to use the current context, or see: pgedgectl context list");
    const auto from_environment = world_.environment("PGEDGECTL_CONTEXT");
    const auto endpoints = endpoints_in(world_.environment("PGEDGECTL_ENDPOINT").value_or(""));

    Target target;
    if (options_.context)
        target = load_contexts(config_file()).at(*options_.context);
    else if (!options_.endpoints.empty())
        target.endpoints = options_.endpoints;
    else if (!endpoints.empty())
        target.endpoints = endpoints;
    else if (from_environment && !from_environment->empty())
        target =
            within("following PGEDGECTL_CONTEXT", [&] { return load_contexts(config_file()).at(*from_environment); });
    else if (world_.environment("PGEDGECTL_CONFIG") || world_.environment("XDG_CONFIG_HOME") ||
             world_.environment("HOME")) {
        const Contexts contexts = load_contexts(config_file());
        if (!contexts.current.empty()) target = contexts.at(contexts.current);
    }
    if (!options_.endpoints.empty()) target.endpoints = options_.endpoints;
    if (target.endpoints.empty()) target.endpoints = {kDefaultEndpoint};

    const auto choose = [&](std::string& into, const std::string& option, const char* variable) {
        if (!option.empty())
            into = option;
        else if (into.empty())
            into = world_.environment(variable).value_or("");
    };
    choose(target.ca_file, options_.ca_file, "PGEDGECTL_CA_FILE");
    choose(target.cert_file, options_.cert_file, "PGEDGECTL_CERT_FILE");
    choose(target.key_file, options_.key_file, "PGEDGECTL_KEY_FILE");
    return target;
}

ControlPlaneClient::Limits Session::limits() const {
    ControlPlaneClient::Limits limits;
    if (options_.request_timeout) limits.request = limits.slow_request = *options_.request_timeout;
    return limits;
}

std::unique_ptr<Transport> Session::connect() {
    const Target target = this->target();
    for (const auto& endpoint : target.endpoints) check_endpoint(endpoint, options_.insecure_http);
    detail("endpoints: " + joined(target.endpoints, ", "));
    return way_to(target.endpoints, target);
}

std::unique_ptr<Transport> Session::way_to(const std::vector<std::string>& endpoints, const Target& target) {
    return std::make_unique<FirstAlive>(
        endpoints, [this, target](const std::string& endpoint) { return world_.connect(endpoint, target, prompt_); },
        [this](const std::string& text) { note(text); });
}

ControlPlaneClient& Session::api() {
    if (!api_) {
        transport_ = connect();
        api_ = std::make_unique<ControlPlaneClient>(*transport_, limits());
    }
    return *api_;
}

Session::OtherAgent Session::agent_at(const std::string& endpoint) {
    check_endpoint(endpoint, options_.insecure_http);
    OtherAgent agent;
    agent.transport = way_to({endpoint}, target());
    agent.api = std::make_unique<ControlPlaneClient>(*agent.transport, limits());
    return agent;
}

void Session::show(const Json& result, const std::vector<std::string>& names,
                   const std::function<void(std::ostream&)>& for_people) {
    std::ostream& out = world_.out();
    if (options_.pointer) {
        const Json part = part_at(result, *options_.pointer);
        if (options_.output == "yaml")
            out << to_yaml(OrderedJson(part));
        else if (part.is_string())
            out << clean(part.get<std::string>(), true) << '\n';
        else
            out << part.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    } else if (options_.output == "json") {
        out << result.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    } else if (options_.output == "yaml") {
        out << to_yaml(OrderedJson(result));
    } else if (options_.output == "name") {
        for (const auto& name : names) out << clean(name) << '\n';
    } else {
        for_people(out);
    }
    flush_result(out);
}

bool Session::talks() const {
    const bool for_programs = options_.output == "json" || options_.output == "yaml";
    return !options_.quiet && (!for_programs || terminal_.err);
}
void Session::note(const std::string& text) {
    if (talks()) write_message(clean(text));
}
void Session::warn(const std::string& text) { write_message(message_style_.yellow("warning:") + " " + clean(text)); }
void Session::detail(const std::string& text) {
    if (options_.verbose) write_message(message_style_.dim(clean(text)));
}

void Session::write_message(const std::string& line) {
    if (write_message_)
        write_message_(line);
    else
        world_.err() << line << std::endl;
}

bool Session::may_ask() const {
    return terminal_.in && terminal_.err && !options_.no_input && world_.environment("CI").value_or("").empty();
}

std::string Session::answer_to(const std::string& question) {
    world_.err() << message_style_.bold(clean(question, true)) << ' ' << std::flush;
    std::string answer;
    if (!std::getline(world_.in(), answer)) world_.err() << std::endl;
    return std::string(trimmed(answer));
}

std::shared_ptr<RemoteHost> Session::log_in(const SshAddress& address, const Limit& limit) {
    return world_.log_in(address, *prompt_, limit);
}

bool Session::confirmed(const std::string& question) {
    if (options_.yes) return true;
    if (!may_ask())
        throw UsageError("this needs a confirmation and nobody can be asked", "look at the plan, then add --yes");
    const std::string answer = answer_to(question + " [y/N]");
    return answer == "y" || answer == "Y" || answer == "yes";
}

void Session::confirm_loss_of(const std::string& name) {
    if (std::find(options_.confirm.begin(), options_.confirm.end(), name) != options_.confirm.end()) return;
    const std::string what = "this plan deletes data of database '" + name + "'";
    if (!may_ask()) throw UsageError(what, "if that is meant, add --confirm " + name);
    if (answer_to(what + "; type its name to go on:") != name)
        throw UsageError("nothing was done: the name was not '" + name + "'");
}

}  // namespace pgedge

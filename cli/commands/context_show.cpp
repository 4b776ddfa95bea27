#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

class ContextShow final : public CliCommand {
public:
    ContextShow() : CliCommand("show", "Show which agents commands are sent to, and why") {
        argument("name", name_, "Another context than the one in use").completed_with(Completes::contexts);
        example("pgedgectl context show", "the endpoints that the next command will use");
    }

    int run(Session& session) override {
        const Contexts contexts = load_contexts(session.config_file());
        const Target target = name_.empty() ? session.target() : contexts.at(name_);
        OrderedJson result{{"current", contexts.current}, {"endpoints", target.endpoints}};
        if (!target.ca_file.empty()) result["ca_file"] = target.ca_file;
        if (!target.cert_file.empty()) result["cert_file"] = target.cert_file;
        if (!target.key_file.empty()) result["key_file"] = target.key_file;
        result["file"] = session.config_file().string();
        session.show(Json(result), {name_.empty() ? contexts.current : name_},
                     [&](std::ostream& out) { out << to_yaml(result); });
        return kDone;
    }

private:
    std::string name_;
};

}  // namespace

std::unique_ptr<CliCommand> make_context_show() { return std::make_unique<ContextShow>(); }

}  // namespace pgedge

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class ContextUse final : public CliCommand {
public:
    ContextUse() : CliCommand("use", "Choose the context of the following commands") {
        argument("name", name_, "Name of the context").required().completed_with(Completes::contexts);
        example("pgedgectl context use prod", "until another one is chosen");
    }

    int run(Session& session) override {
        Contexts contexts = load_contexts(session.config_file());
        contexts.at(name_);
        contexts.current = name_;
        save_contexts(session.config_file(), contexts);
        session.show({{"current", name_}}, {name_}, [&](std::ostream& out) { out << "now using " << name_ << '\n'; });
        return kDone;
    }

private:
    std::string name_;
};

}  // namespace

std::unique_ptr<CliCommand> make_context_use() { return std::make_unique<ContextUse>(); }

}  // namespace pgedge

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class ContextRemove final : public CliCommand {
public:
    ContextRemove() : CliCommand("remove", "Forget a context; the cluster is not touched") {
        also_called("rm");
        argument("name", name_, "Name of the context").required().completed_with(Completes::contexts);
        example("pgedgectl context remove staging", "the name is forgotten, nothing else");
    }

    int run(Session& session) override {
        Contexts contexts = load_contexts(session.config_file());
        contexts.at(name_);
        contexts.all.erase(name_);
        if (contexts.current == name_) contexts.current.clear();
        save_contexts(session.config_file(), contexts);
        session.show({{"removed", name_}}, {name_}, [&](std::ostream& out) { out << name_ << " is forgotten\n"; });
        return kDone;
    }

private:
    std::string name_;
};

}  // namespace

std::unique_ptr<CliCommand> make_context_remove() { return std::make_unique<ContextRemove>(); }

}  // namespace pgedge

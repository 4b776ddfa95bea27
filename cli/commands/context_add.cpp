#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class ContextAdd final : public CliCommand {
public:
    ContextAdd() : CliCommand("add", "Name a cluster, or change what a name means") {
        argument("name", name_, "Name of the context").required();
        example(
            "pgedgectl context add prod --endpoint https://host-1:3000 --endpoint https://host-2:3000 --ca-file ca.pem",
            "several endpoints are tried in order");
        describe("Takes --endpoint, --ca-file, --cert-file and --key-file. The first context is used at once.");
    }

    int run(Session& session) override {
        check_context_name(name_);
        const GlobalOptions& options = session.options();
        if (options.endpoints.empty())
            throw UsageError(
                "a context needs at least one --endpoint",
                "e.g. pgedgectl context add " + name_ + " --endpoint https://host-1:3000 --ca-file ca.pem");
        for (const auto& endpoint : options.endpoints) check_endpoint(endpoint, true);
        const auto absolute = [](const std::string& file) {
            return file.empty() ? file : std::filesystem::absolute(file).string();
        };
        Contexts contexts = load_contexts(session.config_file());
        contexts.all[name_] = {options.endpoints, absolute(options.ca_file), absolute(options.cert_file),
                               absolute(options.key_file)};
        if (contexts.all.size() == 1) contexts.current = name_;
        save_contexts(session.config_file(), contexts);
        session.show(
            {{"name", name_}, {"endpoints", options.endpoints}, {"current", contexts.current == name_}}, {name_},
            [&](std::ostream& out) {
                out << "context " << name_
                    << (contexts.current == name_ ? " is in use" : " is there; use it: pgedgectl context use " + name_)
                    << '\n';
            });
        return kDone;
    }

private:
    std::string name_;
};

}  // namespace

std::unique_ptr<CliCommand> make_context_add() { return std::make_unique<ContextAdd>(); }

}  // namespace pgedge

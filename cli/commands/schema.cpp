#include "common/spec/schema.hpp"

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class Schema final : public CliCommand {
public:
    Schema() : CliCommand("schema", "Print the JSON Schema of spec files") {
        example("pgedgectl schema > pgedge-v1.schema.json", "for an editor that checks while you type");
        describe(
            "Draft-07, so that yaml-language-server can use it. The first line of a spec file tells an editor where it "
            "is:\n\n  # yaml-language-server: $schema=./pgedge-v1.schema.json");
    }

    int run(Session& session) override {
        const std::string text = json_schema_text();
        session.show(Json::parse(text), {}, [&](std::ostream& out) { out << text; });
        return kDone;
    }
};

}  // namespace

std::unique_ptr<CliCommand> make_schema() { return std::make_unique<Schema>(); }

}  // namespace pgedge

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "common/spec/schema.hpp"

namespace pgedge {
namespace {

class Explain final : public CliCommand {
public:
    Explain() : CliCommand("explain", "Explain a field of a spec file: meaning, type, bounds") {
        argument("field", fields_, "Path of the field, e.g. spec.nodes.port").completed_with(Completes::spec_fields);
        example("pgedgectl explain", "the fields of a database");
        example("pgedgectl explain spec.nodes.host_ids", "one field: meaning, type, bounds, default");
        describe("Needs no agent: the fields are those that this pgedgectl knows.");
    }

    int run(Session& session) override {
        if (fields_.empty()) fields_ = {"spec"};
        Json result = Json::array();
        for (const auto& field : fields_) result.push_back({{"field", field}, {"text", explain(field)}});
        session.show(result, fields_, [&](std::ostream& out) {
            for (std::size_t i = 0; i < result.size(); ++i)
                out << (i ? "\n" : "") << result[i]["text"].get<std::string>();
        });
        return kDone;
    }

private:
    std::vector<std::string> fields_;
};

}  // namespace

std::unique_ptr<CliCommand> make_explain() { return std::make_unique<Explain>(); }

}  // namespace pgedge

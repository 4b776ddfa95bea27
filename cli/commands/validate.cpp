#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/spec_files.hpp"

namespace pgedge {
namespace {

class Validate final : public CliCommand {
public:
    Validate() : CliCommand("validate", "Check spec files, without any agent") {
        option("-f,--file", "FILE", files_, "A file, a directory or - for standard input")
            .required()
            .completed_with(Completes::files);
        flag("--strict", strict_, "Passwords and keys that stand in the file itself are errors");
        example("pgedgectl validate -f storefront.yaml", "all problems at once, each with file, line and column");
        example("pgedgectl validate -f db/ --strict", "a directory, as a check in CI");
        describe(
            "Everything that can be told without the hosts is checked: unknown and duplicate fields, types, bounds and "
            "the rules between fields. What hosts offer is checked by plan and apply.");
    }

    int run(Session& session) override {
        const auto databases = load_specs(session, files_, {.strict = strict_});
        Json result{{"valid", true}, {"databases", Json::array()}};
        std::vector<std::string> ids;
        for (const auto& database : databases) {
            ids.push_back(id_of(database));  // plan and apply need it
            result["databases"].push_back({{"id", ids.back()}, {"file", database.file}});
        }
        session.show(result, ids, [&](std::ostream& out) {
            for (std::size_t i = 0; i < ids.size(); ++i)
                out << clean(databases[i].file) << ": database " << clean(ids[i]) << " is valid\n";
        });
        return kDone;
    }

private:
    std::vector<std::string> files_;
    bool strict_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_validate() { return std::make_unique<Validate>(); }

}  // namespace pgedge

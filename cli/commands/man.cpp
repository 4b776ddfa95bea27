#include "cli/generate/man.hpp"

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

/// Not for users: the build writes man/ with it, and packages carry the result.
class Man final : public CliCommand {
public:
    Man() : CliCommand("__man", "Write the manual pages into a directory") {
        hide();
        argument("directory", directory_, "Where they go").required().completed_with(Completes::directories);
    }

    int run(Session& session) override {
        make_directory(directory_);
        for (const auto& [name, page] : man_pages(session.root()))
            write_file(std::filesystem::path(directory_) / name, page);
        return kDone;
    }

private:
    std::string directory_;
};

}  // namespace

std::unique_ptr<CliCommand> make_man() { return std::make_unique<Man>(); }

}  // namespace pgedge

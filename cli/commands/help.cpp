#include "cli/help.hpp"

#include "cli/commands/commands.hpp"
#include "cli/parse.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

/// What others call it; "pgedgectl db list --help" tells the same.
class Help final : public CliCommand {
public:
    Help() : CliCommand("help", "Show the whole help of a command") {
        argument("command", words_, "Its words; without any: pgedgectl itself").completed_with(Completes::commands);
        example("pgedgectl help db list", "what it does, with its options and all global ones");
    }

    int run(Session& session) override {
        const CliCommand* about = &session.root();
        for (const auto& word : words_) {
            const CliCommand* next = about->find(word);
            if (!next && about->is_group()) refuse_word(*about, word);
            if (!next) break;  // what follows are its arguments, of a line that was typed as it is
            about = next;
        }
        session.world().out() << help_of(*about, true, session.terminal().columns, session.style());
        return kDone;
    }

private:
    std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<CliCommand> make_help() { return std::make_unique<Help>(); }

}  // namespace pgedge

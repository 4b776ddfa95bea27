#include "cli/commands/commands.hpp"
#include "cli/generate/completion_scripts.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class PrintCompletion final : public CliCommand {
public:
    PrintCompletion() : CliCommand("completion", "Print the completion script of a shell") {
        argument("shell", shell_, "The shell").required().one_of({"bash", "zsh", "fish"});
        example("pgedgectl completion bash > /etc/bash_completion.d/pgedgectl", "for all users of this machine");
        example("source <(pgedgectl completion bash)", "for this shell only");
        example("pgedgectl completion fish > ~/.config/fish/completions/pgedgectl.fish", "for fish");
        describe("The script asks pgedgectl at each key, so it knows databases, hosts and tasks of the cluster.");
    }

    int run(Session& session) override {
        session.world().out() << completion_script(shell_);
        return kDone;
    }

private:
    std::string shell_;
};

}  // namespace

std::unique_ptr<CliCommand> make_completion() { return std::make_unique<PrintCompletion>(); }

}  // namespace pgedge

#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show.hpp"

namespace pgedge {
namespace {

class HostShow final : public CliCommand {
public:
    HostShow() : CliCommand("show", "Show a host and the health of its components") {
        argument("host", host_, "Id of the host").required().completed_with(Completes::hosts);
        example("pgedgectl host show host-1", "addresses, PostgreSQL versions, health");
    }

    int run(Session& session) override {
        const HostAnswer host = named_host(session, host_);
        session.show(host.json, {host.id}, [&](std::ostream& out) { show_host(out, session.style(), host); });
        return kDone;
    }

private:
    std::string host_;
};

}  // namespace

std::unique_ptr<CliCommand> make_host_show() { return std::make_unique<HostShow>(); }

}  // namespace pgedge

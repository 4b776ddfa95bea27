#include "cli/bootstrap/bootstrap.hpp"
#include "cli/commands/commands.hpp"
#include "cli/failure.hpp"
#include "cli/session.hpp"
#include "cli/show.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::minutes kPlanLimit{3}, kWorkLimit{15}, kHealthLimit{2};

class ClusterBootstrap final : public CliCommand {
public:
    ClusterBootstrap() : CliCommand("bootstrap", "Make a cluster of machines that have nothing but sshd") {
        option("-f,--file", "FILE", file_, "A document of kind Cluster").required().completed_with(Completes::files);
        option("--programs", "DIR", programs_,
               "Where pgedge-agent and pgedge-guard for the hosts are (default: beside pgedgectl)")
            .completed_with(Completes::files);
        example("pgedgectl cluster bootstrap -f cluster.yaml", "look at the hosts, show the plan, ask, carry it out");
        example("pgedgectl cluster bootstrap -f cluster.yaml --yes", "without asking, e.g. in a script");
        describe(
            "Logs in on every host over SSH, looks at it and shows what is missing: the agent and its guard, their "
            "configuration, a unit of systemd, the cluster. Then that is done, on all hosts at the same time. It may "
            "be "
            "cut off at any moment and run again; when nothing is missing, nothing is done. The fields of the "
            "document: "
            "pgedgectl explain cluster.spec.hosts.");
    }

    int run(Session& session) override {
        if (file_.empty()) throw UsageError("--file is empty", "is a variable of your script not set?");
        const ClusterDocument cluster = load_cluster(file_);
        const std::filesystem::path beside = std::filesystem::read_symlink("/proc/self/exe").parent_path();
        Bootstrap bootstrap(session, cluster,
                            read_programs(programs_.empty() ? beside : std::filesystem::path(programs_)));
        session.note("looking at " + std::to_string(cluster.hosts.size()) + " hosts");
        const BootstrapPlan plan = bootstrap.plan(Limit(kPlanLimit));
        for (const auto& warning : plan.warnings) session.warn(warning);
        if (!plan.problems.empty())
            throw Error(ErrorKind::conflict, "this cannot be a cluster yet:\n" + joined(plan.problems, "\n"),
                        "correct that and run it again; nothing was changed");
        if (plan.nothing()) return done(session, bootstrap.verify(Limit(kHealthLimit)), "nothing to do");

        for (const auto& host : plan.hosts) {
            session.note(host.spec.id + " (" + bootstrap.endpoint(host.spec) + ")" +
                         (host.nothing() ? ": nothing to do" : ""));
            for (const auto& step : host.steps()) session.note("  " + step);
        }
        if (!session.confirmed("Make these hosts cluster " + cluster.id + "?")) {
            session.note("nothing was done");
            return kDone;
        }
        const auto interrupts = session.world().watch_interrupts();
        bootstrap.carry_out(plan, Limit(kWorkLimit, interrupts->token()));
        const ClusterAnswer made = bootstrap.verify(Limit(kHealthLimit, interrupts->token()));
        const int code = done(session, made, "cluster " + cluster.id + " is ready");
        session.note("use it: pgedgectl context add " + cluster.id + " --endpoint " +
                     bootstrap.endpoint(cluster.hosts.front()));
        return code;
    }

private:
    static int done(Session& session, const ClusterAnswer& cluster, const std::string& text) {
        session.show(cluster.json, {cluster.id}, [&](std::ostream& out) {
            out << clean(text) << '\n';
            show_hosts(out, session.style(), cluster.hosts);
        });
        return kDone;
    }

    std::string file_, programs_;
};

}  // namespace

std::unique_ptr<CliCommand> make_cluster_bootstrap() { return std::make_unique<ClusterBootstrap>(); }

}  // namespace pgedge

#include "cli/bootstrap/bootstrap.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "cli/bootstrap/host_setup.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kLogInLimit = 60s;
constexpr auto kLookAgain = 200ms;
constexpr int kAgentsPort = 2379;
constexpr const char* kAgain = "correct that and run it again: it goes on where it ended";

SshAddress address_of(const ClusterHostSpec& host) {
    return {host.ssh_user, host.address, host.ssh_port.value_or(0), ""};
}

/// Runs `work` for each host, several at a time. Throws one Error for all that failed, each with its host's id.
void on_each_host(const std::vector<ClusterHostSpec>& hosts,
                  const std::function<void(std::size_t index, const ClusterHostSpec& host)>& work) {
    std::mutex mutex;
    std::map<std::string, Error> failures;  // by host
    std::atomic<std::size_t> next{0};
    const auto fail = [&](const ClusterHostSpec& host, const Error& error) {
        const std::lock_guard lock(mutex);
        failures.emplace(host.id, error);
    };
    {
        std::vector<std::jthread> workers;
        for (std::size_t n = 0; n < std::min(hosts.size(), Bootstrap::kAtOnce); ++n)
            workers.emplace_back([&] {
                for (std::size_t i = next++; i < hosts.size(); i = next++) try {
                        work(i, hosts[i]);
                    } catch (const Error& error) {
                        fail(hosts[i], error);
                    } catch (const std::exception& error) {
                        fail(hosts[i], Error(ErrorKind::internal, error.what()));
                    }
            });
    }
    if (failures.empty()) return;
    std::vector<std::string> said, hints;
    for (const auto& [host, error] : failures) {
        said.push_back(host + ": " + error.text());
        if (!error.hint().empty()) hints.push_back((failures.size() > 1 ? host + ": " : "") + error.hint());
    }
    throw Error(failures.begin()->second.kind(), joined(said, "\n"), hints.empty() ? kAgain : joined(hints, "\n"));
}

}  // namespace

std::string Bootstrap::endpoint(const ClusterHostSpec& host) const {
    SshAddress address = address_of(host);
    address.socket = host.data_dir + "/run/agent.sock";
    return to_string(address);
}

std::string Bootstrap::cluster_of(const ClusterHostSpec& host) {
    try {
        return session_.agent_at(endpoint(host)).api->cluster().id;
    } catch (const Error& error) {
        if (error.name() == "cluster_not_initialized") return "";
        throw;
    }
}

BootstrapPlan Bootstrap::plan(const Limit& limit) {
    std::vector<SurveyedHost> surveyed(cluster_.hosts.size());
    on_each_host(cluster_.hosts, [&](std::size_t index, const ClusterHostSpec& host) {
        const auto remote = session_.log_in(address_of(host), limit.no_longer_than(kLogInLimit));
        surveyed[index] = {host, survey(*remote, host, limit), ""};
        const bool can_dial =
            surveyed[index].facts.digests.contains(programs_.agent.path);  // else it is put there first
        if (surveyed[index].facts.agent_runs && can_dial) surveyed[index].cluster_id = cluster_of(host);
    });
    return plan_bootstrap(cluster_, surveyed, programs_);
}

void Bootstrap::carry_out(const BootstrapPlan& plan, const Limit& limit) {
    on_each_host(cluster_.hosts, [&](std::size_t index, const ClusterHostSpec& host) {
        const auto remote = session_.log_in(address_of(host), limit.no_longer_than(kLogInLimit));
        set_up(*remote, plan.hosts.at(index), limit);
    });
    init_and_join(plan);
}

/// What an agent says now is what counts: one that did not run when the plan was made may have been a member all along.
void Bootstrap::init_and_join(const BootstrapPlan& plan) {
    std::vector<std::string> belongs(cluster_.hosts.size());
    on_each_host(cluster_.hosts,
                 [&](std::size_t index, const ClusterHostSpec& host) { belongs[index] = cluster_of(host); });
    std::vector<std::string> member_urls;
    const ClusterHostSpec* member = nullptr;
    for (std::size_t i = 0; i < cluster_.hosts.size(); ++i) {
        if (belongs[i].empty()) continue;
        if (belongs[i] != plan.cluster_id)
            throw Error(ErrorKind::conflict, cluster_.hosts[i].id + " belongs to cluster " + belongs[i] + " already");
        member_urls.push_back("https://" + host_and_port(cluster_.hosts[i].peer_address, kAgentsPort));
        if (!member) member = &cluster_.hosts[i];
    }
    for (std::size_t i = 0; i < cluster_.hosts.size(); ++i) {
        const ClusterHostSpec& host = cluster_.hosts[i];
        if (!belongs[i].empty()) continue;
        if (!member) {
            session_.note(host.id + ": begins cluster " + plan.cluster_id);
            within("beginning the cluster on " + host.id,
                   [&] { session_.agent_at(endpoint(host)).api->init_cluster(plan.cluster_id); });
            member = &host;
        } else {
            session_.note(host.id + ": joins");
            within("joining " + host.id, [&] {
                JoinTokenAnswer token = session_.agent_at(endpoint(*member)).api->join_token();
                token.server_urls = member_urls;  // the API is on loopback; agents find each other at this port
                session_.agent_at(endpoint(host)).api->join_cluster(token);
            });
        }
        member_urls.push_back("https://" + host_and_port(host.peer_address, kAgentsPort));
    }
}

ClusterAnswer Bootstrap::verify(const Limit& limit) {
    const auto agent = session_.agent_at(endpoint(cluster_.hosts.front()));
    std::vector<std::string> missing;
    do {
        ClusterAnswer cluster = agent.api->cluster();
        missing.clear();
        for (const auto& host : cluster_.hosts) {
            const auto at = std::find_if(cluster.hosts.begin(), cluster.hosts.end(),
                                         [&](const HostAnswer& known) { return known.id == host.id; });
            if (at == cluster.hosts.end())
                missing.push_back(host.id + " is not in the cluster");
            else if (at->state != "healthy")
                missing.push_back(host.id + " is " + at->state);
        }
        if (missing.empty()) return cluster;
    } while (limit.pause(kLookAgain));
    if (limit.stop().stop_requested()) limit.check("waiting for the hosts");
    throw Error(ErrorKind::timed_out, "the cluster stands, and not all hosts are healthy: " + joined(missing, ", "),
                "see: pgedgectl host list");
}

}  // namespace pgedge

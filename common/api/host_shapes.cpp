#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

using namespace schema;

const Shape<ComponentHealth, NoValue>& component_shape() {
    static const auto shape = Shape<ComponentHealth, NoValue>("ComponentStatus", "component")
                                  .must("healthy", boolean(), &ComponentHealth::healthy)
                                  .may("error", text(), always(&ComponentHealth::error))
                                  .may("details", any_object(), &ComponentHealth::details);
    return shape;
}

const Shape<ShownHost, HostAnswer>& status_shape() {
    static const auto shape =
        Shape<ShownHost, HostAnswer>("HostStatus", "status")
            .part(component_shape())
            .must("state", one_of({"healthy", "unreachable", "degraded", "unknown"}), &Host::state, &HostAnswer::state)
            .must("updated_at", time_text("The last heartbeat"), &Host::updated_at, &HostAnswer::updated_at)
            .must(
                "components", map_of(ref(component_shape().name())),
                [](const ShownHost& shown) {
                    OrderedJson components = OrderedJson::object();
                    for (const auto& [name, health] : shown.host.components)
                        components[name] = component_shape().write(health);
                    return components;
                },
                &HostAnswer::components);
    return shape;
}

const Shape<ShownHost, HostAnswer>& cohort_shape() {
    static const auto shape = Shape<ShownHost, HostAnswer>("HostCohort", "cohort")
                                  .must("type", text(), [](const ShownHost&) { return std::string("swarm"); })
                                  .may("cohort_id", text("The cluster's id"),
                                       [](const ShownHost& shown) { return std::optional(shown.cluster_id); })
                                  .must("member_id", text(), &Host::id)
                                  .must("control_available", boolean("Votes in the replicated store"), &Host::voter);
    return shape;
}

const Shape<PostgresVersion, HostAnswer>& pgedge_version_shape() {
    static const auto shape = Shape<PostgresVersion, HostAnswer>("PgEdgeVersion", "version")
                                  .must("postgres_version", text(), &PostgresVersion::postgres)
                                  .must("spock_version", text("Major version of the replication extension"),
                                        [](const PostgresVersion& version) {
                                            return version.extension.substr(0, version.extension.find('.'));
                                        })
                                  .may("dialect", one_of({"spock", "pglogical"}, "The replication extension"),
                                       always(&PostgresVersion::dialect))
                                  .may("extension_version", text(), always(&PostgresVersion::extension));
    return shape;
}

const Shape<PostgresInstallation, PostgresInstallation>& installation_shape() {
    static const auto shape =
        Shape<PostgresInstallation, PostgresInstallation>("PostgresInstallation", "installation")
            .must("postgres_version", text(), &PostgresInstallation::postgres, &PostgresInstallation::postgres)
            .must("bin_dir", text("Where its programs are"), &PostgresInstallation::bin_dir,
                  &PostgresInstallation::bin_dir)
            .must("extensions", map_of(text()), &PostgresInstallation::extensions, &PostgresInstallation::extensions);
    return shape;
}

const Shape<ShownCluster, ClusterAnswer>& cluster_status_shape() {
    static const auto shape =
        Shape<ShownCluster, ClusterAnswer>("ClusterStatus", "status")
            .must(
                "state", one_of({"available", "error"}), [](const ShownCluster&) { return std::string("available"); },
                &ClusterAnswer::state);
    return shape;
}

void read_versions(const AnswerFields& fields, HostAnswer& answer) {
    for (const Json& version : fields.array("supported_pgedge_versions"))
        answer.postgres_versions.push_back(AnswerFields(version, "version").text("postgres_version"));
}

Shape<ShownHost, HostAnswer> make_host_shape() {
    Shape<ShownHost, HostAnswer> shape("Host", "host");
    shape.must("id", identifier_text(), &Host::id, needed(&HostAnswer::id))
        .must(
            "orchestrator", text("In the control plane's words; see runtime"),
            [](const ShownHost&) { return std::string("swarm"); },
            [](const AnswerFields& fields, HostAnswer& answer) { answer.runtime = fields.text("orchestrator"); })
        .may("runtime", text("How instances run: process"), always(&Host::runtime),
             [](const AnswerFields& fields, HostAnswer& answer) {
                 if (const auto runtime = fields.text("runtime"); !runtime.empty()) answer.runtime = runtime;
             })
        .must("data_dir", text(), &Host::data_dir, &HostAnswer::data_dir)
        .may("hostname", text(), always(&Host::id))
        .may("ipv4_address", text(), [](const ShownHost& shown) { return first_ipv4(shown.host.peer_addresses); })
        .must("peer_addresses", list_of(text()), &Host::peer_addresses)
        .must("client_addresses", list_of(text()), &Host::client_addresses, &HostAnswer::addresses)
        .may("cpus", integer(), &Host::cpus, &HostAnswer::cpus)
        .may(
            "memory", text("Exact, e.g. 7864320KiB"),
            [](const ShownHost& shown) { return to_size_text(shown.host.memory_bytes); }, &HostAnswer::memory)
        .object(false, "cohort", cohort_shape(), std::identity())
        .may(
            "etcd_mode", one_of({"server", "client"}, "Part in the replicated store"),
            [](const ShownHost& shown) { return std::string(shown.host.voter ? "server" : "client"); },
            [](const AnswerFields& fields, HostAnswer& answer) { answer.voter = fields.text("etcd_mode") == "server"; })
        .may("agent_version", text(), &Host::agent_version)
        .may("level", integer("The newest data that its program can read"), &Host::level, &HostAnswer::level)
        .object(
            false, "default_pgedge_version", pgedge_version_shape(),
            [](const ShownHost& shown) { return shown.host.versions.empty() ? nullptr : &shown.host.versions.front(); })
        .list(false, "supported_pgedge_versions", pgedge_version_shape(), &Host::versions, read_versions)
        .list(false, "postgres_installations", installation_shape(), &Host::installations, &HostAnswer::installations)
        .object(true, "status", status_shape(), std::identity());
    return shape;
}

}  // namespace

const Shape<ShownHost, HostAnswer>& host_shape() {
    static const auto shape = make_host_shape();
    return shape;
}

const Shape<ShownCluster, ClusterAnswer>& cluster_shape() {
    static const auto shape =
        Shape<ShownCluster, ClusterAnswer>("Cluster", "cluster")
            .must("id", identifier_text(), &ShownCluster::id, needed(&ClusterAnswer::id))
            .object(true, "status", cluster_status_shape(), std::identity())
            .may("level", integer("Of the cluster's data: what all hosts' programs can read"), &ShownCluster::level,
                 &ClusterAnswer::level)
            .list(
                true, "hosts", host_shape(), [](const ShownCluster& shown) { return shown.shown_hosts(); },
                &ClusterAnswer::hosts);
    return shape;
}

std::vector<ShownHost> ShownCluster::shown_hosts() const {
    std::vector<ShownHost> all;
    for (const auto& host : hosts) all.push_back({host, id});
    return all;
}

const Shape<JoinTokenAnswer, JoinTokenAnswer>& join_token_shape() {
    static const auto shape =
        Shape<JoinTokenAnswer, JoinTokenAnswer>("ClusterJoinToken", "join token")
            .must("token", text(), &JoinTokenAnswer::token, needed(&JoinTokenAnswer::token))
            .must("server_urls", list_of(text()), &JoinTokenAnswer::server_urls, &JoinTokenAnswer::server_urls)
            .may(
                "server_url", text(),  // the API's first generation knew one
                [](const JoinTokenAnswer& answer) {
                    return answer.server_urls.empty() ? std::string() : answer.server_urls.front();
                },
                [](const AnswerFields& fields, JoinTokenAnswer& answer) {
                    const auto url = fields.text("server_url");
                    if (answer.server_urls.empty() && !url.empty()) answer.server_urls.push_back(url);
                });
    return shape;
}

const Shape<BuildInfo, NoValue>& version_shape() {
    static const auto shape = Shape<BuildInfo, NoValue>("VersionInfo", "version")
                                  .must("version", text(), &BuildInfo::version)
                                  .must("revision", text(), &BuildInfo::revision)
                                  .must("revision_time", time_text(), &BuildInfo::revision_time)
                                  .must("arch", text(), &BuildInfo::arch);
    return shape;
}

}  // namespace pgedge

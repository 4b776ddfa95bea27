#include "common/spec/fields.hpp"
#include "common/spec/places.hpp"

namespace pgedge {
namespace {

const Type& volume_type() {
    static const Type type{"ExtraVolume",
                           "A directory of the host inside the container.",
                           {{.name = "host_path",
                             .place = at<ExtraVolumeSpec, &ExtraVolumeSpec::host_path>,
                             .required = true,
                             .length = {{}, 256},
                             .doc = "Directory on the host. It has to exist.",
                             .example = R"("/mnt/backups")"},
                            {.name = "destination_path",
                             .place = at<ExtraVolumeSpec, &ExtraVolumeSpec::destination_path>,
                             .required = true,
                             .length = {{}, 256},
                             .doc = "Where it is seen in the container.",
                             .example = R"("/backups")"}}};
    return type;
}

const Type& network_type() {
    using N = ExtraNetworkSpec;
    static const Type type{
        "ExtraNetwork",
        "A further network of the container.",
        {{.name = "id",
          .place = at<N, &N::id>,
          .required = true,
          .doc = "Name or id of the network. It has to exist.",
          .example = R"("storage")"},
         {.name = "aliases",
          .kind = Kind::texts,
          .place = at<N, &N::aliases>,
          .count = {{}, 8},
          .doc = "Further names of the container in this network.",
          .example = R"(["pg"])"},
         {.name = "driver_opts",
          .kind = Kind::settings,
          .place = at<N, &N::driver_opts>,
          .doc = "Options of the network's driver.",
          .example = R"({"com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"})"}}};
    return type;
}

const Type& swarm_type() {
    using S = SwarmOptsSpec;
    static const Type type{"SwarmOpts",
                           "Options of containers.",
                           {{.name = "extra_volumes",
                             .kind = Kind::objects,
                             .place = many<S, &S::extra_volumes>,
                             .count = {{}, 16},
                             .type = &volume_type(),
                             .doc = "Directories of the host inside the container.",
                             .example = R"([{"host_path": "/mnt/backups", "destination_path": "/backups"}])"},
                            {.name = "extra_networks",
                             .kind = Kind::objects,
                             .place = many<S, &S::extra_networks>,
                             .count = {{}, 8},
                             .type = &network_type(),
                             .doc = "Further networks of the container.",
                             .example = R"([{"id": "storage"}])"},
                            {.name = "extra_labels",
                             .kind = Kind::settings,
                             .place = at<S, &S::extra_labels>,
                             .doc = "Labels of the container. Names that begin with pgedge. are the platform's own.",
                             .example = R"({"team": "shop"})"},
                            {.name = "image",
                             .place = at<S, &S::image>,
                             .standard = "that of the version in the manifest",
                             .doc = "Image of the container.",
                             .example = R"("registry.example.com/postgres:17.10-spock5-standard-1")"}}};
    return type;
}

const Type& connection_type() {
    static const Type type{"DatabaseConnection",
                           "Which instances a service connects to.",
                           {{.name = "target_nodes",
                             .kind = Kind::texts,
                             .place = at<ServiceSpec, &ServiceSpec::target_nodes>,
                             .count = {1, {}},
                             .standard = "all nodes, the local one first",
                             .doc = "Nodes in the order in which they are tried.",
                             .example = R"(["n1", "n2"])"},
                            {.name = "target_session_attrs",
                             .place = at<ServiceSpec, &ServiceSpec::target_session_attrs>,
                             .words = {"primary", "prefer-standby", "standby", "read-write", "any"},
                             .standard = "what fits the type of the service",
                             .doc = "What an instance has to be, as in libpq.",
                             .example = R"("primary")"}}};
    return type;
}

}  // namespace

const Type& orchestrator_opts_type() {
    static const Type type{"OrchestratorOpts",
                           "Options of the runtime.",
                           {{.name = "swarm",
                             .kind = Kind::object,
                             .place = same,
                             .type = &swarm_type(),
                             .doc = "Options of containers."}}};
    return type;
}

const Type& service_type() {
    using S = ServiceSpec;
    static const Type type{
        "Service",
        "A side container on each of its hosts.",
        {{.name = "service_id",
          .place = at<S, &S::service_id>,
          .required = true,
          .length = {1, 36},
          .pattern = &kIdentifier,
          .doc = "Identifier of the service. With the database's id it may have 53 characters.",
          .example = R"("api")"},
         {.name = "service_type",
          .place = at<S, &S::service_type>,
          .required = true,
          .words = service_types(),
          .doc = "What it does: mcp for language models, postgrest for a REST API, rag for retrieval.",
          .example = R"("postgrest")"},
         {.name = "version",
          .place = at<S, &S::version>,
          .required = true,
          .pattern = &kServiceVersion,
          .doc = "Version of the service, or latest.",
          .example = R"("14.5")"},
         {.name = "host_ids",
          .kind = Kind::texts,
          .place = at<S, &S::host_ids>,
          .required = true,
          .length = {1, 36},
          .count = {1, {}},
          .pattern = &kIdentifier,
          .doc = "Hosts that run it, one container each.",
          .example = R"(["host-1"])"},
         {.name = "connect_as",
          .place = at<S, &S::connect_as>,
          .required = true,
          .doc = "User of database_users that the service connects as.",
          .example = R"("admin")"},
         {.name = "port",
          .kind = Kind::integer,
          .place = at<S, &S::port>,
          .range = {0, 65535},
          .standard = "not published",
          .doc = "Port of the service on its hosts; 0 picks a free one.",
          .example = "8080"},
         {.name = "config",
          .kind = Kind::config,
          .place = at<S, &S::config>,
          .doc = "Settings of the service, by its type."},
         {.name = "cpus",
          .place = at<S, &S::cpus>,
          .pattern = &kCpus,
          .standard = "no limit",
          .doc = "CPUs that one container may use.",
          .example = R"("0.5")"},
         {.name = "memory",
          .place = at<S, &S::memory>,
          .length = {{}, 16},
          .standard = "no limit",
          .doc = "Memory that one container may use.",
          .example = R"("512MiB")"},
         {.name = "orchestrator_opts",
          .kind = Kind::object,
          .place = maybe<S, &S::orchestrator_opts>,
          .type = &orchestrator_opts_type(),
          .doc = "Options of the containers; volumes are refused."},
         {.name = "database_connection",
          .kind = Kind::object,
          .place = same,
          .type = &connection_type(),
          .doc = "Which instances the service connects to."}},
        [](const void* service) { return "services/" + static_cast<const S*>(service)->service_id; }};
    return type;
}

}  // namespace pgedge

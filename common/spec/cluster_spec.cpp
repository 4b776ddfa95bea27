#include "common/spec/cluster_spec.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/spec/load.hpp"
#include "common/spec/places.hpp"
#include "common/spec/read.hpp"

namespace pgedge {
namespace {

/// Words that reach a login shell and a configuration file: nothing that either could read as more than a word.
bool is_plain_word(const std::string& text, std::string_view others) {
    return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
        return std::isalnum(c) || others.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

/// Rules between fields, and addresses that are left out.
void complete(ClusterDocument& cluster, std::vector<Problem>& problems) {
    std::map<std::string, std::string> taken;
    const auto only = [&](const std::string& path, const std::string& value) {
        const auto [first, fresh] = taken.emplace(value, path);
        if (!fresh && !value.empty())
            add_problem(problems, {.path = path, .text = fmt::format("{} has \"{}\" already", first->second, value)});
    };
    for (std::size_t i = 0; i < cluster.hosts.size(); ++i) {
        ClusterHostSpec& host = cluster.hosts[i];
        const std::string path = fmt::format("spec.hosts[{}]", i);
        if (host.peer_address.empty() && is_ip_address(host.address)) host.peer_address = host.address;
        if (host.peer_address.empty())
            add_problem(problems, {.path = path + ".address",
                                   .text = "is a name, so that the address for the other hosts is not known",
                                   .hint = "add peer_address: the host's IP address"});
        else if (!is_ip_address(host.peer_address))
            add_problem(problems, {.path = path + ".peer_address", .text = "must be an IP address"});
        if (host.client_address.empty()) host.client_address = host.peer_address;
        if (!host.client_address.empty() && !is_ip_address(host.client_address))
            add_problem(problems, {.path = path + ".client_address", .text = "must be an IP address"});
        if (!host.address.empty() && (host.address[0] == '-' || !is_plain_word(host.address, "._-:%")))
            add_problem(problems, {.path = path + ".address", .text = "must be a host name or an address"});
        if (!host.ssh_user.empty() && (host.ssh_user[0] == '-' || !is_plain_word(host.ssh_user, "._-+@\\")))
            add_problem(problems, {.path = path + ".ssh_user", .text = "must be a user name"});
        if (!host.data_dir.starts_with('/') || host.data_dir == "/" || !is_plain_word(host.data_dir, "/._-"))
            add_problem(problems, {.path = path + ".data_dir",
                                   .text = "must be an absolute path of letters, digits and / . _ -"});
        only(path + ".id", host.id);
        only(path + ".peer_address", host.peer_address);
    }
}

}  // namespace

const Type& cluster_host_type() {
    static const Type type{"ClusterHost",
                           "A machine with sshd that becomes a host of the cluster.",
                           {{.name = "id",
                             .place = at<ClusterHostSpec, &ClusterHostSpec::id>,
                             .required = true,
                             .pattern = &kIdentifier,
                             .doc = "Name of the host in its cluster, for life.",
                             .example = R"("host-1")"},
                            {.name = "address",
                             .place = at<ClusterHostSpec, &ClusterHostSpec::address>,
                             .required = true,
                             .length = {1, 253},
                             .doc = "Where its sshd is: an address, a name, or a Host of ssh_config.",
                             .example = R"("10.0.0.1")"},
                            {.name = "ssh_user",
                             .place = at<ClusterHostSpec, &ClusterHostSpec::ssh_user>,
                             .length = {1, 64},
                             .standard = "as ssh_config says, else your own name",
                             .doc = "Who logs in: root, or a user who may use sudo without a password.",
                             .example = R"("root")"},
                            {.name = "ssh_port",
                             .kind = Kind::integer,
                             .place = at<ClusterHostSpec, &ClusterHostSpec::ssh_port>,
                             .range = {1, 65535},
                             .standard = "as ssh_config says, else 22",
                             .doc = "Port of its sshd.",
                             .example = "22"},
                            {.name = "data_dir",
                             .place = at<ClusterHostSpec, &ClusterHostSpec::data_dir>,
                             .length = {2, 80},
                             .standard = "/var/lib/pgedge",
                             .doc = "Where the agent and the databases of this host live.",
                             .example = R"("/var/lib/pgedge")"},
                            {.name = "peer_address",
                             .place = at<ClusterHostSpec, &ClusterHostSpec::peer_address>,
                             .standard = "address, when that is an IP address",
                             .doc = "IP address that the other hosts reach this one at.",
                             .example = R"("10.0.0.1")"},
                            {.name = "client_address",
                             .place = at<ClusterHostSpec, &ClusterHostSpec::client_address>,
                             .standard = "peer_address",
                             .doc = "IP address that clients of its databases reach this host at.",
                             .example = R"("10.0.0.1")"}}};
    return type;
}

const Type& cluster_spec_type() {
    static const Type type{
        "Cluster",
        "Machines that form a cluster.",
        {{.name = "hosts",
          .kind = Kind::objects,
          .place = many<ClusterDocument, &ClusterDocument::hosts>,
          .required = true,
          .count = {1, 32},
          .type = &cluster_host_type(),
          .doc = "The hosts. The first one begins the cluster when none of them belongs to it, the others join.",
          .example = R"([{"id": "host-1", "address": "10.0.0.1"}])"}}};
    return type;
}

const Type& cluster_file_type() {
    static const Type type{"ClusterFile",
                           "A document of kind Cluster.",
                           {{.name = "apiVersion",
                             .place = at<ClusterDocument, &ClusterDocument::api_version>,
                             .words = {"pgedge/v1"},
                             .standard = "pgedge/v1",
                             .doc = "Version of the form of the file.",
                             .example = R"("pgedge/v1")"},
                            {.name = "kind",
                             .place = at<ClusterDocument, &ClusterDocument::kind>,
                             .required = true,
                             .words = {"Cluster"},
                             .doc = "What the document describes.",
                             .example = R"("Cluster")"},
                            {.name = "id",
                             .place = at<ClusterDocument, &ClusterDocument::id>,
                             .required = true,
                             .pattern = &kIdentifier,
                             .doc = "Id of the cluster.",
                             .example = R"("prod")"},
                            {.name = "labels",
                             .kind = Kind::settings,
                             .place = at<ClusterDocument, &ClusterDocument::labels>,
                             .count = {{}, 64},
                             .doc = "Words of your own, for finding things again.",
                             .example = R"({"team": "shop"})"},
                            {.name = "spec",
                             .kind = Kind::object,
                             .place = same,
                             .required = true,
                             .type = &cluster_spec_type(),
                             .doc = "The wanted cluster."}}};
    return type;
}

ClusterDocument load_cluster_text(std::string_view text, const std::string& file) {
    Documents documents = file.ends_with(".json") ? parse_json_document(text) : parse_yaml(text);
    std::vector<Problem> problems = std::move(documents.problems);
    ClusterDocument cluster;
    Places places;
    if (problems.empty() && documents.roots.size() != 1) {
        add_problem(problems,
                    {.text = fmt::format("holds {} documents; one of kind Cluster is wanted", documents.roots.size())});
    } else if (problems.empty()) {
        places = places_of(documents.roots[0]);
        Reader reader(Origin::file);
        reader.read(documents.roots[0], cluster_file_type(), &cluster);
        problems = std::move(reader.problems);
        if (problems.empty()) complete(cluster, problems);
    }
    place_in(problems, file, places);
    throw_if_any(std::move(problems));
    return cluster;
}

ClusterDocument load_cluster(const std::filesystem::path& file) {
    return load_cluster_text(read_file(file, kMaxSpecFile), file.string());
}

}  // namespace pgedge

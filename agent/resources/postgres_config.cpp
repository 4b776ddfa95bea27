#include "agent/resources/postgres_config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/resources/data_directory.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "agent/runtime/server_parameters.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"

namespace pgedge {
namespace {

std::filesystem::path hba_file(const InstancePaths& paths) { return paths.configs() / "pg_hba.conf"; }
std::filesystem::path ident_file(const InstancePaths& paths) { return paths.configs() / "pg_ident.conf"; }

std::vector<std::string> system_users(const InstanceUser& user) {
    std::vector<std::string> names{user.name};
    if (user.other && ::geteuid() == 0) names.emplace_back("root");
    return names;
}

std::vector<std::string> lines_of(const Json& want, const char* name) {
    return want.at(name).get<std::vector<std::string>>();
}

/// Servers made by an earlier version have certificates that name the user alone. While a database goes over to its
/// own, both are taken (common/orchestrate/certificate_states.hpp).
std::vector<CertificateLogin> certificate_logins(const Json& want) {
    const std::string database_id = want.value("database_id", "");
    std::vector<CertificateLogin> logins;
    for (const auto user : {kSuperuser, kReplicator}) {
        if (!database_id.empty()) logins.push_back({certificate_name(user, database_id), std::string(user)});
        if (database_id.empty() || want.value("shared_certificates", false))
            logins.push_back({std::string(user), std::string(user)});
    }
    return logins;
}

}  // namespace

PostgresConfig::Texts PostgresConfig::texts(const Resource& resource, const Limit& limit) const {
    const Json& want = resource.want;
    const InstancePaths paths(data_dir_, want.at("instance_id"));
    const CertificateFiles certificates(paths);
    auto settings = want.at("settings").get<std::map<std::string, std::string>>();
    // The plan says where it listens: clients may come by other addresses than the other instances.
    settings.try_emplace("listen_addresses", want.at("address").get<std::string>());
    settings["port"] = std::to_string(want.at("port").get<int>());
    settings["unix_socket_directories"] = paths.sockets();
    settings["hba_file"] = hba_file(paths);
    settings["ident_file"] = ident_file(paths);
    settings["ssl"] = "on";
    settings["ssl_ca_file"] = certificates.authority;
    settings["ssl_cert_file"] = certificates.server;
    settings["ssl_key_file"] = certificates.server_key;
    // Since 15.19, 16.15, 17.11 and 18.6 a server loads only the output plugins that this parameter names
    // (CVE-2026-6471).
    if (server_knows_parameter(want.at("bin_dir"), "output_plugin_libraries", user_, limit))
        settings.try_emplace("output_plugin_libraries",
                             fmt::format("pgoutput, test_decoding, {}_output", want.at("dialect").get<std::string>()));
    if (const auto& primary = want.at("primary"); !primary.is_null()) {
        settings["primary_conninfo"] = replication_dsn(paths, primary);
        settings["primary_slot_name"] = primary.at("slot");
    }
    return {{paths.config_file(), postgresql_conf(settings)},
            {hba_file(paths), pg_hba_conf({.peers = lines_of(want, "peers"),
                                           .user_lines = lines_of(want, "hba"),
                                           .published = want.at("published")})},
            {ident_file(paths), pg_ident_conf(system_users(user_), certificate_logins(want), lines_of(want, "ident"))}};
}

void PostgresConfig::write(const Texts& texts) const {
    for (const auto& [path, text] : texts) user_.write_file(path, text, 0600);
}

Observed PostgresConfig::observe(const Resource& resource, StepContext& context) {
    for (const auto& [path, text] : texts(resource, context.limit)) {
        const auto there = read_foreign_file(path);
        if (!there) return Observed::missing;
        if (*there != text) return Observed::differs;
    }
    return Observed::as_known;
}

void PostgresConfig::apply(const Resource& resource, StepContext& context) {
    const Texts wanted = texts(resource, context.limit);
    const std::string instance_id = resource.want.at("instance_id");
    const bool running = runtime_.state(instance_id) == ServerState::running;
    Texts before;
    for (const auto& [path, text] : wanted)
        if (auto there = read_foreign_file(path)) before[path] = std::move(*there);
    if (before != wanted) {
        if (running) check(resource, wanted, context.limit);
        write(wanted);
    }
    if (!running) return;
    // Also when nothing differs: an earlier try may have written the files and died before it told the server.
    try {
        reload(instance_id, context.limit);
    } catch (const Error& error) {
        // A running server keeps its old rules; the files must say the same, or its next start fails.
        if (error.kind() == ErrorKind::invalid_input) write(before);
        throw;
    }
}

/// Lets a second postgres read the parameters, so that the running one never sees what it would refuse.
void PostgresConfig::check(const Resource& resource, const Texts& texts, const Limit& limit) const {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    const auto draft = paths.configs() / "postgresql.conf.check";
    user_.write_file(draft, texts.at(paths.config_file()), 0600);
    Command postgres;
    postgres.argv = {resource.want.at("bin_dir").get<std::string>() + "/postgres",
                     "-D",
                     paths.data(),
                     "--config_file=" + draft.string(),
                     "-C",
                     "port"};
    user_.become(postgres);
    const auto result = run(postgres, limit);
    std::filesystem::remove(draft);
    if (result.exit_code != 0)
        throw Error(ErrorKind::invalid_input, "PostgreSQL refuses its configuration: " + result.output,
                    "correct postgresql_conf of the spec");
}

void PostgresConfig::reload(const std::string& instance_id, const Limit& limit) const {
    auto session = connect_locally(runtime_, instance_id, "postgres", limit);
    const auto mistakes = session.run(
        "SELECT string_agg(format('pg_hba.conf line %s: %s', line_number, error), E'\\n') FROM pg_hba_file_rules"
        " WHERE error IS NOT NULL",
        limit);
    if (const auto text = mistakes.value())
        throw Error(ErrorKind::invalid_input, "PostgreSQL refuses its access rules: " + *text,
                    "correct pg_hba_conf of the spec");
    session.run("SELECT pg_reload_conf()", limit);
}

void PostgresConfig::remove(const Resource&, StepContext&) {}  // goes with its directory

}  // namespace pgedge

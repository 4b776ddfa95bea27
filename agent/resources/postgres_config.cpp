#include "agent/resources/postgres_config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/resources/base_copy.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/resources/pgbackrest.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "agent/runtime/server_parameters.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kReloadWait{5'000};  ///< for a server to take its new files
constexpr std::chrono::milliseconds kReloadPoll{20};

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
    if (want.contains("archive")) settings["archive_command"] = archive_command(paths);
    // Since 15.19, 16.15, 17.11 and 18.6 a server loads only the output plugins that this parameter names
    // (CVE-2026-6471).
    if (server_knows_parameter(runtime_, want.at("bin_dir"), "output_plugin_libraries", limit))
        settings.try_emplace("output_plugin_libraries",
                             fmt::format("pgoutput, test_decoding, {}_output", want.at("dialect").get<std::string>()));
    // The same whether it is primary or standby now, and whichever of the others is primary: libpq finds it.
    if (const auto& siblings = want.at("siblings"); !siblings.empty()) {
        settings["primary_conninfo"] = primary_conninfo(paths, siblings, want.at("slot"));
        settings["primary_slot_name"] = want.at("slot");
    }
    return {{paths.config_file(), postgresql_conf(settings)},
            {hba_file(paths), pg_hba_conf({.peers = lines_of(want, "peers"),
                                           .user_lines = lines_of(want, "hba"),
                                           .published = want.at("published"),
                                           .failover_slots = want.at("dialect") == "spock",
                                           .closed = want.value("closed", false)})},
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
    const LastGoodConfiguration last_good({data_dir_, instance_id}, user_);
    last_good.forget_refused();
    if (runtime_.state(instance_id) != ServerState::running) return write(wanted);

    const ServerSpec server = server_of(runtime_, instance_id);
    // First of all: a server that shuts us out changes its files (connect_locally()).
    auto session = session_of(resource, wanted, last_good, context);
    const auto before = last_good.present(server);
    if (before.files != wanted) {
        if (!last_good.load() && !waiting_for_restart(session, context.limit)) last_good.save(before);
        check(resource, wanted, context.limit);
        write(wanted);
    }
    // Also when nothing differs: an earlier try may have written the files and died before it told the server.
    try {
        reload(session, instance_id, context.limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::invalid_input) throw;
        // A running server keeps its old rules; the files must say the same, or its next start fails. What an earlier
        // try left is no better than what is wanted.
        const auto good = before.files == wanted ? last_good.load() : before;
        if (good) write(good->files);
        session.run("SELECT pg_reload_conf()", context.limit);
        throw;
    }
    if (!waiting_for_restart(session, context.limit)) last_good.save({wanted, server});
}

/// A session, also with a server whose present settings let nobody in: it gets the wanted ones by a signal. When it
/// lets nobody in with those either, it gets the last good ones.
Connection PostgresConfig::session_of(const Resource& resource, const Texts& wanted,
                                      const LastGoodConfiguration& last_good, StepContext& context) const {
    const std::string instance_id = resource.want.at("instance_id");
    const auto within_a_reload = [&] {
        const Limit soon = context.limit.no_longer_than(kReloadWait);
        for (;;) try {
                return connect_locally(runtime_, instance_id, "postgres", context.limit);
            } catch (const Error&) {
                if (!soon.pause(kReloadPoll)) throw;
            }
    };
    try {
        return within_a_reload();
    } catch (const Error& error) {
        context.limit.check("connecting to " + instance_id);
        if (runtime_.state(instance_id) != ServerState::running) throw;
        context.tell(fmt::format("{} lets nobody in ({}): it gets its new configuration by a signal", instance_id,
                                 error.text()));
    }
    check(resource, wanted, context.limit);
    write(wanted);
    runtime_.reload(instance_id);
    try {
        return within_a_reload();
    } catch (const Error& error) {
        context.limit.check("connecting to " + instance_id);
        const auto good = last_good.load();
        if (!good || good->files == wanted) throw;
        write(good->files);
        runtime_.reload(instance_id);
        throw Error(ErrorKind::invalid_input,
                    "with its new configuration PostgreSQL lets nobody in: " + error.text() +
                        "\nThe configuration before it was put back.",
                    "correct the spec and apply it again");
    }
}

/// Lets a second postgres read the parameters, so that the running one never sees what it would refuse.
void PostgresConfig::check(const Resource& resource, const Texts& texts, const Limit& limit) const {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    const auto draft = paths.configs() / "postgresql.conf.check";
    user_.write_file(draft, texts.at(paths.config_file()), 0600);
    try {
        runtime_.command({resource.want.at("bin_dir"),
                          "postgres",
                          {"-D", paths.data(), "--config_file=" + draft.string(), "-C", "port"}},
                         limit);
    } catch (const Error& error) {
        std::filesystem::remove(draft);
        if (error.kind() != ErrorKind::failed) throw;
        throw Error(ErrorKind::invalid_input, "PostgreSQL refuses its configuration: " + error.text(),
                    "correct postgresql_conf of the spec");
    }
    std::filesystem::remove(draft);
}

void PostgresConfig::reload(Session& session, const std::string& instance_id, const Limit& limit) const {
    const auto mistakes = session.run(
        "SELECT string_agg(mistake, E'\\n') FROM ("
        "SELECT format('pg_hba.conf line %s: %s', line_number, error) AS mistake FROM pg_hba_file_rules"
        " WHERE error IS NOT NULL UNION ALL "
        "SELECT format('pg_ident.conf line %s: %s', line_number, error) FROM pg_ident_file_mappings"
        " WHERE error IS NOT NULL UNION ALL "
        "SELECT format('postgresql.conf line %s: %s: %s', sourceline, name, error) FROM pg_file_settings"
        " WHERE error IS NOT NULL AND error <> 'setting could not be applied') AS all_files",
        limit);
    if (const auto text = mistakes.value())
        throw Error(ErrorKind::invalid_input, "PostgreSQL refuses its configuration: " + *text,
                    "correct postgresql_conf, pg_hba_conf or pg_ident_conf of the spec");
    const auto loaded = session.run("SELECT pg_conf_load_time()", limit).value();
    session.run("SELECT pg_reload_conf()", limit);
    wait_until_taken(loaded, instance_id, limit);
}

/// Until a fresh session runs with what was loaded after `before`. Throws Error{invalid_input} when there can be none
/// any more: then the new settings keep everybody out.
void PostgresConfig::wait_until_taken(const PgValue& before, const std::string& instance_id, const Limit& limit) const {
    const Limit soon = limit.no_longer_than(kReloadWait);
    std::string refused;
    do {
        try {
            auto fresh = connect_locally(runtime_, instance_id, "postgres", limit);
            refused.clear();
            if (fresh.run("SELECT pg_conf_load_time()", limit).value() != before) return;
        } catch (const Error& error) {
            limit.check("waiting for a reload");
            refused = error.text();
        }
    } while (soon.pause(kReloadPoll));
    limit.check("waiting for a reload");
    if (!refused.empty() && runtime_.state(instance_id) == ServerState::running)
        throw Error(ErrorKind::invalid_input, "with its new configuration PostgreSQL lets nobody in: " + refused,
                    "correct postgresql_conf of the spec");
}

void PostgresConfig::remove(const Resource&, StepContext&) {}  // goes with its directory

}  // namespace pgedge

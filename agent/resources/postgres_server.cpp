#include "agent/resources/postgres_server.hpp"

#include <fmt/format.h>

#include "agent/postgres/control_data.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kLoginWait{10'000};  ///< for a server that is up to let us in
constexpr std::chrono::milliseconds kLoginPoll{50};
constexpr std::chrono::milliseconds kReplayPoll{100};

/// A session, soon: a server that lets nobody in is as bad as one that does not start.
Connection log_in(Runtime& runtime, const std::string& instance_id, const Limit& limit) {
    const Limit soon = limit.no_longer_than(kLoginWait);
    for (;;) try {
            return connect_locally(runtime, instance_id, "postgres", limit);
        } catch (const Error& error) {
            limit.check("connecting to " + instance_id);
            if (error.kind() == ErrorKind::denied || !soon.pause(kLoginPoll))
                throw Error(ErrorKind::failed, "PostgreSQL runs and lets nobody in: " + error.text());
        }
}

/// Those of the parameters that bind a standby to its primary which have numbers, as the files say.
std::map<std::string, std::int64_t> minimums_in_files(Session& session, const Limit& limit) {
    const auto rows = session.run(
        "SELECT s.name, coalesce((SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name"
        " ORDER BY f.seqno DESC LIMIT 1), s.boot_val) AS value FROM pg_settings s WHERE s.name IN ('max_connections',"
        " 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')",
        limit);
    std::map<std::string, std::int64_t> minimums;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (const auto value = rows.integer(i, "value")) minimums[rows.text(i, "name")] = *value;
    return minimums;
}

}  // namespace

Observed PostgresServer::observe(const Resource& resource, StepContext&) {
    switch (runtime_.state(resource.want.at("instance_id"))) {
        case ServerState::absent: return Observed::missing;
        case ServerState::running: return Observed::as_known;
        default: return Observed::differs;
    }
}

void PostgresServer::apply(const Resource& resource, StepContext& context) {
    const Json& want = resource.want;
    const InstancePaths paths(data_dir_, want.at("instance_id"));
    const ServerSpec wanted{paths, want.at("bin_dir"), want.at("address"), want.at("port"),
                            container_options_from_json(want.value("container", Json::object()))};
    const LastGoodConfiguration last_good(paths, user_);
    // An earlier try of this step was killed while it took the configuration back.
    if (const auto why = last_good.refused()) take_back(last_good, *why, context);
    try {
        bring_up(wanted, context);
    } catch (const Error& error) {
        const auto good = last_good.load();
        const bool same = good && good->files == last_good.present(wanted).files && good->server == wanted;
        if (error.kind() != ErrorKind::failed || !good || same) throw;
        last_good.note_refused(error.text());
        take_back(last_good, error.text(), context);
    }
    last_good.save(last_good.present(wanted));
}

/// Up, with what its files say, and letting us in.
void PostgresServer::bring_up(const ServerSpec& wanted, StepContext& context) const {
    const std::string& instance_id = wanted.instance_id();
    const LastGoodConfiguration last_good(wanted.paths, user_);
    const auto files = last_good.present(wanted).files;
    owner_.start(wanted, context.limit);
    auto session = log_in(runtime_, instance_id, context.limit);
    check_maps(session, files, wanted, context.limit);
    const auto names = waiting_for_restart(session, context.limit);
    if (!names) return;
    await_lower_minimums(session, wanted, context);
    context.tell(fmt::format("restarting {}{}", instance_id, names->empty() ? "" : " for " + *names));
    owner_.restart(instance_id, context.limit);
    session = log_in(runtime_, instance_id, context.limit);
    check_maps(session, files, wanted, context.limit);
}

/// A standby that starts with less than what its primary had when the log that it replays was written ends itself. Its
/// control file has what the primary had: when that was lowered, the standby has to replay it first.
void PostgresServer::await_lower_minimums(Session& session, const ServerSpec& server, StepContext& context) const {
    if (!session.run("SELECT pg_is_in_recovery()", context.limit).yes()) return;
    const auto wanted = minimums_in_files(session, context.limit);
    for (bool told = false;; told = true) {
        const auto replayed = parse_control_data(
            runtime_.command({server.bin_dir, "pg_controldata", {"-D", server.paths.data().string()}}, context.limit));
        std::string behind;
        for (const auto& [setting, value] : wanted)
            if (const auto primary = replayed.standby_minimums.at(setting); value < primary)
                behind =
                    fmt::format("its primary's {} of {} in its log and not yet that it is lower", setting, primary);
        if (behind.empty()) return;
        const auto what = fmt::format("{} waits before it restarts: it has replayed {}", server.instance_id(), behind);
        if (!told) context.tell(what);
        if (!context.limit.pause(kReplayPoll)) context.limit.check(what);
    }
}

/// Lines of pg_ident.conf that were set aside, because the server takes none of them, are an error of theirs.
void PostgresServer::check_maps(Session& session, const Files& before, const ServerSpec& server,
                                const Limit& limit) const {
    const LastGoodConfiguration last_good(server.paths, user_);
    if (last_good.present(server).files == before) return;
    const auto file = ident_file(server.paths);
    const auto ours = read_foreign_file(file);
    user_.write_file(file, before.at(file), 0600);
    const auto mistakes = session.run(
        "SELECT string_agg(format('line %s: %s', line_number, error), E'\\n') FROM pg_ident_file_mappings"
        " WHERE error IS NOT NULL",
        limit);
    if (ours) user_.write_file(file, *ours, 0600);
    throw Error(ErrorKind::failed,
                "PostgreSQL takes nothing of its pg_ident.conf: " + mistakes.value().value_or("(it does not say why)"),
                "correct pg_ident_conf of the spec");
}

void PostgresServer::take_back(const LastGoodConfiguration& last_good, const std::string& why,
                               StepContext& context) const {
    const std::string& instance_id = last_good.instance_id();
    context.tell("the new configuration is taken back: the one before is put in its place");
    try {
        last_good.put_back(owner_, context.limit);
        try {
            log_in(runtime_, instance_id, context.limit);
        } catch (const Error& error) {
            // An agent before us put the files back and was killed before it restarted the server.
            if (error.kind() != ErrorKind::failed) throw;
            owner_.restart(instance_id, context.limit);
            log_in(runtime_, instance_id, context.limit);
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        throw Error(ErrorKind::failed,
                    why + "\nWith the configuration before it, it does not start either: " + error.text(),
                    "look at the server's log");
    }
    throw Error(ErrorKind::failed, why + "\nThe configuration before it was put back, and the server runs with it.",
                "correct the spec and apply it again");
}

void PostgresServer::remove(const Resource& resource, StepContext& context) {
    const std::string instance_id = resource.want.at("instance_id");
    owner_.stop(instance_id, StopMode::fast, context.limit);
    owner_.forget(instance_id);
}

}  // namespace pgedge

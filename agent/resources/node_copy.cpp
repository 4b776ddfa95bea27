#include "agent/resources/node_copy.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "agent/postgres/apply_pause.hpp"
#include "agent/postgres/conf_files.hpp"
#include "agent/postgres/copied_roles.hpp"
#include "agent/postgres/copied_sets.hpp"
#include "agent/postgres/link_sql.hpp"
#include "agent/postgres/replication_slots.hpp"
#include "agent/resources/copied_tables.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/resources/peer_session.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "agent/runtime/server_log.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kConfirmPoll = 50ms;
constexpr auto kTellCatchUp = 1s;
constexpr auto kSlotMade = 120s;  ///< for the transactions that are open when a slot is made on a peer
constexpr auto kPause = 10s;      ///< the source applies nothing for so long at most …
constexpr auto kRest = 5s;        ///< … and goes on for so long before the next try
constexpr auto kFreeze = 600s;    ///< for all tries
constexpr auto kStalled = 300s;   ///< without any progress: a link does not go on
constexpr auto kLinkStarts = 120s;
constexpr auto kSessionEnds = "30000";  ///< ms for a session of an earlier try to end
constexpr std::string_view kCopyDone = "data of another node", kCaughtUp = "data of all other nodes";
constexpr std::size_t kGreatestSchema = 256 << 20;
constexpr std::size_t kCatchUpLogLines = 100'000;

/// Nothing that an owner sets for a database changes what a value looks like on its way. When our host dies, the others
/// notice within seconds: a paused link of theirs waits for the end of our session.
constexpr std::string_view kCopyOptions =
    "-c search_path=pg_catalog,pg_temp -c statement_timeout=0 -c lock_timeout=0 "
    "-c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off "
    "-c default_transaction_isolation=read\\ committed -c standard_conforming_strings=on -c DateStyle=ISO "
    "-c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex -c xmloption=content -c row_security=off "
    "-c lc_monetary=C -c synchronize_seqscans=off -c client_connection_check_interval=2s "
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3";

constexpr const char* kCopySettings[] = {"SET DateStyle = ISO",
                                         "SET IntervalStyle = postgres",
                                         "SET extra_float_digits = 3",
                                         "SET xmloption = content",
                                         "SET row_security = off",
                                         "SET lc_monetary = 'C'",
                                         "SET session_replication_role = replica"};

/// Ends a wait in which nothing moves any more.
class Stall {
public:
    void moved(const std::string& position) {
        if (position == last_) return;
        last_ = position;
        since_ = std::chrono::steady_clock::now();
    }
    bool over() const { return std::chrono::steady_clock::now() - since_ > kStalled; }

private:
    std::string last_;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

/// psql's own commands around a dump (CVE-2025-8714) are not for the server.
std::string without_psql_commands(std::string text) {
    constexpr std::string_view kBegin = "\n\\restrict ";
    const auto begin = text.find(kBegin);
    if (begin == std::string::npos) return text;
    const auto line_end = text.find('\n', begin + 1);
    const auto token = text.substr(begin + kBegin.size(), line_end - begin - kBegin.size());
    const auto end = text.rfind("\n\\unrestrict " + token);
    if (end != std::string::npos) text.resize(end + 1);
    return text.erase(begin, line_end - begin);
}

bool is_noted(Session& session, std::string_view what, const Limit& limit) {
    return !session.run("SELECT FROM pgedge_internal.done WHERE what = $1", {std::string(what)}, limit).empty();
}

void note(Session& session, std::string_view what, const Limit& limit) {
    session.run("INSERT INTO pgedge_internal.done VALUES ($1) ON CONFLICT DO NOTHING", {std::string(what)}, limit);
}

std::string kept_by(const std::string& node, const std::string& timeline) {
    return fmt::format("data of another node: {} on timeline {}", node, timeline);
}

/// Commits something, so that a slot has a position to confirm, and returns where the log ends then.
std::string marker(Session& session, const Limit& limit) {
    session.run("SELECT pg_logical_emit_message(true, 'pgedge', 'add node')", limit);
    return session.run("SELECT pg_current_wal_insert_lsn()", limit).value().value_or("0/0");
}

}  // namespace

bool has_data_of_others(Session& session, const Limit& limit) {
    return session.run("SELECT to_regclass('pgedge_internal.done') IS NOT NULL", limit).yes() &&
           is_noted(session, kCaughtUp, limit);
}

NodeCopy::NodeCopy(Runtime& runtime, const Json& want, StepContext& context)
    : runtime_(runtime),
      want_(want),
      context_(context),
      limit_(context.limit),
      dialect_(ReplicationDialect::of(want.at("dialect").get<std::string>())),
      node_(want.at("node")),
      source_(want.at("source")),
      database_(want.at("database_name")),
      server_(server_of(runtime, context.primary.instance_id)),
      own_(connect_to_database(runtime, want, context)) {
    for (const auto& node : want.at("nodes")) {
        const std::string name = node.at("name");
        const auto subscription = subscription_name(name, node_);
        others_.push_back({name,
                           node.at("dsn"),
                           subscription,
                           dialect_.slot_name(own_, name, subscription, limit_),
                           within("connecting to node " + name, [&] { return connect(node); }),
                           {}});
        others_.back().session.run(
            "SELECT pg_terminate_backend(pid, $1) FROM pg_stat_get_activity(NULL) AS a"
            " WHERE usesysid = session_user::regrole AND pid <> pg_backend_pid()"
            " AND application_name = current_setting('application_name')",
            {std::string(kSessionEnds)}, limit_);
        others_.back().timeline = others_.back()
                                      .session.run("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)", limit_)
                                      .value()
                                      .value_or("");
    }
    source_want();
}

ConnectOptions NodeCopy::options_for(const Json& node) const {
    auto options = superuser_of_node(server_.paths, node.at("addresses"), database_, "pgedge data of " + node_);
    options.more["options"] = kCopyOptions;
    return options;
}

Connection NodeCopy::connect(const Json& node) const { return Connection(options_for(node), limit_); }

const Json& NodeCopy::source_want() const {
    for (const auto& node : want_.at("nodes"))
        if (node.at("name") == source_) return node;
    throw Error(ErrorKind::not_found,
                fmt::format("node {} was to get its data from {}, which is no node any more", node_, source_));
}

NodeCopy::Other& NodeCopy::source() {
    for (auto& other : others_)
        if (is_source(other)) return other;
    throw Error(ErrorKind::internal, "the source of " + node_ + " is none of the other nodes");
}

void NodeCopy::make() {
    if (is_noted(own_, kCopyDone, limit_)) return;
    check_all_is_dumped();
    clear();
    for (auto& other : others_)
        if (!is_source(other))
            within(fmt::format("keeping on {} what {} will need", other.name, node_),
                   [&] { dialect_.ensure_slot(other.session, other.slot, limit_.no_longer_than(kSlotMade)); });
    wait_for_source();

    auto options = options_for(source_want());
    options.more["replication"] = "database";
    std::optional<Connection> holder(std::in_place, options, limit_);
    const Moment moment = freeze(*holder);
    auto roles = connect_to_primary(runtime_, "postgres", context_);
    within("copying roles from " + source_, [&] { copy_roles(source().session, roles, database_, limit_); });
    create_subscriptions(moment);
    CopiedTables tables(connect(source_want()), moment.snapshot, source_, limit_);
    const auto structure = dump("pre-data", moment), rest = dump("post-data", moment);
    holder.reset();  // everybody has the snapshot
    copy_in_one_transaction(tables, structure, rest);
    within("analyzing what was copied", [&] { own_.run("ANALYZE", limit_); });
}

/// What an earlier try left: subscriptions, which take the slots of their providers along, and the source's slot, which
/// stands at the moment of that try.
void NodeCopy::clear() {
    for (const auto& row : dialect_.subscriptions(own_, limit_)) dialect_.drop_subscription(own_, row.name, limit_);
    drop_replication_slot(source().session, source().slot, limit_);
}

/// All that the other nodes committed before their slots for us were made is in the source: its copy has it, and the
/// slots have the rest.
void NodeCopy::wait_for_source() {
    for (auto& other : others_) {
        if (is_source(other)) continue;
        const auto link = subscription_name(other.name, source_);
        const auto slot = dialect_.slot_name(own_, other.name, link, limit_);
        wait_confirmed(other.session, slot, marker(other.session, limit_),
                       fmt::format("{} to apply what {} has committed", source_, other.name));
    }
}

/// Tries until nothing was applied in the source between two looks, with its slot made in between. Nothing can be then,
/// as a rule; but the pause is short, and a slot has to wait for all transactions that write.
NodeCopy::Moment NodeCopy::freeze(Connection& holder) {
    const Limit all = limit_.no_longer_than(kFreeze);
    for (bool first = true;; first = false) {
        const auto subscriptions = dialect_.subscriptions(source().session, limit_);
        try {
            if (auto moment = try_to_freeze(holder, subscriptions)) return std::move(*moment);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::timed_out || all.over()) throw;
            if (first)
                context_.tell(fmt::format("waiting for transactions that write on {}: {}", source_, error.text()));
        }
        drop_replication_slot(source().session, source().slot, limit_);
        all.pause(kRest);
        all.check("waiting for a moment without writing transactions on " + source_);
    }
}

std::optional<NodeCopy::Moment> NodeCopy::try_to_freeze(Connection& holder,
                                                        const std::vector<SubscriptionRow>& subscriptions) {
    Other& from = source();
    const Limit pause = limit_.no_longer_than(kPause);
    ApplyPause paused(from.session, dialect_, subscriptions, pause);
    const auto before = applied_by_source();
    const auto made = holder.command(fmt::format("CREATE_REPLICATION_SLOT {} LOGICAL {} EXPORT_SNAPSHOT",
                                                 holder.identifier(from.slot), dialect_.output_plugin()),
                                     pause);
    if (applied_by_source() != before) return std::nullopt;
    paused.end(limit_);
    Moment moment{made.text(0, "snapshot_name"), before};
    moment.starts[from.name] = made.text(0, "consistent_point");
    return moment;
}

std::map<std::string, std::string> NodeCopy::applied_by_source() {
    std::map<std::string, std::string> applied;
    const auto origins = replication_origins(source().session, limit_);
    for (const auto& other : others_) {
        if (is_source(other)) continue;
        const auto origin =
            origins.find(dialect_.slot_name(own_, other.name, subscription_name(other.name, source_), limit_));
        if (origin != origins.end() && origin->second.remote_lsn != "0/0")
            applied[other.name] = origin->second.remote_lsn;
    }
    return applied;
}

void NodeCopy::create_subscriptions(const Moment& moment) {
    for (const auto& other : others_) {
        const auto start = moment.starts.find(other.name);
        const bool known = start != moment.starts.end();
        within("subscribing to " + other.name, [&] {
            dialect_.create_waiting_subscription(own_,
                                                 {.name = other.subscription,
                                                  .provider = other.name,
                                                  .slot = other.slot,
                                                  .provider_dsn = other.dsn,
                                                  .enabled = false},
                                                 known ? std::optional(start->second) : std::nullopt, limit_);
        });
    }
}

/// Rows get the time "epoch": whatever another node committed is later, and wins.
void NodeCopy::copy_in_one_transaction(CopiedTables& tables, const std::string& structure, const std::string& rest) {
    auto to = connect_to_database(runtime_, want_, context_);
    for (const char* setting : kCopySettings) to.run(setting, limit_);
    dialect_.keep_ddl_here(to, limit_);
    to.run("SELECT pg_replication_origin_session_setup($1)", {source().slot}, limit_);
    to.run("BEGIN", limit_);
    to.run("SELECT pg_replication_origin_xact_setup('0/0', 'epoch')", limit_);
    context_.progress({.done = 0, .total = tables.bytes(), .unit = "bytes", .text = "creating tables"});
    within("creating what " + source_ + " has", [&] { to.run_script(structure, limit_); });
    tables.copy_to(
        to, [&](const Progress& progress) { context_.progress(progress); }, limit_);
    context_.progress(
        {.done = tables.bytes(), .total = tables.bytes(), .unit = "bytes", .text = "creating indexes and constraints"});
    within("creating indexes and constraints", [&] { to.run_script(rest, limit_); });
    // The dump leaves other names to be looked up in no schema.
    to.run("SET search_path = pg_catalog, pg_temp", limit_);
    copy_replication_sets(tables.session(), to, dialect_, limit_);
    copy_sequence_values(tables.session(), to, limit_);
    note(to, kCopyDone, limit_);
    for (const auto& other : others_) note(to, kept_by(other.name, other.timeline), limit_);
    to.run("COMMIT", limit_);
    context_.tell(
        fmt::format("node {} has the data of {}: {} rows in {} tables", node_, source_, tables.rows(), tables.count()));
}

std::string NodeCopy::dump(const std::string& section, const Moment& moment) {
    // Beside the data, where the instance's user may write; gone when it was read.
    const auto file = server_.paths.data().parent_path() / ("copied-" + section + ".sql");
    std::filesystem::remove(file);
    const auto options = options_for(source_want());
    std::string conninfo = fmt::format("host={} user={} dbname={}", conninfo_value(options.host),
                                       conninfo_value(options.user), conninfo_value(options.database));
    for (const auto& [name, value] : options.more) conninfo += fmt::format(" {}={}", name, conninfo_value(value));
    std::vector<std::string> words{"--dbname=" + conninfo,
                                   "--snapshot=" + moment.snapshot,
                                   "--section=" + section,
                                   "--exclude-schema=" + std::string(dialect_.name()),
                                   "--no-blobs",
                                   "--no-publications",
                                   "--no-subscriptions",
                                   "--encoding=UTF8",
                                   "--lock-wait-timeout=30s",
                                   "--no-password",
                                   "--file=" + file.string()};
    const auto extensions = source().session.run("SELECT extname FROM pg_extension WHERE extname <> $1",
                                                 {std::string(dialect_.name())}, limit_);
    for (std::size_t i = 0; i < extensions.size(); ++i)
        words.push_back("--extension=" + own_.identifier(extensions.text(i, "extname")));
    within("reading what " + source_ + " has", [&] { runtime_.command({server_.bin_dir, "pg_dump", words}, limit_); });
    auto text = read_foreign_file(file, kGreatestSchema);
    std::filesystem::remove(file);
    if (!text) throw Error(ErrorKind::failed, "pg_dump left nothing in " + file.string());
    return without_psql_commands(std::move(*text));
}

/// A slot does not outlive its server: one that was made again on a standby that took over lacks what was committed
/// before.
void NodeCopy::check_slots_go_on() {
    for (auto& other : others_)
        if (!is_noted(own_, kept_by(other.name, other.timeline), limit_))
            throw Error(ErrorKind::failed,
                        fmt::format("node {} has another primary than when {} was copied, and what was committed in "
                                    "between may be missing",
                                    other.name, node_),
                        fmt::format("apply the spec without {}, then with it again", node_));
}

void NodeCopy::catch_up() {
    check_slots_go_on();
    for (auto& other : others_) {
        dialect_.ensure_subscription(own_,
                                     {.name = other.subscription,
                                      .provider = other.name,
                                      .slot = other.slot,
                                      .provider_dsn = other.dsn,
                                      .enabled = true},
                                     limit_);
    }
    for (const auto& other : others_)
        dialect_.wait_replicating(own_, other.subscription, limit_.no_longer_than(kLinkStarts));
    for (auto& other : others_)
        wait_confirmed(other.session, other.slot, marker(other.session, limit_),
                       fmt::format("{} to catch up with {}", node_, other.name));
    check_nothing_left_out();
    note(own_, kCaughtUp, limit_);
}

/// The links catch up side by side. What one node changed in a row that another one had made may come before that row:
/// it is left out then, and only the log says so.
void NodeCopy::check_nothing_left_out() {
    const auto lines = last_log_lines(server_.paths, kCatchUpLogLines);
    auto left_out = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("(tuple not found). Resolution: skip") != std::string::npos;
    });
    if (dialect_.name() == "spock")
        left_out +=
            own_.run("SELECT count(*) AS number FROM spock.exception_log", limit_).integer(0, "number").value_or(0);
    if (left_out == 0) return;
    throw Error(
        ErrorKind::failed,
        fmt::format("node {} left out {} changes of rows that it did not have: one node had changed them before "
                    "{} got them from another",
                    node_, left_out, node_),
        fmt::format("apply the spec without {}, then with it again, best while nodes change few rows of each "
                    "other",
                    node_));
}

/// pg_dump leaves them out when it is told which extensions to take.
void NodeCopy::check_all_is_dumped() {
    constexpr auto kWithoutSchema = R"sql(
SELECT string_agg(pg_describe_object(o.classid, o.objid, 0), ', ') AS names FROM (
    SELECT 'pg_event_trigger'::regclass AS classid, oid AS objid FROM pg_event_trigger WHERE evtname !~ '^pgedge_'
    UNION ALL SELECT 'pg_default_acl'::regclass, oid FROM pg_default_acl WHERE defaclnamespace = 0
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform WHERE oid >= 16384
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language WHERE oid >= 16384
    UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am WHERE oid >= 16384
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper WHERE oid >= 16384
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server) AS o
 WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e')
)sql";
    const auto names = source().session.run(kWithoutSchema, limit_).at(0, "names");
    if (!names) return;
    throw Error(ErrorKind::failed,
                fmt::format("node {} has what belongs to no schema, and a new node would not get it: {}", source_,
                            shortened(*names, 500)),
                fmt::format("drop it, add {}, then make it again: that reaches all nodes", node_));
}

/// Until the reader of the slot has applied all up to `lsn`.
void NodeCopy::wait_confirmed(Session& provider, const std::string& slot, const std::string& lsn,
                              const std::string& what) {
    Stall stall;
    std::int64_t total = 0;
    auto told = std::chrono::steady_clock::now() - kTellCatchUp;
    for (;;) {
        const auto row = provider.run(
            "SELECT confirmed_flush_lsn AS at, greatest(pg_wal_lsn_diff($2::pg_lsn, confirmed_flush_lsn), 0)::bigint"
            " AS left FROM pg_replication_slots WHERE slot_name = $1",
            {slot, lsn}, limit_);
        if (row.empty()) throw Error(ErrorKind::failed, fmt::format("replication slot {} is not there any more", slot));
        const auto left = row.integer(0, "left").value_or(0);
        if (left == 0) return;
        stall.moved(row.at(0, "at").value_or(""));
        if (stall.over())
            throw Error(ErrorKind::failed, fmt::format("waited in vain for {}: {} bytes of WAL are left", what, left),
                        "pgedgectl status tells why a link has stopped");
        limit_.check("waiting for " + what);
        total = std::max(total, left);
        if (std::chrono::steady_clock::now() - told >= kTellCatchUp) {
            context_.progress({.done = total - left, .total = total, .unit = "bytes", .text = "waiting for " + what});
            told = std::chrono::steady_clock::now();
        }
        limit_.pause(kConfirmPoll);
    }
}

}  // namespace pgedge

#include "agent/ha/link_keeper.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/postgres/link_hold.hpp"
#include "agent/postgres/replication_slots.hpp"
#include "agent/postgres/slot_file.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/store/tables/databases.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/thread_top.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kTendLinks = 2s;
constexpr auto kHere = 10s;  ///< for all that is done in one turn
constexpr auto kOther = 5s;  ///< for one other node
constexpr auto kCopyOfStore = 2s;
constexpr auto kRestart = 60s;
/// Not as other sessions of agents: the one of that server would end them.
constexpr std::string_view kSessionName = "pgedge links";
/// How the hold begins that a new primary puts on the subscriptions of other nodes to its own.
constexpr std::string_view kProviderMoved = "its provider has another primary";

/// What the primary has no slot for, what cannot be used, and what this instance had when it was a primary itself.
std::map<std::string, LogicalSlot> drop_unwanted(Session& own, const std::map<std::string, LogicalSlot>& theirs,
                                                 const ReplicationDialect& dialect, const Limit& limit) {
    auto ours = extension_slots(own, dialect, limit);
    for (auto slot = ours.begin(); slot != ours.end();) {
        const std::string original(original_of(slot->first));
        // A primary that was just promoted has the copies alone.
        const bool wanted = theirs.contains(original) || (!original.empty() && theirs.contains(slot->first));
        if (wanted && !slot->second.lost) {
            ++slot;
            continue;
        }
        drop_replication_slot(own, slot->first, limit);
        slot = ours.erase(slot);
    }
    return ours;
}

/// False: the server has not all of the log that the copy needs, and will not have it. Then there is none any more.
bool advance(Session& own, const std::string& copy, Lsn to, const Limit& limit) {
    try {
        own.run("SELECT pg_replication_slot_advance($1, $2::pg_lsn)", {copy, to_string(to)}, limit);
        return true;
    } catch (const SqlError& error) {
        constexpr std::string_view kNoFile = "58P01";
        if (error.sqlstate() != kNoFile) throw;
    }
    drop_replication_slot(own, copy, limit);
    return false;
}

bool is_gap(const std::optional<std::string>& held) { return held && held->starts_with(kSubscriptionGap); }

}  // namespace

LinkKeeper::LinkKeeper(const HaGround& ground, HaTable::Place place, std::function<void(const Limit&)> restart)
    : ground_(ground),
      place_(std::move(place)),
      paths_(ground.data_dir, place_.instance_id),
      certificates_(paths_),
      restart_(std::move(restart)),
      thread_([this](const std::stop_token& stop) { run_thread(ground_.log, "links", stop, [&] { run(stop); }); }) {}

LinkKeeper::~LinkKeeper() { end(); }

void LinkKeeper::end() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void LinkKeeper::see(View view) {
    const std::lock_guard lock(mutex_);
    if (view.role != view_.role) {
        woken_ = true;
        changed_.notify_all();
    }
    view_ = std::move(view);
}

SlotCopies::Readiness LinkKeeper::readiness() const {
    const std::lock_guard lock(mutex_);
    return copies_.readiness();
}

void LinkKeeper::remember_ready(std::int64_t term) {
    const std::lock_guard lock(mutex_);
    copies_.remember(term);
}

void LinkKeeper::set_ready(bool ready) {
    const std::lock_guard lock(mutex_);
    copies_.set_ready(ready);
}

void LinkKeeper::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        View view;
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, stop, kTendLinks, [&] { return woken_; });
            woken_ = false;
            view = view_;
        }
        if (stop.stop_requested()) return;
        try {
            const auto place = home(Limit(kCopyOfStore, stop));
            if (!place) set_ready(true);
            if (!place || view.role == View::Role::other) continue;
            begin_anew_unless_same(view);
            if (view.role == View::Role::standby)
                tend_standby(*place, view, Limit(kHere, stop));
            else
                tend_primary(*place, view, Limit(kHere, stop));
            warned_.clear();
        } catch (const Error& error) {
            sessions_.clear();
            if (stop.stop_requested()) return;
            if (std::exchange(warned_, error.what()) != error.what())
                ground_.log.warn("links with other nodes are not tended, trying again",
                                 {{"instance", place_.instance_id}, {"reason", error.what()}});
        }
    }
}

/// What was known of copies holds under one primary: another one has kept nothing for them until it heard of them.
void LinkKeeper::begin_anew_unless_same(const View& view) {
    {
        const std::lock_guard lock(mutex_);
        if (!copies_.under(view.role == View::Role::primary, view.term)) return;
    }
    sessions_.clear();
    safe_from_.clear();
    pending_.clear();
}

/// nullopt: there are no other nodes.
std::optional<LinkKeeper::Home> LinkKeeper::home(const Limit& limit) const {
    const auto database = Databases(ground_.store).find(place_.database_id, limit);
    if (!database || database->spec.nodes.size() < 2) return std::nullopt;
    return Home{database->spec.database_name, &ReplicationDialect::of(database->dialect)};
}

Connection& LinkKeeper::session(const std::string& key, const std::function<Connection()>& make) {
    if (const auto found = sessions_.find(key); found != sessions_.end()) {
        if (!found->second.broken()) return found->second;
        sessions_.erase(found);
    }
    return sessions_.emplace(key, make()).first->second;
}

Connection& LinkKeeper::here(const Home& home, const Limit& limit) {
    return session("", [&] {
        auto own = connect_locally(ground_.runtime, place_.instance_id, home.database, limit);
        own.run("SELECT set_config('synchronous_commit', 'local', false)", limit);  // standbys may be away now
        return own;
    });
}

Connection& LinkKeeper::node(const OtherNode& other, const Limit& limit) {
    return session(other.dsn,
                   [&] { return within("reaching node " + other.name, [&] { return connect(other.dsn, limit); }); });
}

Connection& LinkKeeper::member(const Home& home, const HaMember& member, const Limit& limit) {
    const auto dsn = fmt::format(
        "host={} port={} dbname={} user={} sslmode=verify-full connect_timeout=3 "
        "target_session_attrs=read-write",
        conninfo_value(member.address), member.port, conninfo_value(home.database), kSuperuser);
    return session(dsn, [&] { return connect(dsn, limit); });
}

Connection LinkKeeper::connect(const std::string& dsn, const Limit& limit) const {
    auto options = options_of_dsn(dsn);
    options.more["sslrootcert"] = certificates_.authority;
    options.more["sslcert"] = certificates_.superuser;
    options.more["sslkey"] = certificates_.own_superuser_key();
    options.more["application_name"] = std::string(kSessionName);
    options.more["options"] =
        "-c search_path=pg_catalog,pg_temp -c statement_timeout=0 -c lock_timeout=5s "
        "-c synchronous_commit=local";
    return {options, limit};
}

// --- the standby: copies of the primary's slots (R46)

/// Puts the slot's file where the server finds it when it starts. False: the server could not use it yet.
bool LinkKeeper::copy_slot(Session& primary, const std::string& source, const std::string& slot, Lsn replayed,
                           int major) const {
    const Limit limit(kOther);
    const auto hex =
        primary
            .run("SELECT encode(pg_read_binary_file('pg_replslot/' || $1 || '/state', 0, 4096, true), 'hex')", {source},
                 limit)
            .value();
    if (!hex) return false;
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex->size(); at += 2)
        bytes += static_cast<char>(std::stoi(hex->substr(at, 2), nullptr, 16));
    SlotFile file;
    try {
        file = parse_slot_file(bytes, major);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::conflict) return false;  // read while it was replaced
        throw;
    }
    if (!file.invalidated.empty() || file.confirmed_flush > replayed || file.restart == Lsn{}) return false;
    // Complete under its name or not there: a server that starts removes what ends in ".tmp".
    const auto place = paths_.data() / "pg_replslot" / slot, fresh = paths_.data() / "pg_replslot" / (slot + ".tmp");
    for (const auto& old : {place, fresh}) delete_tree(old, limit);
    ground_.user.make_directory(fresh, 0700);
    ground_.user.write_file(fresh / "state", renamed_slot_file(bytes, major, slot), 0600);
    rename_durably(fresh, place);
    return true;
}

void LinkKeeper::tend_standby(const Home& home, const View& view, const Limit& limit) {
    if (!view.primary) return;
    {
        // A promotion that came to nothing: a standby's own sessions are the agent's alone.
        const std::lock_guard lock(mutex_);
        if (view_.role == View::Role::standby) certificates_.give_back();
    }
    Connection& own = here(home, limit);
    const auto now = own.run(
        "SELECT pg_last_wal_replay_lsn() AS replayed, pg_is_in_recovery() AS recovery, (SELECT min(('x' || "
        "substr(name, "
        "9, 8))::bit(32)::bigint * 4294967296 + ('x' || substr(name, 17, 8))::bit(32)::bigint * "
        "pg_size_bytes(current_setting('wal_segment_size'))) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$') AS "
        "oldest",
        limit);
    if (now.text(0, "recovery") != "t" || !now.at(0, "replayed")) return;
    const Lsn replayed = parse_lsn(now.text(0, "replayed")),
              oldest{static_cast<std::uint64_t>(now.integer(0, "oldest").value_or(0))};
    Connection& primary = member(home, *view.primary, limit.no_longer_than(kOther));
    const auto theirs = extension_slots(primary, *home.dialect, limit);
    // What the primary keeps of its catalogs for this standby, by its feedback.
    const auto feedback = primary
                              .run("SELECT catalog_xmin::text::bigint FROM pg_replication_slots WHERE slot_name = $1",
                                   {physical_slot_name(place_.instance_id)}, limit)
                              .value();
    const auto ours = drop_unwanted(own, theirs, *home.dialect, limit);
    keep_good(ours);
    bool all_good = true, installed = false;
    for (const auto& [name, first] : theirs) {
        if (is_kept_slot(name)) continue;
        if (!original_of(name).empty()) {  // not compared with its subscriber yet
            all_good &= ours.contains(name) && is_good(name);
            continue;
        }
        // The one that stays behind, so that it can be made again from the copy, too.
        const auto second = theirs.find(kept_slot(name));
        const bool has_second = second != theirs.end() && !second->second.lost;
        const auto& source = has_second ? second->second : first;
        const auto copy = copied_slot(name);
        const auto known = ours.find(copy);
        if (known == ours.end()) {
            all_good = false;
            if (source.restart >= oldest && !view.by_hand)  // the server is restarted for it
                installed |=
                    copy_slot(primary, has_second ? second->first : name, copy, replayed, own.server_version() / 10000);
            continue;
        }
        if (const Lsn to = std::min(source.confirmed, replayed);
            to > known->second.confirmed && !advance(own, copy, to, limit)) {
            all_good = false;
            continue;
        }
        if (!is_good(copy) && feedback) {
            // From here on the primary keeps what the copy needs; what it kept before, it kept for its own slot.
            const auto safe = safe_from_.try_emplace(copy, source.catalog_xmin).first->second;
            const auto has = known->second.catalog_xmin;
            if (!is_before(has, safe) && !is_before(has, static_cast<std::uint32_t>(std::stoul(*feedback)))) {
                const std::lock_guard lock(mutex_);
                copies_.add_good(copy);
            }
        }
        all_good &= is_good(copy);
    }
    set_ready(all_good);
    if (!installed) return;
    safe_from_.clear();
    ground_.log.info("a standby is restarted, so that it has the slots of the other nodes",
                     {{"instance", place_.instance_id}});
    sessions_.clear();
    restart_(Limit(kRestart, limit.stop()));
}

void LinkKeeper::keep_good(const std::map<std::string, LogicalSlot>& ours) {
    std::set<std::string> present;
    for (const auto& [name, slot] : ours) present.insert(name);
    const std::lock_guard lock(mutex_);
    copies_.keep(present);
}

bool LinkKeeper::is_good(const std::string& copy) const {
    const std::lock_guard lock(mutex_);
    return copies_.is_good(copy);
}

// --- the promotion

/// By whoever promotes: what cannot be continued must not be taken for what can.
void LinkKeeper::before_promotion(const Limit& limit) {
    const auto place = home(limit);
    if (!place) return;
    {
        const std::lock_guard lock(mutex_);
        view_.role = View::Role::other;
        certificates_.withhold();
    }
    auto own = connect_locally(ground_.runtime, place_.instance_id, place->database, limit);
    const bool all_good = readiness().ready;
    for (const auto& [name, slot] : extension_slots(own, *place->dialect, limit))
        if (original_of(name).empty() || slot.lost || (!all_good && !is_good(name)))
            drop_replication_slot(own, name, limit);
}

// --- the primary

void LinkKeeper::tend_primary(const Home& home, const View& view, const Limit& limit) {
    Connection& own = here(home, limit);
    if (own.run("SELECT pg_is_in_recovery()", limit).yes()) return;
    const auto others = other_nodes(own, *home.dialect, limit);
    if (certificates_.is_withheld()) return go_on_after_promotion(home, view, own, others, limit);
    const auto slots = extension_slots(own, *home.dialect, limit);
    std::string problems;
    for (const auto& other : others) try {
            const auto held = held_back(own, other.subscription, limit);
            const bool gap = is_gap(held);
            if (slots.contains(copied_slot(other.their_slot))) settle_theirs(home, view, own, other, limit);
            if (held && !gap && !held->starts_with(kProviderMoved)) settle_ours(home, own, other, limit);
            if (!gap) keep_second_slot(view, own, node(other, limit.no_longer_than(kOther)), other, limit);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            sessions_.erase(other.dsn);
            problems += (problems.empty() ? "" : "; ") + other.name + ": " + error.what();
        }
    // Of nodes that are no more. Not by the first one, which is away for a moment while it is made anew.
    for (const auto& [name, slot] : slots)
        if (is_kept_slot(name) && std::none_of(others.begin(), others.end(), [&, second = name](const auto& other) {
                return kept_slot(other.their_slot) == second;
            }))
            drop_replication_slot(own, name, limit);
    if (!problems.empty()) throw Error(ErrorKind::unreachable, problems);
}

/// Its subscriptions lead nowhere yet. Of a node that does not answer they stay held back; the others go on.
void LinkKeeper::go_on_after_promotion(const Home& home, const View& view, Session& own,
                                       const std::vector<OtherNode>& others, const Limit& limit) {
    for (const auto& other : others) try {
            const Limit soon = limit.no_longer_than(kOther);
            settle_theirs(home, view, own, other, soon);
            settle_ours(home, own, other, soon);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            sessions_.erase(other.dsn);
            ground_.log.warn("positions cannot be compared with another node yet, its link is held back",
                             {{"instance", place_.instance_id}, {"node", other.name}, {"reason", error.what()}});
            const Limit late(kOther, limit.stop());  // that one may have taken all the time
            if (is_gap(held_back(own, other.subscription, late))) continue;
            hold_back(own, *home.dialect, other.subscription,
                      fmt::format("its position is not compared with {} yet: {}", other.name, error.what()), late);
        }
    certificates_.give_back();
    const Limit late(kOther, limit.stop());
    for (const auto& other : others)
        if (!held_back(own, other.subscription, late)) home.dialect->wake_subscription(own, other.subscription, late);
    ground_.log.info("links with the other nodes go on under the new primary", {{"instance", place_.instance_id}});
}

/// R48: its own subscription, which has not gone on since this server was promoted. Can be repeated.
void LinkKeeper::settle_ours(const Home& home, Session& own, const OtherNode& other, const Limit& limit) {
    if (is_gap(held_back(own, other.subscription, limit))) return;
    if (const auto gap = set_back_provider(node(other, limit), own, other, limit); !gap.empty()) {
        ground_.log.error("a link cannot go on: what it would pass over is lost",
                          {{"instance", place_.instance_id}, {"subscription", other.subscription}, {"reason", gap}});
        return hold_back(own, *home.dialect, other.subscription, gap, limit);
    }
    let_go(own, *home.dialect, other.subscription, limit);
}

/// R47: the other node's subscription, which cannot go on without the slot under its own name. Can be repeated.
void LinkKeeper::settle_theirs(const Home& home, const View& view, Session& own, const OtherNode& other,
                               const Limit& limit) {
    const auto& dialect = *home.dialect;
    Connection& there = node(other, limit);
    // Who was not compared when the node last changed its primary may be ahead of any of its timelines.
    const bool for_long = held_back(own, other.subscription, limit).has_value();
    std::optional<Lsn> parted;
    for (const auto& each : view.history) parted = for_long && parted ? std::min(*parted, each.at) : each.at;

    const auto slots = extension_slots(own, dialect, limit);
    const auto copy = copied_slot(other.their_slot);
    const bool has_copy = slots.contains(copy);
    const auto make_slot = [&] {
        if (has_copy && !slots.contains(other.their_slot))
            own.run("SELECT pg_copy_logical_replication_slot($1, $2)", {copy, other.their_slot}, limit);
    };
    const auto theirs = dialect.subscriptions(there, limit);
    const auto row = std::find_if(theirs.begin(), theirs.end(),
                                  [&](const auto& each) { return each.name == other.their_subscription; });
    const auto held = row == theirs.end() ? std::nullopt : held_back(there, row->name, limit);
    // Its own comparison with us is not made yet, and enables it.
    const bool its_own = held && !held->starts_with(kProviderMoved);
    if (row == theirs.end()) {
        make_slot();
    } else if (slots.contains(other.their_slot)) {
        // A promotion drops them, so it was compared; what is applied by now may be of the new timeline.
        if (held && !its_own) let_go(there, dialect, row->name, limit);
    } else if (!is_gap(held)) {
        const bool goes_on = !its_own && (row->enabled || held);
        if (goes_on)
            hold_back(there, dialect, row->name, fmt::format("{}, and they are being compared", kProviderMoved), limit);
        const Lsn applied = applied_by(there, other.their_slot, limit);
        std::string gap;
        if (parted && applied > *parted)
            gap = fmt::format(
                "{}: it has applied what the last primary of {} wrote up to {}, of which the present "
                "one has nothing after {}",
                kSubscriptionGap, place_.node, to_string(applied), to_string(*parted));
        else if (!has_copy && !slots.contains(other.their_slot))
            gap = fmt::format("{}: the present primary of {} has no slot that goes on at {}", kSubscriptionGap,
                              place_.node, to_string(applied));
        if (gap.empty()) {
            make_slot();
            if (goes_on) let_go(there, dialect, row->name, limit);
        } else {
            ground_.log.error("the link of another node cannot go on",
                              {{"instance", place_.instance_id}, {"subscription", row->name}, {"reason", gap}});
            hold_back(there, dialect, row->name, gap, limit);
        }
    }
    drop_replication_slot(own, copy, limit);
}

/// R48: follows the first one, but only to where all who may take over have what was applied here by then.
void LinkKeeper::keep_second_slot(const View& view, Session& own, Session& provider, const OtherNode& other,
                                  const Limit& limit) {
    const auto second = kept_slot(other.slot);
    if (view.members.empty()) return drop_replication_slot(provider, second, limit);
    const auto rows = provider.run(
        "SELECT slot_name, confirmed_flush_lsn AS at, coalesce(wal_status = 'lost', false) AS lost FROM "
        "pg_replication_slots WHERE slot_name IN ($1, $2) ORDER BY length(slot_name)",
        {other.slot, second}, limit);
    if (rows.empty() || rows.text(0, "slot_name") != other.slot || rows.text(0, "lost") == "t") return;
    if (rows.size() == 2 && rows.text(1, "lost") == "t") drop_replication_slot(provider, second, limit);
    if (rows.size() == 1 || rows.text(1, "lost") == "t") {
        provider.run("SELECT pg_copy_logical_replication_slot($1, $2)", {other.slot, second}, limit);
        pending_.erase(other.slot);
        return;
    }
    const auto waiting = pending_.find(other.slot);
    if (waiting == pending_.end()) {
        const Lsn confirmed = parse_lsn(rows.text(0, "at"));
        if (confirmed <= parse_lsn(rows.text(1, "at"))) return;
        const auto written = own.run("SELECT pg_current_wal_flush_lsn()", limit).value();
        pending_[other.slot] = {confirmed, parse_lsn(written.value_or("0/0"))};
        return;
    }
    const auto least = own.run(
        "SELECT coalesce(min(coalesce(restart_lsn, '0/0')), '0/0') AS at, count(*)::bigint AS number FROM "
        "pg_replication_slots WHERE slot_type = 'physical' AND slot_name = ANY (string_to_array($1, ','))",
        {joined(view.members, ",")}, limit);
    const bool all = least.integer(0, "number") == static_cast<std::int64_t>(view.members.size());
    if (!all || parse_lsn(least.text(0, "at")) < waiting->second.written) return;
    provider.run("SELECT pg_replication_slot_advance($1, $2::pg_lsn)", {second, to_string(waiting->second.confirmed)},
                 limit);
    pending_.erase(waiting);
}

}  // namespace pgedge

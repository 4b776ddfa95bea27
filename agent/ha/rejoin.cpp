// How an instance that is no primary any more, or has no data, follows the node's primary again.
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "agent/ha/instance_seen.hpp"
#include "agent/postgres/conf_files.hpp"
#include "agent/resources/base_copy.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuick = 10s;
constexpr auto kRewind = 1h;
constexpr auto kCopyAll = 24h;
constexpr auto kEnd = 60s;
constexpr auto kBegin = 1h;
constexpr std::chrono::nanoseconds kBetweenTries = 1s, kBetweenCopies = 5s;
constexpr int kMostRewinds = 2;  ///< after which it does not stream: then its data are copied
constexpr std::string_view kCopied = "copied";
constexpr std::chrono::nanoseconds kKeepOld = 10min;

}  // namespace

std::string InstanceLoop::source_dsn(const HaMember& primary) const {
    const CertificateFiles files(paths_);
    return fmt::format(
        "host={} port={} user={} dbname=postgres sslmode=verify-full sslrootcert={} sslcert={} sslkey={} "
        "connect_timeout=3 target_session_attrs=read-write",
        primary.address, primary.port, kSuperuser, files.authority.string(), files.superuser.string(),
        files.own_superuser_key().string());
}

std::filesystem::path InstanceLoop::beside_data(std::string_view name) const {
    return paths_.data().parent_path() / name;
}

/// Until the primary has passed a checkpoint on its timeline it looks as if nothing had changed. Throws as long as it
/// does not answer, or has not: our own server is not touched before that.
void InstanceLoop::check_source(const HaNode& node, const HaMember& primary, const Limit& limit) {
    const auto said = ground_.runtime.command(
        {spec().value().bin_dir,
         "psql",
         {"--no-psqlrc", "-Atc", "SELECT timeline_id FROM pg_control_checkpoint()", source_dsn(primary)}},
        limit);
    const auto timeline = trimmed(said);
    if (timeline != std::to_string(node.last->timeline))
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} has not passed its first checkpoint as primary yet: its control file is of "
                                "timeline {}, it writes {}",
                                primary.instance_id, timeline, node.last->timeline));
}

/// What it had told of itself is over, for good, before its data change.
void InstanceLoop::forget_what_was_told(const Limit& limit) {
    complete_ = streamed_ = false;
    told_.clear();
    Transaction transaction;
    transaction.vital = true;
    transaction.add(HaTable::forget(place_.instance_id));
    ground_.store.commit(transaction, limit);
}

/// R41: what was a primary may have written what nobody else has. A directory that is half rewound is marked, and gets
/// a copy.
void InstanceLoop::rewind(const HaMember& primary, const Limit& limit) {
    const auto server = spec();
    log_.info("the data are rewound to those of the primary",
              {{"instance", place_.instance_id}, {"primary", primary.instance_id}});
    const auto mark = beside_data(kRewinding);
    write_file(mark, "");
    try {
        ground_.runtime.command({server->bin_dir,
                                 "pg_rewind",
                                 {"--target-pgdata=" + paths_.data().string(), "--source-server=" + source_dsn(primary),
                                  "--config-file=" + paths_.config_file().string()}},
                                limit);
    } catch (const Error& error) {
        // It connects before it touches anything.
        if (std::string_view(error.what()).find("connection to server at") != std::string_view::npos)
            std::filesystem::remove(mark);
        else
            ++rewinds_failed_;
        throw;
    }
    ++rewinds_failed_;  // until it streams: what does not help is not done again and again
    std::filesystem::remove(mark);
}

/// The primary to follow, once it serves; nullptr: not yet, or it is not yet time for another try.
const HaMember* InstanceLoop::source_to_follow(const Seen& seen, std::chrono::nanoseconds pause) {
    const auto& node = seen.node;
    const auto* primary = node.find(seen.lease.lease.holder);
    if (!primary || !node.last || node.last_term != seen.lease.lease.epoch) return nullptr;
    const std::lock_guard lock(mutex_);
    if (ground_.clock.monotonic() < next_start_) return nullptr;
    next_start_ = ground_.clock.monotonic() + pause;
    return primary;
}

void InstanceLoop::rejoin(const Seen& seen) {
    if (ground_.runtime.is_standby(place_.instance_id) && !seen.observation.diverged)
        return start_as(ServerRole::standby);
    if (rewinds_failed_ >= kMostRewinds) return copy(seen);
    const auto server = spec();
    const auto* primary = server ? source_to_follow(seen, kBetweenTries) : nullptr;
    if (!primary) return;
    const auto same_number = [&] {
        const auto own = newest_timeline();
        return own.timeline >= seen.node.last->timeline && own.begins != seen.node.last_begins;
    };
    if (same_number()) {
        log_.warn("its data are of another timeline of the same number as the primary's: it gets a copy",
                  {{"instance", place_.instance_id}});
        rewinds_failed_ = kMostRewinds;
        return;
    }
    forget_what_was_told(Limit(kQuick));
    begin(Job::rejoin, [this, node = seen.node, primary = *primary, server](const std::stop_token& stop) {
        check_source(node, primary, Limit(kQuick, stop));
        ground_.runtime.stop(place_.instance_id, StopMode::fast, Limit(kEnd, stop));
        rewind(primary, Limit(kRewind, stop));
        ground_.runtime.start(*server, as(ServerRole::standby), Limit(kBegin, stop));
    });
}

/// R43: what is there is kept until the copy has streamed for a while.
void InstanceLoop::copy(const Seen& seen) {
    const auto server = spec();
    // Without the mark this is only the place where the disk of the data was mounted.
    if (!server || !std::filesystem::exists(beside_data(kMark))) return;
    const auto* primary = source_to_follow(seen, kBetweenCopies);
    if (!primary) return;
    forget_what_was_told(Limit(kQuick));
    begin(Job::rejoin, [this, node = seen.node, primary = *primary, server](const std::stop_token& stop) {
        const Limit limit(kCopyAll, stop);
        check_source(node, primary, Limit(kQuick, stop));
        ground_.runtime.stop(place_.instance_id, StopMode::fast, Limit(kEnd, stop));
        log_.warn("the data are copied anew from the primary",
                  {{"instance", place_.instance_id}, {"primary", primary.instance_id}});
        delete_unfinished(paths_, limit, kCopied);
        const auto fresh = unfinished_data(paths_, kCopied);
        copy_from_primary(ground_.runtime, ground_.user, paths_,
                          {server->bin_dir, primary.instance_id, primary.address, primary.port,
                           physical_slot_name(place_.instance_id)},
                          fresh, {}, limit);
        const auto old = beside_data(kOldData);
        if (std::filesystem::exists(paths_.data())) {
            delete_tree(old, limit);
            rename_durably(paths_.data(), old);
        }
        rename_durably(fresh, paths_.data());
        std::filesystem::remove(beside_data(kRewinding));
        rewinds_failed_ = 0;
        ground_.runtime.start(*server, as(ServerRole::standby), Limit(kBegin, stop));
    });
}

/// Of a standby that follows. Beside everything else: it may take long, and must not be in the way of a failover.
void InstanceLoop::forget_old_data(const Seen& seen) {
    if (seen.observation.in_phase < kKeepOld || !streamed_ || cleaning_.exchange(true)) return;
    const auto old = beside_data(kOldData);
    if (!std::filesystem::exists(old)) {
        cleaning_ = false;
        return;
    }
    cleaner_ = std::jthread([this, old](const std::stop_token& stop) {
        try {
            // Slice by slice, so that the agent can end.
            for (std::filesystem::recursive_directory_iterator entry(old), end; entry != end && !stop.stop_requested();
                 ++entry)
                if (entry->is_regular_file()) std::filesystem::remove(entry->path());
            if (!stop.stop_requested()) delete_tree(old, Limit(kEnd, stop));
        } catch (const std::exception& error) {
            log_.warn("the data from before a copy are not deleted",
                      {{"instance", place_.instance_id}, {"directory", old.string()}, {"reason", error.what()}});
        }
        cleaning_ = false;
    });
}

/// The newest timeline of which it has a piece of the log, and where that began; also of a server that is down.
InstanceLoop::Branch InstanceLoop::newest_timeline() const {
    Branch newest;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths_.data() / "pg_wal", error)) {
        const auto name = entry.path().filename().string();
        if (name.size() != 24) continue;
        int timeline = 0;
        const auto* end = name.data() + 8;
        if (std::from_chars(name.data(), end, timeline, 16).ptr == end)
            newest.timeline = std::max(newest.timeline, timeline);
    }
    const auto file = paths_.data() / "pg_wal" / fmt::format("{:08X}.history", newest.timeline);
    if (const auto text = read_foreign_file(file))
        if (const auto history = read_timeline_history(*text, newest.timeline); !history.empty())
            newest.begins = history.back().at;
    return newest;
}

}  // namespace pgedge

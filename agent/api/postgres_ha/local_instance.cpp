#include "agent/api/postgres_ha/local_instance.hpp"

#include <charconv>

#include <fmt/format.h>

#include "agent/api/postgres_ha/faults.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/runtime/stale_locks.hpp"
#include "agent/runtime/standby_signal.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kFactsSqlLimit = 1500ms;  // of an answer that other agents wait two seconds for
constexpr std::size_t kMostSegments = 1 << 20;

/// What the position functions of a primary give is an error on a standby, and the other way round.
constexpr std::string_view kFactsQuery = R"(
SELECT pg_is_in_recovery() AS recovery, (SELECT status FROM pg_stat_wal_receiver) AS receiver,
  coalesce(pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn(), true) AS drained,
  (SELECT count(*) FROM pg_stat_replication s WHERE s.state IN ('catchup', 'streaming')
     AND s.application_name = ANY ($1::text[])
     AND NOT EXISTS (SELECT FROM pg_replication_slots l WHERE l.active_pid = s.pid AND l.slot_type = 'logical')) AS standbys,
  CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
       ELSE pg_current_wal_flush_lsn() END AS position,
  CASE WHEN pg_is_in_recovery() THEN (SELECT received_tli FROM pg_stat_wal_receiver)::bigint
       ELSE ('x' || substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8))::bit(32)::bigint END AS timeline)";

/// {"a","b"}; names of slots and ids have no characters that would have to be quoted otherwise.
std::string text_array(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    for (const auto& text : texts)
        if (text.find_first_of("\"\\") == std::string::npos) quoted.push_back('"' + text + '"');
    return "{" + joined(quoted, ",") + "}";
}

}  // namespace

LocalInstance::LocalInstance(Runtime& runtime, const InstanceUser& user, const std::string& instance_id)
    : runtime_(runtime),
      user_(user),
      server_([&] {
          try {
              return server_of(runtime, instance_id);
          } catch (const Error& error) {
              if (error.kind() != ErrorKind::not_found) throw;
              throw pg_failure(PgFault::no_instance, error.text());
          }
      }()),
      data_(server_.paths.data()) {}

int LocalInstance::major() const {
    const auto text = read_foreign_file(data_ / "PG_VERSION").value_or("");
    int major = 0;
    std::from_chars(text.data(), text.data() + text.size(), major);
    if (major == 0) throw Error(ErrorKind::failed, data_.string() + " has no PG_VERSION: it is no data directory yet");
    return major;
}

ControlData LocalInstance::control(const Limit& limit) const {
    return parse_control_data(
        runtime_.command({server_.bin_dir, "pg_controldata", {"--pgdata=" + data_.string()}}, limit));
}

InstanceFacts LocalInstance::facts(const std::vector<std::string>& standbys, const Limit& limit) const {
    InstanceFacts facts;
    facts.standby_signal = has_standby_signal(data_);
    facts.running = postmaster_lives(data_);
    if (!facts.running) return facts;
    try {
        const Limit soon = limit.no_longer_than(kFactsSqlLimit);
        auto session = connect_locally(runtime_, server_.instance_id(), "postgres", soon);
        const auto seen = session.run(std::string(kFactsQuery), {text_array(standbys)}, soon);
        facts.recovery = seen.text(0, "recovery") == "t";
        facts.receiver = seen.at(0, "receiver").value_or("");
        facts.drained = seen.text(0, "drained") == "t";
        facts.standbys = static_cast<int>(seen.integer(0, "standbys").value_or(0));
        facts.timeline = static_cast<std::uint32_t>(seen.integer(0, "timeline").value_or(0));
        if (const auto& position = seen.at(0, "position")) facts.position = parse_lsn(*position);
        facts.answers = true;
    } catch (const Error&) {
        // It is on its way up or down, or hangs: that it gives no answer is what there is to tell.
    }
    return facts;
}

Connection LocalInstance::session(const Limit& limit) const {
    const auto down = [&](const std::string& why) {
        return pg_failure(PgFault::not_running, server_.instance_id() + " does not take sessions: " + why);
    };
    if (!postmaster_lives(data_)) throw down("it is stopped");
    try {
        return connect_locally(runtime_, server_.instance_id(), "postgres", limit);
    } catch (const Error& error) {
        if (!error.transient()) throw;
        throw down(error.text());
    }
}

std::optional<WalPageProblem> LocalInstance::check(const Fd& file, const WalSegment& segment,
                                                   const ControlData& control) const {
    return check_wal_page(read_at(file, 0, kWalPageHead),
                          {major(), control.system_id, control.segment_size, control.block_size, segment});
}

bool LocalInstance::is_segment(const WalDirectory& wal, const WalSegment& segment, const ControlData& control) const {
    const auto file = wal.open(wal_file_name(segment, control.segment_size));
    return file && !check(*file, segment, control);
}

WalEnd LocalInstance::end_of_log(const ControlData& control, const Limit& limit) const {
    const auto seen = facts({}, limit);
    if (seen.answers && seen.position != Lsn{})
        return {seen.timeline != 0 ? seen.timeline : control.newest_timeline(), seen.position, true};
    // From the last checkpoint on, as far as there are files with the right content.
    const auto directory = wal();
    WalSegment last = segment_at(control.timeline, control.redo, control.segment_size);
    for (std::size_t count = 0; count < kMostSegments; ++count) {
        limit.check("looking for the end of the log");
        const WalSegment newer{control.newest_timeline(), count == 0 ? last.number : last.number + 1};
        const WalSegment same{last.timeline, newer.number};
        if (is_segment(directory, newer, control))
            last = newer;
        else if (count > 0 && is_segment(directory, same, control))
            last = same;
        else if (count > 0)
            break;
    }
    return {last.timeline, start_of(last, control.segment_size), false};
}

WalDump LocalInstance::dump(const std::vector<std::string>& arguments, const Limit& limit) const {
    WalDump dump;
    try {
        runtime_.command({server_.bin_dir, "pg_waldump", arguments, [&](std::string_view line) { dump.add(line); }},
                         limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed || !is_end_of_wal(error.text())) throw;
    }
    return dump;
}

TimelineAncestors LocalInstance::history(std::uint32_t timeline) const {
    const auto name = fmt::format("{:08X}.history", timeline);
    const auto file = wal().open(name);
    if (!file) return {};
    try {
        return parse_history_file(read_at(*file, 0, kMostHistory), timeline);
    } catch (const Error& error) {
        throw Error(ErrorKind::failed, name + " of " + server_.instance_id() + " makes no sense: " + error.text());
    }
}

LsnAnswer LocalInstance::lsn(const Limit& limit) const {
    const auto control_data = control(limit);
    const auto end = end_of_log(control_data, limit);
    const auto directory = wal();
    const auto ancestors = history(end.timeline);
    // A position at a segment's very end belongs to that segment.
    const Lsn inside{end.running && end.position.bytes > 0 ? end.position.bytes - 1 : end.position.bytes};
    auto segment = segment_at(end.timeline, inside, control_data.segment_size);
    LsnAnswer answer{control_data.checkpoint, control_data.redo, {}, control_data.redo_file, control_data.timeline, 0};
    // The newest segment may hold no whole record yet: then the last one is in the segment before.
    for (int back = 0; back < 2; ++back) {
        std::vector<std::string> words{"--path=" + directory.path_of("").string(),
                                       "--timeline=" + std::to_string(segment.timeline),
                                       "--start=" + to_string(start_of(segment, control_data.segment_size))};
        if (end.running) words.push_back("--end=" + to_string(end.position));
        if (const auto found = dump(words, limit); found.last()) {
            answer.last = found.last()->at;
            answer.last_timeline = segment.timeline;
            return answer;
        }
        if (segment.number == 0) break;
        --segment.number;
        if (!is_segment(directory, segment, control_data) && !ancestors.empty())
            segment.timeline = ancestors.back().timeline;
    }
    throw Error(ErrorKind::failed, "pg_waldump finds no record at the end of the log of " + server_.instance_id());
}

}  // namespace pgedge

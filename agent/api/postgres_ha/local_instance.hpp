#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/postgres_ha/instance_state.hpp"
#include "agent/api/postgres_ha/wal_directory.hpp"
#include "agent/api/postgres_ha/wal_dump.hpp"
#include "agent/postgres/connection.hpp"
#include "agent/postgres/control_data.hpp"
#include "agent/postgres/timeline_history.hpp"
#include "agent/postgres/wal_page.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// Where the log of an instance ends.
struct WalEnd {
    std::uint32_t timeline = 0;
    Lsn position{};        ///< of a stopped instance: the start of its last segment
    bool running = false;  ///< the server said so
};

/// GET lsn/current of one instance.
struct LsnAnswer {
    Lsn checkpoint{}, redo{}, last{};
    std::string redo_file;
    std::uint32_t timeline = 0, last_timeline = 0;
};

/// One instance of this host as its files, PostgreSQL's programs and its server tell of it. For one request.
class LocalInstance {
public:
    /// All outlive this. Throws the failure "no instance" when this host keeps none of that id.
    LocalInstance(Runtime& runtime, const InstanceUser& user, const std::string& instance_id);

    const std::filesystem::path& data() const { return data_; }
    const std::filesystem::path& data_dir() const { return server_.paths.data_dir(); }
    int major() const;  ///< by PG_VERSION; throws Error{failed}
    WalDirectory wal() const { return {data_, user_}; }
    const InstanceUser& user() const { return user_; }
    ControlData control(const Limit& limit) const;

    /// `standbys`: what the other instances call themselves as standbys.
    InstanceFacts facts(const std::vector<std::string>& standbys, const Limit& limit) const;
    /// Throws the failure "not running" when it does not take sessions.
    Connection session(const Limit& limit) const;

    WalEnd end_of_log(const ControlData& control, const Limit& limit) const;
    LsnAnswer lsn(const Limit& limit) const;
    /// Runs pg_waldump. That the log ends is no failure.
    WalDump dump(const std::vector<std::string>& arguments, const Limit& limit) const;
    /// Where the timeline comes from, by its history file; empty when it is the first, or nobody left its file. Throws
    /// Error{failed} when the file makes no sense.
    TimelineAncestors history(std::uint32_t timeline) const;
    /// What is wrong with the file as that segment; of the first page alone.
    std::optional<WalPageProblem> check(const Fd& file, const WalSegment& segment, const ControlData& control) const;

private:
    bool is_segment(const WalDirectory& wal, const WalSegment& segment, const ControlData& control) const;

    Runtime& runtime_;
    const InstanceUser& user_;
    const ServerSpec server_;
    const std::filesystem::path data_;
};

}  // namespace pgedge

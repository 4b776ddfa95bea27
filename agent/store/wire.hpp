#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/sql.hpp"
#include "common/base/file.hpp"

namespace pgedge {

/// What a node of the replicated engine does: a stand-by has the data but no vote, a spare neither.
enum class NodeRole : std::uint64_t { voter = 0, standby = 1, spare = 2 };
std::string_view to_string(NodeRole role);

struct NodeInfo {
    std::uint64_t id = 0;
    std::string address;  ///< as given to the engine: the host's id
    NodeRole role = NodeRole::spare;
    bool operator==(const NodeInfo&) const = default;
};

/// Codes of the engine beside SQLite's own.
namespace engine_code {
inline constexpr std::uint64_t kBusy = 5;
inline constexpr std::uint64_t kBusySnapshot = 517;
inline constexpr std::uint64_t kNotLeader = 10250;       ///< nothing happened
inline constexpr std::uint64_t kTransferring = 7;        ///< from a write during a transfer: nothing happened
inline constexpr std::uint64_t kNoDatabase = 12;         ///< the connection lost its leader
inline constexpr std::uint64_t kLeadershipLost = 10506;  ///< the outcome is unknown
}  // namespace engine_code

/// One connection to the node in this process: the engine's wire protocol, version 1 (state-store.md §6). For one
/// thread at a time, but cut() is for any. A request that is refused throws SqliteError with the engine's code; when no
/// whole answer comes in time, Error{unreachable} or Error{timed_out}, and the connection is good for nothing more.
class WireConnection final : public SqlConnection {
public:
    using Duration = std::chrono::milliseconds;

    /// `socket` is the node's bind address, an abstract socket: "@…". `timeout` is for each request.
    WireConnection(std::string_view socket, Duration timeout);

    void set_timeout(Duration timeout) { timeout_ = timeout; }
    /// Makes a request under way, and all later ones, fail at once.
    void cut();
    bool broken() const { return broken_; }

    /// Opens the one database; only the leader lets one.
    void open(std::string_view database);
    Answer run(const Statement& statement) override;
    Answer run_often(const Statement& statement) override;
    void execute(std::string_view sql) override;

    NodeInfo leader();  ///< id 0: this node knows none. A stand-by or a spare refuses to answer.
    std::vector<NodeInfo> cluster();
    void add(std::uint64_t id, std::string_view address);  ///< as a spare
    void assign(std::uint64_t id, NodeRole role);
    void remove(std::uint64_t id);
    void transfer(std::uint64_t id);  ///< leadership; 0: to any voter that is up to date
    struct Dump {
        std::string database, log;  ///< SQLite's two files: the database and its write-ahead log
    };
    Dump dump(std::string_view database);

private:
    struct Reply {
        std::uint8_t type = 0;
        std::string body;
    };
    std::uint32_t prepare(std::string_view sql);
    Answer answer_to(StatementKind kind, std::uint8_t request, const std::string& body);
    void send(std::uint8_t type, std::string_view body);
    Reply receive();
    Reply call(std::uint8_t type, std::string_view body, std::uint8_t wanted);
    Reply expect(Reply reply, std::uint8_t wanted);
    Rows read_rows(Reply first);
    void write_all(std::string_view bytes);
    void read_all(char* into, std::size_t size);
    void wait_for(short events);
    [[noreturn]] void lost(ErrorKind kind, const std::string& why);

    Fd socket_;
    Duration timeout_;
    std::chrono::steady_clock::time_point deadline_{};
    std::uint32_t database_ = 0;
    std::map<std::string, std::uint32_t> prepared_;  ///< the engine's number of each statement
    bool broken_ = false;
};

}  // namespace pgedge

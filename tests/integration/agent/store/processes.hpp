#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/types.h>

#include "agent/store/store.hpp"

namespace pgedge {

/// The store of an agent in another process. Safe from any thread.
class RemoteStore final : public Store {
public:
    explicit RemoteStore(std::string socket) : socket_(std::move(socket)) {}
    CommitResult commit(const Transaction& transaction, const Limit& limit) override;
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override;
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override;
    /// Whether it leads, and how many hosts vote.
    std::pair<bool, std::uint64_t> status(const Limit& limit);

private:
    std::string ask(std::string_view name, const std::string& body, const Limit& limit);
    const std::string socket_;
};

/// Agents' stores in processes of their own, hosts 1, 2, … in one cluster. For one thread.
class Agents {
public:
    struct Options {
        int hosts = 3;
        std::string network = "127.12.0.";  ///< the address of a host is this and 50 and its number
        std::filesystem::path folder{};     ///< empty: one of its own
        /// Not 0: each agent's store is on a small disk of its own (in memory; needs root).
        std::size_t disk_mb = 0;
        std::string program = PGEDGE_STORE_AGENT;
        /// Words before the program's, to start it in another place.
        std::function<std::vector<std::string>(int number)> within{};
        bool keep_messages = false;  ///< in host-N.log, not on this process's standard error
    };
    Agents() : Agents(Options()) {}
    /// Founds the cluster, and waits until it has its voters.
    explicit Agents(Options options);
    ~Agents();
    Agents(const Agents&) = delete;
    Agents& operator=(const Agents&) = delete;

    static std::string host(int number) { return "host-" + std::to_string(number); }
    std::string address(int number) const { return options_.network + std::to_string(50 + number); }
    std::filesystem::path directory(int number) const { return options_.folder / host(number); }
    std::filesystem::path messages(int number) const { return options_.folder / (host(number) + ".log"); }
    /// What an agent keeps beside its store.
    std::filesystem::path record(int number) const { return directory(number).string() + "-record"; }
    std::filesystem::path socket(int number) const { return options_.folder / (host(number) + ".sock"); }
    /// While it is there, the agent answers no other agent's calls.
    std::filesystem::path deaf(int number) const { return options_.folder / (host(number) + ".deaf"); }
    const std::filesystem::path& folder() const { return options_.folder; }
    RemoteStore at(int number) const { return RemoteStore(socket(number)); }

    void signal(int number, int which);
    void kill(int number);
    /// As an administrator stops it; it must end by itself.
    void stop(int number);
    /// One that has ended stays to be waited for: its pid must not be another process's when it is killed.
    bool lives(int number) const;
    /// How it ended, as waitpid() says it; it is started again with resume(). nullopt: it lives.
    std::optional<int> ended(int number);
    bool runs(int number) const { return pids_.contains(number); }
    void resume(int number) { spawn(number, {"resume"}); }
    /// Agents that are started from now on.
    void use(std::string program) { options_.program = std::move(program); }
    void wait_for_answer(int number);
    int leader();
    /// For 90 seconds, then the test ends and tells the line that waited.
    template <class Condition>
    static void wait_for(Condition condition, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        for (const Limit limit(std::chrono::seconds(90)); !condition(); limit.pause(std::chrono::milliseconds(10)))
            if (limit.over()) FAIL("waited in vain at ", std::string(file), ":", line);
    }
    /// Writes until there is no room left on its disk.
    static void fill_disk(const std::filesystem::path& directory);
    static void free_disk(const std::filesystem::path& directory);

private:
    void make_disk(int number);
    void make_certificates();
    void spawn(int number, const std::vector<std::string>& mode);
    void add_row(int number, std::uint64_t node_id);

    Options options_;
    std::vector<std::filesystem::path> mounts_;
    std::map<int, pid_t> pids_;
};

}  // namespace pgedge

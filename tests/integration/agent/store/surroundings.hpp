#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/file.hpp"

namespace pgedge {

/// Where hosts 1, 2, … of a test live: each in a network namespace of its own, with the address 10.77.0.<50 + host> on
/// one network, and with a small disk (ext4). Links can be cut in one direction, disks stalled. Needs root; throws
/// Error{denied} that says so. Moves the calling thread, and those that it starts, into namespaces of their own: all of
/// this ends with the process, in whatever way that ends. For one thread.
class Surroundings {
public:
    Surroundings(int hosts, std::size_t disk_mb);
    ~Surroundings();
    Surroundings(const Surroundings&) = delete;
    Surroundings& operator=(const Surroundings&) = delete;

    static constexpr const char* kNetwork = "10.77.0.";
    const std::filesystem::path& folder() const { return folder_; }
    std::filesystem::path disk(int host) const { return folder_ / ("host-" + std::to_string(host)); }
    /// Words before a program's, to start it on this host. It ends with the thread that starts it.
    std::vector<std::string> on(int host) const;

    /// What `from` sends to `to` is lost from now on, without a word.
    void cut(int from, int to) { aim(from, to, false); }
    void mend(int from, int to) { aim(from, to, true); }
    /// Whoever writes to this disk waits, and cannot even be killed, until it is thawed.
    void stall(int host);
    void thaw(int host);

private:
    struct Room {
        Fd network, disk;
    };
    std::string network_of(int host) const;
    void make_network(int hosts);
    void make_disk(int host, std::size_t megabytes);
    void aim(int from, int to, bool right);
    void start_guardian();

    std::filesystem::path folder_;
    std::vector<Room> rooms_;  // of host number n: n - 1
    Fd alive_;                 // the guardian's sign that we are there
};

}  // namespace pgedge

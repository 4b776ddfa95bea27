#include "tests/integration/agent/store/surroundings.hpp"

#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kNeeded =
    "this test needs root, Linux namespaces and loop devices, and the packages iproute2, e2fsprogs and util-linux";

[[noreturn]] void not_possible(std::string_view what, std::string_view why) {
    throw Error(ErrorKind::denied, fmt::format("cannot {}: {}; {}", what, why, kNeeded));
}

void require_done(bool done, std::string_view what) {
    if (!done) not_possible(what, errno_text(errno));
}

void run_words(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int spawned = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
    int end = 0;
    if (spawned == 0) ::waitpid(pid, &end, 0);
    if (spawned == 0 && WIFEXITED(end) && WEXITSTATUS(end) == 0) return;
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    not_possible("run \"" + text + "\"", spawned != 0 ? errno_text(spawned) : "it failed");
}

std::string hardware_address(int host) { return fmt::format("02:00:00:00:00:{:02x}", host); }
std::string network_address(int host) { return fmt::format("{}{}", Surroundings::kNetwork, 50 + host); }

}  // namespace

Surroundings::Surroundings(int hosts, std::size_t disk_mb)
    : folder_(fs::temp_directory_path() / ("pgedge-hosts-" + random_hex(6))) {
    require_done(::unshare(CLONE_NEWNS | CLONE_NEWNET) == 0, "make namespaces");
    require_done(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "have mounts of its own");
    fs::create_directories(folder_);
    const auto room = fmt::format("mode=0700,size={}m", 64 + static_cast<std::size_t>(hosts) * disk_mb);
    require_done(::mount("none", folder_.c_str(), "tmpfs", 0, room.c_str()) == 0, "mount a tmpfs");
    rooms_.resize(static_cast<std::size_t>(hosts));
    make_network(hosts);
    for (int host = 1; host <= hosts; ++host) make_disk(host, disk_mb);
    start_guardian();
}

Surroundings::~Surroundings() {
    for (std::size_t i = 0; i < rooms_.size(); ++i) {
        ::ioctl(rooms_[i].disk.get(), FITHAW, 0);  // refused when it is not stalled
        rooms_[i] = {};
        ::umount2(disk(static_cast<int>(i) + 1).c_str(), MNT_DETACH);
    }
    ::umount2(folder_.c_str(), MNT_DETACH);
    std::error_code ignored;  // an empty folder that stays does no harm
    fs::remove(folder_, ignored);
}

std::string Surroundings::network_of(int host) const {
    return fmt::format("/proc/{}/fd/{}", ::getpid(), rooms_.at(static_cast<std::size_t>(host) - 1).network.get());
}

std::vector<std::string> Surroundings::on(int host) const {
    return {"setpriv", "--pdeathsig", "KILL", "--", "nsenter", "--net=" + network_of(host), "--"};
}

void Surroundings::make_network(int hosts) {
    run_words({"ip", "link", "add", "hub", "type", "bridge"});
    run_words({"ip", "link", "set", "hub", "up"});
    const auto inside = [&](int host, std::vector<std::string> words) {
        words.insert(words.begin(), {"nsenter", "--net=" + network_of(host), "--", "ip"});
        run_words(std::move(words));
    };
    for (int host = 1; host <= hosts; ++host) {
        auto& network = rooms_[static_cast<std::size_t>(host) - 1].network;
        std::thread([&] {  // a thread for the namespace to come from
            if (::unshare(CLONE_NEWNET) == 0) network = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        })
            .join();
        if (!network) not_possible("make a network namespace", "it was refused");
        const auto port = fmt::format("port{}", host);
        run_words({"ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "address", hardware_address(host),
                   "netns", network_of(host)});
        run_words({"ip", "link", "set", port, "master", "hub", "up"});
        inside(host, {"link", "set", "lo", "up"});
        inside(host, {"address", "add", network_address(host) + "/24", "dev", "eth0"});
        inside(host, {"link", "set", "eth0", "up"});
    }
    for (int from = 1; from <= hosts; ++from)
        for (int to = 1; to <= hosts; ++to)
            if (from != to) mend(from, to);
}

/// A host sends to a hardware address that nobody has, or to the right one.
void Surroundings::aim(int from, int to, bool right) {
    run_words({"nsenter", "--net=" + network_of(from), "--", "ip", "neighbour", "replace", network_address(to),
               "lladdr", right ? hardware_address(to) : "02:00:00:00:ff:ff", "dev", "eth0", "nud", "permanent"});
}

void Surroundings::make_disk(int host, std::size_t megabytes) {
    const auto image = folder_ / fmt::format("disk-{}", host);
    const Fd file(::open(image.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    require_done(file && ::ftruncate(file.get(), static_cast<off_t>(megabytes << 20)) == 0, "make a disk");
    run_words({"mkfs.ext4", "-q", "-m", "0", image});
    fs::create_directories(disk(host));
    run_words({"mount", "-o", "loop", image, disk(host)});
    fs::permissions(disk(host), fs::perms::owner_all);
    auto& kept = rooms_[static_cast<std::size_t>(host) - 1].disk;
    kept = Fd(::open(disk(host).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    require_done(static_cast<bool>(kept), "open a disk");
}

void Surroundings::stall(int host) {
    const auto& room = rooms_.at(static_cast<std::size_t>(host) - 1);
    require_done(::ioctl(room.disk.get(), FIFREEZE, 0) == 0, "stall a disk");
}

void Surroundings::thaw(int host) {
    const auto& room = rooms_.at(static_cast<std::size_t>(host) - 1);
    require_done(::ioctl(room.disk.get(), FITHAW, 0) == 0, "thaw a disk");
}

/// A process that thaws all disks when this one has ended: whoever waits for a stalled disk cannot be killed. It is
/// nobody's child, so that it outlives one who ends all of our processes.
void Surroundings::start_guardian() {
    int ends[2] = {-1, -1};
    require_done(::pipe2(ends, O_CLOEXEC) == 0, "make a pipe");
    const Fd reading(ends[0]);
    alive_ = Fd(ends[1]);
    const pid_t parent = ::fork();
    require_done(parent >= 0, "make a process");
    if (parent > 0) {
        ::waitpid(parent, nullptr, 0);
        return;
    }
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::close(alive_.get());
    char nothing = 0;
    while (::read(reading.get(), &nothing, 1) < 0 && errno == EINTR) continue;
    for (const auto& room : rooms_) ::ioctl(room.disk.get(), FITHAW, 0);
    ::_exit(0);
}

}  // namespace pgedge

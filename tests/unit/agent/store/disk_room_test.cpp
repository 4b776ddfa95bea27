#include "agent/store/disk_room.hpp"

#include <doctest/doctest.h>
#include <sys/mount.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/limit.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A disk in memory.
class SmallDisk {
public:
    explicit SmallDisk(const char* size) {
        const auto options = std::string("mode=0700,size=") + size;
        if (::mount("none", path().c_str(), "tmpfs", 0, options.c_str()) != 0)
            throw Error(ErrorKind::denied, errno_text(errno));
    }
    ~SmallDisk() { ::umount2(path().c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    fs::path path() const { return folder_.path(); }

private:
    const testing::TemporaryDirectory folder_;
};

}  // namespace

TEST_CASE("room for the store is two files of its log and twice its state; a shortage must last before it refuses") {
    std::optional<SmallDisk> disk;
    try {
        disk.emplace("20m");
    } catch (const Error& error) {
        MESSAGE("not run: small disks need root (" << error.what() << ")");
        CHECK(error.kind() == ErrorKind::denied);
        return;
    }
    DiskRoom room(disk->path(), disk->path() / "state.db");
    CHECK(room.shortage().empty());

    write_file(disk->path() / "state.db", std::string(2 << 20, 's'));
    const Limit soon(10s);
    while (room.shortage().empty() && soon.pause(20ms)) continue;
    CHECK(room.shortage() == "disk full: 18 MB are free in " + disk->path().string() + ", the store needs 21 MB");
    CHECK(room.lasting_shortage().empty());
    while (room.lasting_shortage().empty() && soon.pause(20ms)) continue;
    CHECK(room.lasting_shortage() == room.shortage());

    fs::remove(disk->path() / "state.db");
    const Limit again(10s);
    while (!room.lasting_shortage().empty() && again.pause(20ms)) continue;
    CHECK(room.lasting_shortage().empty());
    CHECK(room.shortage().empty());
}

TEST_CASE("a disk that cannot be looked at is not called full") {
    DiskRoom room("/nonexistent/store", "/nonexistent/store/state.db");
    CHECK(room.shortage().empty());
}

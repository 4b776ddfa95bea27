#include "common/base/file.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using pgedge::testing::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

std::size_t entries_in(const fs::path& directory) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// The process' file mode mask while this lives.
class Umask {
public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    ~Umask() { ::umask(before_); }

private:
    const mode_t before_;
};

template <class Work>
std::pair<ErrorKind, std::string> file_error(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return {error.kind(), error.text()};
    }
    return {ErrorKind::internal, "no error"};
}

}  // namespace

TEST_CASE("what was written reads back, byte by byte") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "file";
    for (const auto& text : {std::string(), std::string("a\0\n\xff", 4), std::string(100'000, 'x')}) {
        write_file(path, text);
        CHECK((read_file(path) == text));
    }
}

TEST_CASE("a file has the mode that was asked for, whatever the mask and the old file say") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "file";
    const Umask strict(0077);

    write_file(path, "a");
    CHECK(mode_of(path) == 0644);
    write_file(path, "b", 0600);
    CHECK(mode_of(path) == 0600);
    const Umask none(0);
    write_file(path, "c", 0640);
    CHECK(mode_of(path) == 0640);
}

TEST_CASE("writing leaves nothing but the file") {
    const TemporaryDirectory directory;

    write_file(directory.path() / "file", "one");
    write_file(directory.path() / "file", "two");

    CHECK(entries_in(directory.path()) == 1);
}

TEST_CASE("a write that fails leaves the old state and no temporary file") {
    const TemporaryDirectory directory;
    fs::create_directories(directory.path() / "taken" / "inner");

    const auto [kind, text] = file_error([&] { write_file(directory.path() / "taken", "x"); });

    CHECK(kind == ErrorKind::failed);
    CHECK(text.starts_with("cannot replace " + (directory.path() / "taken").string() + ": "));
    CHECK(entries_in(directory.path()) == 1);
    CHECK(fs::is_directory(directory.path() / "taken" / "inner"));
}

TEST_CASE("a write into no directory says so") {
    const TemporaryDirectory directory;
    CHECK(file_error([&] { write_file(directory.path() / "absent" / "file", "x"); }).first == ErrorKind::not_found);
}

TEST_CASE("a symbolic link is replaced, and what it names is left alone") {
    const TemporaryDirectory directory;
    write_file(directory.path() / "target", "old");
    fs::create_symlink("target", directory.path() / "link");

    write_file(directory.path() / "link", "new");

    CHECK(read_file(directory.path() / "target") == "old");
    CHECK(read_file(directory.path() / "link") == "new");
}

TEST_CASE("a reader sees the old text or the new one, never a part") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "file";
    const std::string texts[] = {std::string(50'000, 'a'), std::string(70'000, 'b')};
    write_file(path, texts[0]);

    std::atomic<bool> done = false;
    std::jthread writer([&] {
        for (int i = 1; i <= 50; ++i) write_file(path, texts[i % 2]);
        done = true;
    });
    bool whole = true;
    do {
        const std::string seen = read_file(path);
        whole = whole && (seen == texts[0] || seen == texts[1]);
    } while (!done);

    CHECK(whole);
}

TEST_CASE("a file above the limit is refused and one of the limit's size is read") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "file";
    write_file(path, std::string(20'000, 'x'));

    CHECK(read_file(path, 20'000).size() == 20'000);
    CHECK(file_error([&] { read_file(path, 19'999); }) ==
          std::pair(ErrorKind::invalid_input, path.string() + " is larger than 19999 bytes"));
    CHECK(file_error([&] { read_file_if_there(path, 19'999); }).first == ErrorKind::invalid_input);
    CHECK(file_error([&] { read_file("/dev/zero", 1000); }).first == ErrorKind::invalid_input);
}

TEST_CASE("a file that is not there is an error to one reader and nothing to the other") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "absent";

    CHECK(file_error([&] { read_file(path); }) ==
          std::pair(ErrorKind::not_found, "cannot open " + path.string() + ": " + errno_text(ENOENT)));
    CHECK(read_file_if_there(path) == std::nullopt);
    write_file(path, "");
    CHECK(read_file_if_there(path) == "");
}

TEST_CASE("a directory is no file, for either reader") {
    const TemporaryDirectory directory;
    CHECK(file_error([&] { read_file(directory.path()); }).first == ErrorKind::failed);
    CHECK(file_error([&] { read_file_if_there(directory.path()); }).first == ErrorKind::failed);
}

TEST_CASE("a directory is made with its parents, and only the last gets the mode") {
    const TemporaryDirectory directory;
    const Umask usual(0022);

    make_directory(directory.path() / "a" / "b", 0700);
    CHECK(mode_of(directory.path() / "a") == 0755);
    CHECK(mode_of(directory.path() / "a" / "b") == 0700);

    write_file(directory.path() / "a" / "b" / "kept", "x");
    make_directory(directory.path() / "a" / "b", 0711);
    CHECK(mode_of(directory.path() / "a" / "b") == 0711);
    CHECK(read_file(directory.path() / "a" / "b" / "kept") == "x");
}

TEST_CASE("no directory can be made where a file stands") {
    const TemporaryDirectory directory;
    const auto file = directory.path() / "file";
    write_file(file, "x", 0640);

    CHECK(file_error([&] { make_directory(file); }).first == ErrorKind::failed);
    CHECK(file_error([&] { make_directory(file / "below"); }).first == ErrorKind::failed);
    CHECK(mode_of(file) == 0640);
}

TEST_CASE("a tree is deleted with all that is in it, and links are not followed") {
    const TemporaryDirectory directory;
    const auto tree = directory.path() / "tree", outside = directory.path() / "outside";
    make_directory(tree / "a" / "b");
    make_directory(outside);
    write_file(tree / "a" / "b" / "file", "x");
    write_file(outside / "kept", "x");
    fs::create_directory_symlink(outside, tree / "link");

    delete_tree(tree, Limit(std::chrono::seconds(10)));

    CHECK_FALSE(fs::exists(tree));
    CHECK(fs::exists(outside / "kept"));
    delete_tree(outside / "kept", Limit(std::chrono::seconds(10)));
    CHECK(entries_in(outside) == 0);
    CHECK_NOTHROW(delete_tree(tree, Limit(std::chrono::seconds(10))));  // not there any more
}

TEST_CASE("a tree is deleted though somebody still writes into it") {
    const TemporaryDirectory directory;
    const auto tree = directory.path() / "tree";
    make_directory(tree);

    std::atomic<bool> writing = false;
    std::jthread writer([&] {
        for (int i = 0; i < 200; ++i) {
            std::ofstream(tree / std::to_string(i)) << i;
            writing = true;
        }
    });
    while (!writing) std::this_thread::yield();

    CHECK_NOTHROW(delete_tree(tree, Limit(std::chrono::seconds(10))));
    writer.join();
    CHECK_FALSE(fs::exists(tree));  // what it wrote later had no directory
}

TEST_CASE("a descriptor has one owner and is closed with it") {
    const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    {
        Fd first(raw);
        Fd second(std::move(first));
        CHECK_FALSE(first);  // NOLINT: that it owns nothing after the move is the point
        CHECK(second.get() == raw);
        Fd& same = second;
        second = std::move(same);
        CHECK(is_open(raw));
    }
    CHECK_FALSE(is_open(raw));
}

TEST_CASE("a descriptor that is replaced is closed, one that is released stays open") {
    const int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC), two = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    Fd fd(one);

    fd = Fd(two);
    CHECK_FALSE(is_open(one));
    CHECK(fd.release() == two);
    fd.reset();
    CHECK(is_open(two));
    ::close(two);
}

TEST_CASE("a foreign file is read when it is a plain file, and nothing else is opened") {
    const testing::TemporaryDirectory directory;
    const auto file = directory.path() / "file", link = directory.path() / "link", pipe = directory.path() / "pipe",
               twin = directory.path() / "twin";
    CHECK_FALSE(read_foreign_file(file));
    write_file(file, "text");
    CHECK(read_foreign_file(file) == "text");

    std::filesystem::create_symlink(file, link);
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_THROWS_AS(read_foreign_file(link), Error);
    CHECK_THROWS_AS(read_foreign_file(pipe), Error);
    CHECK_THROWS_AS(read_foreign_file(directory.path()), Error);
    std::filesystem::create_hard_link(file, twin);
    CHECK_THROWS_AS(read_foreign_file(file), Error);
}

TEST_CASE("a directory is locked once, for as long as the descriptor lives") {
    const testing::TemporaryDirectory directory;
    {
        const Fd lock = lock_directory(directory.path());
        CHECK(lock);
        CHECK_FALSE(lock_directory(directory.path()));
    }
    CHECK(lock_directory(directory.path()));
    CHECK_THROWS_WITH_AS(lock_directory(directory.path() / "none"), doctest::Contains("none: No such file"), Error);
}

TEST_CASE("root takes no directory of somebody else, and no link in its place") {
    if (::geteuid() != 0) return;
    constexpr uid_t kNobody = 65534, kOther = 65533;
    const TemporaryDirectory directory;
    const auto ours = directory.path() / "ours", theirs = directory.path() / "theirs", link = directory.path() / "link";
    make_trusted_directory(ours / "a", 0711);
    make_trusted_directory(ours / "a", 0700);
    CHECK(mode_of(ours / "a") == 0700);
    make_directory(theirs, 0755);
    REQUIRE(::chown(theirs.c_str(), kNobody, kNobody) == 0);
    fs::create_directory_symlink(ours, link);

    const auto refusal = [](const fs::path& path, std::optional<uid_t> also = {}) {
        return file_error([&] { make_trusted_directory(path, 0711, also); });
    };
    CHECK(refusal(theirs).first == ErrorKind::denied);
    CHECK(refusal(theirs).second.find("uid 65534") != std::string::npos);
    CHECK(refusal(theirs, kOther).first == ErrorKind::denied);
    CHECK(mode_of(theirs) == 0755);
    make_trusted_directory(theirs, 0711, kNobody);
    for (const auto& path : {link, link / ""}) {
        CHECK(refusal(path).first == ErrorKind::denied);
        CHECK(refusal(path).second.find("is a symbolic link") != std::string::npos);
    }
    CHECK(mode_of(ours) != 0711);
    CHECK_NOTHROW(check_trusted_directory(ours));
    CHECK_THROWS_AS(check_trusted_directory(link), Error);
}

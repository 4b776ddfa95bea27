#include "common/base/subprocess.hpp"

#include <csignal>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
using pgedge::testing::TemporaryDirectory;

namespace {

const Limit& plenty() {
    static const Limit limit(1h);
    return limit;
}

Command shell(const std::string& script) {
    Command command;
    command.argv = {"sh", "-c", script};
    return command;
}

std::string output_of(const Command& command) { return run(command, plenty()).output; }

std::pair<ErrorKind, std::string> run_error(const Command& command, const Limit& limit) {
    try {
        run(command, limit);
    } catch (const Error& error) {
        return {error.kind(), error.text()};
    }
    return {ErrorKind::internal, "no error"};
}

/// A named pipe that a program holds open for writing. Its end of file tells that the program has died: no guessing
/// by process number, no waiting for long enough.
class LifeLine {
public:
    LifeLine() {
        ::mkfifo(path().c_str(), 0600);
        read_ = Fd(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    }
    std::string path() const { return (directory_.path() / "line").string(); }
    /// Shell words that take hold of it and tell so.
    std::string take() const { return "exec 9>'" + path() + "'; echo >&9; "; }
    /// Waits until a program has taken hold of it.
    bool taken() { return arrives() && next_byte() == 1; }
    /// Waits until all who held it are gone.
    bool dropped() {
        auto size = next_byte();
        while (size > 0 || (size < 0 && arrives())) size = next_byte();
        return size == 0;
    }

private:
    bool arrives() {
        constexpr int kPatience = 30'000;  // milliseconds; only a failing test waits as long
        pollfd end{read_.get(), POLLIN, 0};
        return ::poll(&end, 1, kPatience) == 1;
    }
    /// 0 when nobody holds it, -1 when somebody does and has not written.
    ssize_t next_byte() {
        char byte = 0;
        return ::read(read_.get(), &byte, 1);
    }
    const TemporaryDirectory directory_;
    Fd read_;
};

}  // namespace

TEST_CASE("a program's exit code and output are given, both streams in order of arrival") {
    const CommandResult result = run(shell("echo one; echo two >&2; echo three; exit 3"), plenty());

    CHECK(result.exit_code == 3);
    CHECK(result.output == "one\ntwo\nthree\n");
    CHECK(run(shell("true"), plenty()).exit_code == 0);
}

TEST_CASE("a program that a signal ended has 128 and the signal for an exit code") {
    CHECK(run(shell("kill -TERM $$"), plenty()).exit_code == 128 + SIGTERM);
}

TEST_CASE("words reach the program exactly, no shell is involved") {
    Command command;
    command.argv = {"printf", "%s|", "a b", "$HOME", "*", "", "'\"\\\n"};

    CHECK(output_of(command) == "a b|$HOME|*||'\"\\\n|");
}

TEST_CASE("words that cannot be passed whole are refused") {
    Command word, variable;
    word.argv = {"echo", std::string("a\0b", 3)};
    variable.argv = {"echo"};
    variable.environment = {{"A", std::string("a\0b", 3)}};

    CHECK(run_error(word, plenty()) ==
          std::pair(ErrorKind::invalid_input, std::string("a NUL byte cannot be passed to echo")));
    CHECK(run_error(variable, plenty()).first == ErrorKind::invalid_input);
    CHECK(run_error({}, plenty()).first == ErrorKind::internal);
}

TEST_CASE("a program that cannot start is an error that says why") {
    Command missing, lost;
    missing.argv = {"/no/such/program"};
    lost.argv = {"true"};
    lost.directory = "/no/such/directory";
    Command unnamed;
    unnamed.argv = {"no-such-program-in-the-path"};

    CHECK(run_error(missing, plenty()) ==
          std::pair(ErrorKind::failed, "cannot run /no/such/program: " + errno_text(ENOENT)));
    CHECK(run_error(unnamed, plenty()).first == ErrorKind::failed);
    CHECK(run_error(lost, plenty()) == std::pair(ErrorKind::failed, "cannot run true: " + errno_text(ENOENT)));
}

TEST_CASE("the environment is ours with what was added, in the C locale unless another is given") {
    ::setenv("PGEDGE_TEST_OURS", "ours", 1);
    ::setenv("PGEDGE_TEST_REPLACED", "old", 1);
    ::setenv("LC_ALL", "xx_XX", 1);
    Command command = shell("echo $PGEDGE_TEST_OURS $PGEDGE_TEST_REPLACED $PGEDGE_TEST_ADDED $LC_ALL");
    command.environment = {{"PGEDGE_TEST_REPLACED", "new"}, {"PGEDGE_TEST_ADDED", "a=b"}};

    CHECK(output_of(command) == "ours new a=b C\n");
    command.environment["LC_ALL"] = "C.UTF-8";
    CHECK(output_of(command) == "ours new a=b C.UTF-8\n");
    CHECK(std::string(::getenv("PGEDGE_TEST_REPLACED")) == "old");

    for (const char* name : {"PGEDGE_TEST_OURS", "PGEDGE_TEST_REPLACED", "LC_ALL"}) ::unsetenv(name);
}

TEST_CASE("a program starts in the root directory, or where it is told to") {
    const TemporaryDirectory directory;
    Command command = shell("pwd -P");

    CHECK(output_of(command) == "/\n");
    command.directory = directory.path();
    CHECK(output_of(command) == std::filesystem::canonical(directory.path()).string() + "\n");
}

TEST_CASE("standard input is what was given, then end of file") {
    Command command;
    command.argv = {"cat"};
    CHECK(output_of(command).empty());

    command.input = "one\ntwo";
    CHECK(output_of(command) == "one\ntwo");
}

TEST_CASE("input and output that exceed every pipe do not wait for each other") {
    Command command = shell("tee /dev/null | wc -c");
    command.input = std::string(1 << 20, 'x');
    CHECK(trimmed(output_of(command)) == "1048576");

    command = shell("cat");
    command.input = std::string(1 << 20, 'x');
    CHECK(output_of(command).size() == 64 << 10);
}

TEST_CASE("a program that does not read its input is no failure") {
    const auto before = std::signal(SIGPIPE, SIG_IGN);  // as main() does
    Command command = shell("exec 0<&-; echo done");
    command.input = std::string(1 << 20, 'x');

    const CommandResult result = run(command, plenty());

    CHECK(result.exit_code == 0);
    CHECK(result.output == "done\n");
    std::signal(SIGPIPE, before);
}

TEST_CASE("a program gets the signals' usual handling, whatever ours is") {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    CHECK(run(shell("kill -PIPE $$; echo survived"), plenty()).exit_code == 128 + SIGPIPE);
    std::signal(SIGPIPE, before);
}

TEST_CASE("of too much output the end is kept") {
    const std::string output = output_of(shell("i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done"));

    CHECK(output.size() == 64 << 10);
    CHECK(output.ends_with("\nline 39998\nline 39999\n"));
}

TEST_CASE("each line is heard as it comes, also a last one without an end") {
    std::vector<std::string> lines;
    run(shell("printf 'one\\n\\nthr'; printf 'ee\\nfour'"), plenty(),
        [&](std::string_view line) { lines.emplace_back(line); });

    CHECK(lines == std::vector<std::string>{"one", "", "three", "four"});
}

TEST_CASE("a line without an end is heard in pieces that a listener can hold") {
    std::string heard;
    std::size_t longest = 0;
    run(shell("head -c 200000 /dev/zero | tr '\\0' x"), plenty(), [&](std::string_view line) {
        heard += line;
        longest = std::max(longest, line.size());
    });

    CHECK((heard == std::string(200'000, 'x')));
    CHECK(longest <= 2 * (8 << 10));
}

TEST_CASE("a program is killed with its children when a listener throws") {
    LifeLine line;
    const auto refuse = [](std::string_view) { throw Error(ErrorKind::failed, "enough"); };

    CHECK_THROWS_WITH_AS(run(shell(line.take() + "echo x; sleep 1000; echo late"), plenty(), refuse), "enough", Error);

    CHECK(line.dropped());
}

TEST_CASE("the time limit kills the program and its children") {
    LifeLine line;
    const Command command = shell(line.take() + "sleep 1000 & sleep 1000; echo late");

    CHECK(run_error(command, Limit(300ms)) ==
          std::pair(ErrorKind::timed_out, std::string("timed out while running sh")));

    CHECK(line.dropped());
}

TEST_CASE("a stop kills the program and its children") {
    LifeLine line;
    std::stop_source source;
    const std::jthread stops([&] {
        line.taken();
        source.request_stop();
    });

    CHECK(run_error(shell(line.take() + "sleep 1000; echo late"), Limit(1h, source.get_token())) ==
          std::pair(ErrorKind::cancelled, std::string("stopped while running sh")));

    CHECK(line.dropped());
}

TEST_CASE("the limit counts also for a program that closed its output") {
    LifeLine line;
    const Command command = shell(line.take() + "exec >&- 2>&-; exec sleep 20");

    CHECK(run_error(command, Limit(300ms)).first == ErrorKind::timed_out);

    CHECK(line.dropped());
    CHECK(run(shell("exec >&- 2>&-; exit 4"), plenty()).exit_code == 4);
}

TEST_CASE("a program is killed when we are") {
    LifeLine line;
    const pid_t us = ::fork();
    REQUIRE(us >= 0);
    if (us == 0) {
        run(shell(line.take() + "exec sleep 1000"), plenty());
        ::_exit(0);
    }
    REQUIRE(line.taken());

    ::kill(us, SIGKILL);
    ::waitpid(us, nullptr, 0);

    CHECK(line.dropped());
}

TEST_CASE("a program gets no descriptor of ours, even one that would stay open") {
    const Fd kept(::open("/dev/null", O_RDONLY));  // no close-on-exec
    Fd high(::fcntl(kept.get(), F_DUPFD, 100));
    REQUIRE(high);

    const std::string open_ones =
        output_of(shell("for n in 0 1 2 " + std::to_string(kept.get()) + " " + std::to_string(high.get()) +
                        "; do if [ -e /proc/self/fd/$n ]; then echo $n; fi; done"));

    CHECK(open_ones == "0\n1\n2\n");
}

TEST_CASE("a program runs in a process group of its own") {
    const std::string group = output_of(shell("cut -d' ' -f5 /proc/$$/stat; echo $$"));

    const auto lines = split(trimmed(group), '\n');
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == lines[1]);
}

TEST_CASE("a failure is told with the last words of the program") {
    CHECK(run_or_throw(shell("echo fine"), plenty()) == "fine\n");
    CHECK_THROWS_WITH_AS(run_or_throw(shell("echo 'no space left' >&2; exit 2"), plenty()),
                         "sh ended with exit code 2: no space left", Error);
    CHECK_THROWS_WITH_AS(run_or_throw(shell("exit 1"), plenty()), "sh ended with exit code 1", Error);

    try {
        run_or_throw(shell("head -c 50000 /dev/zero | tr '\\0' x; echo the end; exit 1"), plenty());
        FAIL("was no failure");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::failed);
        CHECK(error.text().size() < 2100);
        CHECK(error.text().ends_with("the end"));
    }
}

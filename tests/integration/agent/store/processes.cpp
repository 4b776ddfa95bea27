#include "tests/integration/agent/store/processes.hpp"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/store/raft/raft_engine.hpp"
#include "agent/store/roles.hpp"
#include "agent/store/state/codec.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "common/net/tls.hpp"
#include "tests/integration/agent/store/agent_socket.hpp"

namespace pgedge {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
namespace {

Limit within_a_minute() { return Limit(60s); }

/// What follows an answer that is no failure.
Decoder contents_of(const std::string& answer) {
    Decoder decoder(answer);
    if (const auto kind = decoder.number(); kind != 0) throw Error(ErrorKind(kind - 1), decoder.text());
    return decoder;
}

std::uint64_t milliseconds_of(const Limit& limit) { return static_cast<std::uint64_t>(limit.left().count()); }

}  // namespace

CommitResult RemoteStore::commit(const Transaction& transaction, const Limit& limit) {
    Encoder request;
    request.transaction(transaction);
    request.number(milliseconds_of(limit));
    const auto answer = ask("client-commit", request.take(), limit);
    return contents_of(answer).result();
}

Rows RemoteStore::read(const Statement& query, Freshness freshness, const Limit& limit) {
    Encoder request;
    request.statement(query);
    request.number(freshness == Freshness::leader ? 0 : 1);
    request.number(milliseconds_of(limit));
    const auto answer = ask("client-read", request.take(), limit);
    return contents_of(answer).rows();
}

Changes RemoteStore::wait_for_changes(std::int64_t since, const Limit& limit) {
    Encoder request;
    request.integer(since);
    request.number(std::min<std::uint64_t>(milliseconds_of(limit), 5000));
    const auto answer = ask("client-wait", request.take(), limit);
    auto part = contents_of(answer).part();
    Changes changes{.revision = part.revision, .relist = part.missed};
    for (auto& each : part.changes) changes.changes.push_back(std::move(each.change));
    return changes;
}

std::pair<bool, std::uint64_t> RemoteStore::status(const Limit& limit) {
    const auto answer = ask("client-status", {}, limit);
    auto contents = contents_of(answer);
    const bool leads = contents.number() != 0;
    return {leads, contents.number()};
}

/// The agent ends the call at the limit, with the reason; when it is frozen, we do, a moment later.
std::string RemoteStore::ask(std::string_view name, const std::string& body, const Limit& limit) {
    return call_socket(socket_, name, body, Limit(limit.until() + 500ms, limit.stop()));
}

Agents::Agents(Options options) : options_(std::move(options)) {
    if (options_.folder.empty()) options_.folder = fs::temp_directory_path() / ("pgedge-agents-" + random_hex(6));
    fs::create_directories(options_.folder);
    for (int number = 1; number <= options_.hosts; ++number)
        if (options_.disk_mb != 0) make_disk(number);
    make_certificates();
    spawn(1, {"found"});
    wait_for_answer(1);
    add_row(1, RaftEngine::kFounder);
    for (int number = 2; number <= options_.hosts; ++number) {
        const auto id = new_node_id();
        spawn(number, {"join", std::to_string(id)});
        wait_for_answer(number);
        add_row(number, id);
    }
    const auto voters = voters_for(static_cast<std::size_t>(options_.hosts));
    wait_for([&] { return at(leader()).status(within_a_minute()).second == voters; });
}

Agents::~Agents() {
    for (const auto& [number, pid] : pids_) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    for (const auto& mounted : mounts_) ::umount2(mounted.c_str(), MNT_DETACH);
    std::error_code ignored;
    fs::remove_all(options_.folder, ignored);
}

void Agents::make_disk(int number) {
    const auto size = fmt::format("size={}m,mode=0700", options_.disk_mb);
    fs::create_directories(directory(number));
    if (::mount("none", directory(number).c_str(), "tmpfs", 0, size.c_str()) != 0)
        throw Error(ErrorKind::denied, errno_text(errno));
    mounts_.push_back(directory(number));
}

void Agents::make_certificates() {
    const auto authority = make_authority("pgedge test");
    write_file(options_.folder / "ca.crt", authority.certificate);
    AddressBook book(options_.folder / "peers.json");
    std::map<std::string, PeerAddress> hosts;
    for (int number = 1; number <= options_.hosts; ++number) {
        const auto pair = issue_certificate(authority, {.common_name = host(number),
                                                        .dns_names = {agent_dns_name(host(number))},
                                                        .ip_addresses = {},
                                                        .server = true,
                                                        .client = true});
        write_file(options_.folder / (host(number) + ".crt"), pair.certificate);
        write_file(options_.folder / (host(number) + ".key"), pair.key.reveal(), 0600);
        hosts[host(number)] = {address_text(address(number), 2380), address_text(address(number), Host().peer_port)};
    }
    book.set(hosts);
}

void Agents::fill_disk(const fs::path& directory) {
    const Fd ballast(::open((directory / "ballast").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const std::string block(1 << 16, 'x');
    for (std::size_t size = block.size(); size > 0;) {
        if (::write(ballast.get(), block.data(), size) != static_cast<ssize_t>(size)) size /= 2;
    }
}

void Agents::free_disk(const fs::path& directory) { fs::remove(directory / "ballast"); }

void Agents::signal(int number, int which) { REQUIRE(::kill(pids_.at(number), which) == 0); }

void Agents::kill(int number) {
    signal(number, SIGKILL);
    ::waitpid(pids_.at(number), nullptr, 0);
    pids_.erase(number);
}

void Agents::stop(int number) {
    signal(number, SIGTERM);
    int status = 0;
    REQUIRE(::waitpid(pids_.at(number), &status, 0) == pids_.at(number));
    pids_.erase(number);
    CHECK(WIFEXITED(status));
}

bool Agents::lives(int number) const {
    siginfo_t end{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pids_.at(number)), &end, WEXITED | WNOHANG | WNOWAIT) == 0);
    return end.si_pid == 0;
}

std::optional<int> Agents::ended(int number) {
    const auto found = pids_.find(number);
    int end = 0;
    if (found == pids_.end() || ::waitpid(found->second, &end, WNOHANG) == 0) return std::nullopt;
    pids_.erase(found);
    return end;
}

void Agents::wait_for_answer(int number) {
    wait_for([&] {
        try {
            at(number).status(Limit(2s));
            return true;
        } catch (const Error&) {
            return false;
        }
    });
}

int Agents::leader() {
    int found = 0;
    wait_for([&] {
        for (const auto& [number, pid] : pids_) {
            try {
                if (at(number).status(Limit(2s)).first) return (found = number) != 0;
            } catch (const Error&) {
                // it is frozen, or starts
            }
        }
        return false;
    });
    return found;
}

void Agents::spawn(int number, const std::vector<std::string>& mode) {
    auto words = options_.within ? options_.within(number) : std::vector<std::string>();
    for (const auto& word : {options_.program, options_.folder.string(), host(number), address(number)})
        words.push_back(word);
    words.insert(words.end(), mode.begin(), mode.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    const auto log = messages(number);
    if (options_.keep_messages)
        ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    pid_t pid = 0;
    const int spawned = ::posix_spawnp(&pid, argv[0], &files, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    REQUIRE(spawned == 0);
    pids_[number] = pid;
}

void Agents::add_row(int number, std::uint64_t node_id) {
    Host row;
    row.id = host(number);
    row.peer_addresses = {address(number)};
    Transaction transaction;
    transaction.add(Hosts::insert(row, std::to_string(node_id), SystemClock().wall()));
    REQUIRE(at(1).commit(transaction, within_a_minute()).committed);
}

}  // namespace pgedge

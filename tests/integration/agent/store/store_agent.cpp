// One agent's store in a process of its own, so that a test can kill it:
//   store_agent FOLDER HOST ADDRESS found | join NODE_ID | resume
// FOLDER holds certificates (HOST.crt, HOST.key, ca.crt), peers.json for a join, and the sockets HOST.sock. Calls there
// begin with "client-" and are those of the Store interface; agents call each other at ADDRESS:2379, and are not
// answered while HOST.deaf is there.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pthread.h>
#include <unistd.h>

#include "agent/store/cluster_store.hpp"
#include "agent/store/state/codec.hpp"
#include "common/base/error.hpp"
#include "common/model/host.hpp"
#include "tests/integration/agent/store/agent_socket.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

std::string answer_client(ClusterStore& store, const std::string& name, const std::string& body) {
    Decoder request(body);
    Encoder answer;
    const auto limit = [&] { return Limit(std::chrono::milliseconds(request.number())); };
    try {
        if (name == "client-commit") {
            const auto transaction = request.transaction();
            const auto result = store.commit(transaction, limit());
            answer.number(0);
            answer.result(result);
        } else if (name == "client-read") {
            const auto statement = request.statement();
            const auto freshness = request.number() == 0 ? Freshness::leader : Freshness::local;
            const auto rows = store.read(statement, freshness, limit());
            answer.number(0);
            answer.rows(rows);
        } else if (name == "client-wait") {
            const auto since = request.integer();
            const auto changes = store.wait_for_changes(since, limit());
            FeedPart part{.revision = changes.revision, .missed = changes.relist};
            for (const auto& change : changes.changes) part.changes.push_back({0, change});
            answer.number(0);
            answer.part(part);
        } else {
            answer.number(0);
            answer.number(store.leads() ? 1 : 0);
            answer.number(store.voters().size());
        }
        return answer.take();
    } catch (const Error& error) {
        Encoder failure;
        failure.number(1 + static_cast<std::uint64_t>(error.kind()));
        failure.text(error.text());
        return failure.take();
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) return 2;
    ::setenv("UV_THREADPOOL_SIZE", "16", 1);
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    const std::filesystem::path folder = argv[1];
    const std::string host = argv[2], mode = argv[4];
    try {
        ClusterStore::Options options;
        options.directory = folder / host;
        options.host_id = host;
        options.address = argv[3];
        options.own = {read_file(folder / (host + ".crt")), Secret(read_file(folder / (host + ".key")))};
        options.authorities = read_file(folder / "ca.crt");
        const SystemClock clock;
        const Log log = std::getenv("PGEDGE_TEST_LOG") ? Log::to_stderr(LogLevel::debug).component(host) : Log::none();
        SocketPeers peers(host);
        const auto store = mode == "found" ? ClusterStore::found(options, "killed", peers, clock, log)
                           : mode == "join"
                               ? ClusterStore::join(options, "killed", std::stoull(argv[5]),
                                                    AddressBook(folder / "peers.json").all(), peers, clock, log)
                               : ClusterStore::resume(options, peers, clock, log);
        const SocketServer peers_server(address_text(options.address, Host().peer_port),
                                        [&](const std::string& name, const std::string& body) {
                                            if (std::filesystem::exists(folder / (host + ".deaf")))
                                                throw Error(ErrorKind::unreachable, "as the test wants it");
                                            const auto at = name.find('@');
                                            return store->answer(name.substr(0, at), body, name.substr(at + 1));
                                        });
        const SocketServer client_server(
            folder / (host + ".sock"),
            [&](const std::string& name, const std::string& body) { return answer_client(*store, name, body); });
        int signal = 0;
        sigwait(&ends, &signal);
        store->stop();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", host.c_str(), error.what());
        return 1;
    }
}

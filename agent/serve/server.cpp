#include "agent/serve/server.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/serve/crew.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;
using Steady = ServerConnection::Clock;

constexpr auto kSweep = 1000ms;       // half of how late a quiet client may be closed
constexpr auto kAcceptPause = 200ms;  // after the system gave no descriptor or no memory
constexpr int kAcceptAtOnce = 128;    // then the others get their turn
constexpr auto kComplainEvery = 10s;  // about refused connections, in the log

/// Counts who is connected, in all and per address. Safe from any thread.
class Places {
public:
    Places(std::size_t in_all, std::size_t per_address) : in_all_(in_all), per_address_(per_address) {}

    /// Given back when it dies.
    class Place {
    public:
        Place(Places& places, std::string address) : places_(places), address_(std::move(address)) {}
        ~Place() { places_.leave(address_); }
        bool is_local() const { return address_.empty(); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

    private:
        Places& places_;
        const std::string address_;
    };

    /// Null when there is none left. An empty address (unix socket) is one like the others, and not counted with them:
    /// whoever fills the ports must not shut out the machine's own administrator.
    std::unique_ptr<Place> take(const std::string& address) {
        std::lock_guard lock(mutex_);
        const auto known = taken_.find(address);
        if ((!address.empty() && all_ >= in_all_) || (known != taken_.end() && known->second >= per_address_))
            return nullptr;
        auto place = std::make_unique<Place>(*this, address);
        ++taken_[address];
        if (!address.empty()) ++all_;
        return place;
    }

private:
    void leave(const std::string& address) {
        std::lock_guard lock(mutex_);
        if (!address.empty()) --all_;
        if (const auto it = taken_.find(address); --it->second == 0) taken_.erase(it);
    }
    const std::size_t in_all_, per_address_;
    std::mutex mutex_;
    std::size_t all_ = 0;
    std::map<std::string, std::size_t> taken_;
};

}  // namespace

struct Server::State {
    State(Handler handler, Log log, ServerOptions given);
    ~State() { stop(0ms); }

    struct Client {
        Client(std::unique_ptr<Places::Place> its_place, HttpService& service, Listener& listener,
               Listener::Accepted accepted)
            : place(std::move(its_place)),
              session(service, listener.endpoint(),
                      listener.endpoint()->tls ? listener.endpoint()->tls->get() : nullptr, std::move(accepted)) {}
        bool is_local() const { return place->is_local(); }
        const std::unique_ptr<Places::Place> place;
        bool watched = false;       ///< epoll knows its descriptor
        bool reads_slowly = false;  ///< parked with a part of its answer
        HttpSession session;
    };
    using ClientPtr = std::unique_ptr<Client>;

    void watch(int fd, std::uint32_t events, bool known);
    void loop();
    void hand_over(int fd);
    void give_thread(ClientPtr client);
    std::vector<ClientPtr> take_slow_readers();
    void accept_from(Listener& listener);
    void admit(Listener& listener, Listener::Accepted accepted);
    void pause_accepting(int why);
    void resume_accepting();
    void sweep();
    void complain(std::string_view event, std::string_view why);
    void attend(ClientPtr client);
    void park(ClientPtr client, HttpSession::Wait wait);
    void stop(std::chrono::milliseconds grace);

    HttpService service;
    Places places;
    Fd epoll, wake;
    std::mutex mutex;               ///< guards the next four
    std::condition_variable ended;  ///< a running client has
    std::map<int, Listener> listeners;
    std::map<int, ClientPtr> parked;                                    ///< by descriptor
    std::set<Client*> running;                                          ///< in a thread of the crew, or in line for one
    Steady::time_point accept_again{}, next_sweep{}, next_complaint{};  ///< of the loop's thread alone
    std::optional<Crew> crew, local_crew;                               ///< of clients of ports; of unix sockets
    std::unique_ptr<SmallThread> thread;
};

Server::State::State(Handler handler, Log log, ServerOptions given)
    : service{std::move(handler),
              std::move(given.refuse),
              std::move(given.body_terms),
              given.limits,
              std::move(log),
              given.access_log,
              {},
              {}},
      places(given.max_connections, given.max_per_address),
      epoll(::epoll_create1(EPOLL_CLOEXEC)),
      wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!epoll || !wake) throw Error(ErrorKind::failed, "cannot make an HTTP server: " + errno_text(errno));
    crew.emplace(given.max_threads);
    local_crew.emplace(given.max_local_threads);
    watch(wake.get(), EPOLLIN, false);
}

void Server::State::watch(int fd, std::uint32_t events, bool known) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        throw Error(ErrorKind::failed, "cannot watch a connection: " + errno_text(errno));
}

void Server::State::loop() {
    std::array<epoll_event, 256> events;
    while (!service.stop.stop_requested()) {
        const std::chrono::milliseconds pause = accept_again == Steady::time_point{} ? kSweep : kAcceptPause;
        const int count =
            ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(pause.count()));
        for (int i = 0; i < count; ++i) hand_over(events.at(static_cast<std::size_t>(i)).data.fd);
        if (accept_again != Steady::time_point{} && Steady::now() >= accept_again) resume_accepting();
        sweep();
    }
}

/// Something happened on `fd`: a listener, the wake-up, or a client that was quiet.
void Server::State::hand_over(int fd) {
    Listener* listener = nullptr;
    ClientPtr client;
    {
        std::lock_guard lock(mutex);
        if (const auto it = listeners.find(fd); it != listeners.end()) {
            listener = &it->second;  // it stays until the loop has ended
        } else if (const auto found = parked.find(fd); found != parked.end()) {
            client = std::move(found->second);
            parked.erase(found);
            running.insert(client.get());
        }
    }
    if (listener) return accept_from(*listener);
    if (client) give_thread(std::move(client));
}

/// To one that is in `running`.
void Server::State::give_thread(ClientPtr client) {
    Client* const key = client.get();
    const bool local = client->is_local();
    const auto shared = std::make_shared<ClientPtr>(std::move(client));  // std::function wants to be copied
    try {
        (local ? local_crew : crew)->take([this, shared] { attend(std::move(*shared)); });
    } catch (const std::exception& error) {
        complain("no thread for a client", error.what());
        std::lock_guard lock(mutex);
        running.erase(key);
    }
}

void Server::State::accept_from(Listener& listener) {
    for (int count = 0; count < kAcceptAtOnce; ++count) {
        auto accepted = listener.accept();
        const int why = accepted.error;
        if (accepted.socket)
            admit(listener, std::move(accepted));
        else if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)
            return pause_accepting(why);
        else if (why == EAGAIN)
            return;
        // else that client has gone already: the next one
    }
}

void Server::State::admit(Listener& listener, Listener::Accepted accepted) {
    auto place = places.take(accepted.address);
    if (!place) return complain("connection refused: too many are open", accepted.address);
    try {
        park(std::make_unique<Client>(std::move(place), service, listener, std::move(accepted)),
             HttpSession::Wait::to_read);
    } catch (const std::exception& error) {
        complain("connection dropped", error.what());
    }
}

/// Without this, a listener that cannot be served would wake the loop for ever.
void Server::State::pause_accepting(int why) {
    complain("cannot accept connections for a moment", errno_text(why));
    accept_again = Steady::now() + kAcceptPause;
    std::lock_guard lock(mutex);
    for (const auto& [fd, listener] : listeners) watch(fd, 0, true);
}

void Server::State::resume_accepting() {
    accept_again = {};
    std::lock_guard lock(mutex);
    for (const auto& [fd, listener] : listeners) watch(fd, EPOLLIN, true);
}

void Server::State::complain(std::string_view event, std::string_view why) {
    const auto now = Steady::now();
    if (now < next_complaint) return;
    next_complaint = now + kComplainEvery;
    service.log.warn(event, {{"why", why}});
}

/// Closes clients that were quiet for too long; those that are owed a word about it get a thread to hear it.
void Server::State::sweep() {
    const auto now = Steady::now();
    if (now < next_sweep) return;
    next_sweep = now + kSweep;
    std::vector<ClientPtr> stale, late;  // closed after the lock
    {
        std::lock_guard lock(mutex);
        for (auto it = parked.begin(); it != parked.end();) {
            if (now <= it->second->session.close_at()) {
                ++it;
                continue;
            }
            const bool told = it->second->session.tells_when_late();
            if (told) running.insert(it->second.get());
            (told ? late : stale).push_back(std::move(it->second));
            it = parked.erase(it);
        }
    }
    for (auto& client : late) give_thread(std::move(client));
}

/// In a thread of the crew.
void Server::State::attend(ClientPtr client) {
    Client* const key = client.get();
    try {
        auto wait = client->session.serve();
        while (wait == HttpSession::Wait::to_write && service.stop.stop_requested() && client->session.wait_for_room())
            wait = client->session.serve();  // nobody watches any more, and it has its grace
        if (wait != HttpSession::Wait::no_more && !service.stop.stop_requested()) {
            {
                std::lock_guard lock(mutex);
                running.erase(key);
            }
            return park(std::move(client), wait);
        }
    } catch (const std::exception& error) {
        service.log.error("a connection failed", {{"error", error.what()}});
    }
    std::unique_lock lock(mutex);
    running.erase(key);
    lock.unlock();
    client.reset();
    ended.notify_all();
}

void Server::State::park(ClientPtr client, HttpSession::Wait wait) {
    const int fd = client->session.fd();
    client->reads_slowly = wait == HttpSession::Wait::to_write;
    const bool known = std::exchange(client->watched, true);
    std::lock_guard lock(mutex);
    if (service.stop.stop_requested()) return;  // nobody would look at it any more
    parked[fd] = std::move(client);
    try {
        // A client that will send no more may still read: to one that we write to, its half of the end is no news.
        watch(fd, (wait == HttpSession::Wait::to_write ? EPOLLOUT : EPOLLIN | EPOLLRDHUP) | EPOLLONESHOT, known);
    } catch (const Error&) {
        parked.erase(fd);
        throw;
    }
}

/// Those whose answer is under way: it may still arrive.
std::vector<Server::State::ClientPtr> Server::State::take_slow_readers() {
    std::vector<ClientPtr> slow;
    const std::lock_guard lock(mutex);
    for (auto& [fd, client] : parked) {
        if (!client->reads_slowly) continue;
        running.insert(client.get());
        slow.push_back(std::move(client));
    }
    std::erase_if(parked, [](const auto& each) { return !each.second; });
    return slow;
}

void Server::State::stop(std::chrono::milliseconds grace) {
    if (!service.stop.request_stop()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake.get(), &one, sizeof one);
    thread.reset();  // joined: nobody accepts or watches any more
    for (auto& client : take_slow_readers()) give_thread(std::move(client));
    {
        std::unique_lock lock(mutex);
        listeners.clear();
        parked.clear();
        ended.wait_for(lock, grace, [this] { return running.empty(); });
        for (Client* client : running) client->session.abort();
    }
    crew.reset();
    local_crew.reset();
}

Server::Server(Handler handler, Log log, ServerOptions options)
    : state_(std::make_unique<State>(std::move(handler), std::move(log), std::move(options))) {}
Server::~Server() = default;

int Server::listen(ListenAddress endpoint) {
    Listener listener(std::move(endpoint));
    const int fd = listener.fd(), port = listener.port();
    std::lock_guard lock(state_->mutex);
    state_->listeners.emplace(fd, std::move(listener));
    state_->watch(fd, EPOLLIN, false);
    return port;
}

void Server::start() {
    state_->thread = std::make_unique<SmallThread>([state = state_.get()] {
        run_thread(state->service.log, "listener", state->service.stop.get_token(), [&] { state->loop(); });
    });
}

void Server::stop(std::chrono::milliseconds grace) { state_->stop(grace); }

}  // namespace pgedge

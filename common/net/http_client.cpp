#include "common/net/http_client.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <mutex>
#include <vector>

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kKeepUnused = 60s;  // our server closes quiet connections after 120 s: do not race with it
constexpr unsigned kUnansweredMs = 30'000;

/// libcurl, loaded when it is first asked for: the three dozen libraries that come with it take longer to load than
/// everything else that a command without a server does.
struct CurlLibrary {
    decltype(&curl_global_init) global_init;
    decltype(&curl_slist_append) slist_append;
    decltype(&curl_slist_free_all) slist_free_all;
    decltype(&curl_easy_init) easy_init;
    decltype(&curl_easy_cleanup) easy_cleanup;
    decltype(&curl_easy_reset) easy_reset;
    decltype(&curl_easy_setopt) easy_setopt;
    decltype(&curl_easy_getinfo) easy_getinfo;
    decltype(&curl_easy_strerror) easy_strerror;
    decltype(&curl_multi_init) multi_init;
    decltype(&curl_multi_cleanup) multi_cleanup;
    decltype(&curl_multi_setopt) multi_setopt;
    decltype(&curl_multi_add_handle) multi_add_handle;
    decltype(&curl_multi_remove_handle) multi_remove_handle;
    decltype(&curl_multi_perform) multi_perform;
    decltype(&curl_multi_poll) multi_poll;
    decltype(&curl_multi_wakeup) multi_wakeup;
    decltype(&curl_multi_info_read) multi_info_read;
};

constexpr const char* kCurlLibrary = "libcurl.so.4";

template <class Function>
void find(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(::dlsym(library, name));
    if (!into) throw Error(ErrorKind::failed, std::string(kCurlLibrary) + " has no " + name);
}

CurlLibrary load_curl() {
    void* library = ::dlopen(kCurlLibrary, RTLD_NOW | RTLD_LOCAL);  // for as long as the process lives
    if (!library)
        throw Error(ErrorKind::failed, std::string("libcurl cannot be loaded: ") + ::dlerror(),
                    "install the package libcurl4");
    CurlLibrary all{};
    find(library, "curl_global_init", all.global_init);
    find(library, "curl_slist_append", all.slist_append);
    find(library, "curl_slist_free_all", all.slist_free_all);
    find(library, "curl_easy_init", all.easy_init);
    find(library, "curl_easy_cleanup", all.easy_cleanup);
    find(library, "curl_easy_reset", all.easy_reset);
    find(library, "curl_easy_setopt", all.easy_setopt);
    find(library, "curl_easy_getinfo", all.easy_getinfo);
    find(library, "curl_easy_strerror", all.easy_strerror);
    find(library, "curl_multi_init", all.multi_init);
    find(library, "curl_multi_cleanup", all.multi_cleanup);
    find(library, "curl_multi_setopt", all.multi_setopt);
    find(library, "curl_multi_add_handle", all.multi_add_handle);
    find(library, "curl_multi_remove_handle", all.multi_remove_handle);
    find(library, "curl_multi_perform", all.multi_perform);
    find(library, "curl_multi_poll", all.multi_poll);
    find(library, "curl_multi_wakeup", all.multi_wakeup);
    find(library, "curl_multi_info_read", all.multi_info_read);
    if (all.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw Error(ErrorKind::internal, "libcurl does not start");
    return all;
}

/// Ready for use, from any thread. Throws Error{failed} when it is not installed.
const CurlLibrary& curl() {
    static const CurlLibrary library = load_curl();
    return library;
}

struct HeaderList {
    HeaderList() = default;
    ~HeaderList() { curl().slist_free_all(list); }
    HeaderList(const HeaderList&) = delete;
    HeaderList& operator=(const HeaderList&) = delete;
    void add(const std::string& line) {
        curl_slist* longer = curl().slist_append(list, line.c_str());
        if (!longer) throw std::bad_alloc();
        list = longer;
    }
    curl_slist* list = nullptr;
};

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    const CURLcode code = curl().easy_setopt(easy, option, value);
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != CURLE_OK)
        throw Error(ErrorKind::internal,
                    fmt::format("libcurl refuses option {}: {}", static_cast<int>(option), curl().easy_strerror(code)));
}

void set_blob(CURL* easy, CURLoption option, const std::string& pem) {
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
    set(easy, option, &blob);
}

/// A dead host is noticed in an endless stream (keep-alive probes) and with a request on its way (user timeout).
int set_socket(void*, curl_socket_t socket, curlsocktype) {
    ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMs, sizeof kUnansweredMs);  // not on unix sockets
    return CURL_SOCKOPT_OK;
}

/// Takes one connection for good, and never looks at it. By name, so that a connect() there succeeds at once.
class DeadEnd {
public:
    explicit DeadEnd(curl_sockaddr& address) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        socklen_t size = sizeof name.sun_family;  // the kernel chooses a name, which is shorter than a sockaddr
        auto* raw = reinterpret_cast<sockaddr*>(&name);
        if (!socket_ || ::bind(socket_.get(), raw, size) != 0 || ::listen(socket_.get(), 1) != 0 ||
            ::getsockname(socket_.get(), raw, &(size = sizeof name)) != 0 || size > sizeof address.addr)
            throw Error(ErrorKind::failed, "cannot make a socket: " + errno_text(errno));
        address.family = AF_UNIX;
        address.protocol = 0;
        address.addrlen = size;
        std::memcpy(&address.addr, &name, size);
    }

private:
    Fd socket_;
};

bool one_line(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos; }

}  // namespace

/// An easy handle in a multi handle of its own: only that one can be woken from another thread.
class HttpTransport::Handle {
public:
    Handle() : easy_(curl().easy_init()), multi_(curl().multi_init()) {
        if (!easy_ || !multi_) throw Error(ErrorKind::internal, "libcurl gives no handle");
        curl().multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
    }
    CURL* easy() { return easy_.get(); }

    /// Runs what was set up, to its end or the limit's. nullopt: the limit ended first.
    std::optional<CURLcode> run(const Limit& limit) {
        curl().multi_add_handle(multi_.get(), easy_.get());
        const std::unique_ptr<CURLM, Remove> attached(multi_.get(), Remove{easy_.get()});
        const std::stop_callback wake(limit.stop(), [this] { curl().multi_wakeup(multi_.get()); });
        for (int running = 1;;) {
            if (curl().multi_perform(multi_.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
            if (running == 0) break;
            if (limit.over()) return std::nullopt;
            const auto pause = std::min<std::chrono::milliseconds>(limit.left(), 1s);
            curl().multi_poll(multi_.get(), nullptr, 0, static_cast<int>(pause.count()), nullptr);
        }
        int left = 0;
        const CURLMsg* message = curl().multi_info_read(multi_.get(), &left);
        return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
    }

private:
    struct Remove {
        CURL* easy = nullptr;
        void operator()(CURLM* multi) const { curl().multi_remove_handle(multi, easy); }
    };
    struct Free {
        void operator()(CURL* easy) const { curl().easy_cleanup(easy); }
    };
    struct FreeMulti {
        void operator()(CURLM* multi) const { curl().multi_cleanup(multi); }
    };
    std::unique_ptr<CURL, Free> easy_;
    std::unique_ptr<CURLM, FreeMulti> multi_;
};

struct HttpTransport::Pool {
    std::unique_ptr<Handle> take() {
        {
            std::lock_guard lock(mutex);
            if (!idle.empty()) {
                auto handle = std::move(idle.back());
                idle.pop_back();
                return handle;
            }
        }
        return std::make_unique<Handle>();
    }
    void give_back(std::unique_ptr<Handle> handle) {
        std::lock_guard lock(mutex);
        if (idle.size() < kKeptConnections) idle.push_back(std::move(handle));
    }
    std::mutex mutex;
    std::vector<std::unique_ptr<Handle>> idle;
};

/// One request while libcurl works on it.
class HttpTransport::Call {
public:
    Call(const HttpClientOptions& options, const HttpRequest& request, CURL* easy, const Limit& limit,
         const std::function<bool(std::string_view)>* on_part)
        : options_(options), easy_(easy), limit_(limit), on_part_(on_part) {
        curl().easy_reset(easy_);
        set(easy_, CURLOPT_ERRORBUFFER, error_text_);
        set_destination(request);
        set_tls();
        set_content(request);
        set(easy_, CURLOPT_WRITEFUNCTION, &Call::on_body);
        set(easy_, CURLOPT_WRITEDATA, this);
        set(easy_, CURLOPT_HEADERFUNCTION, &Call::on_header);
        set(easy_, CURLOPT_HEADERDATA, this);
    }
    ~Call() { curl().easy_reset(easy_); }  // it must not point to us any more
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    /// The answer, after run() said how it went.
    HttpResponse finish(CURLcode code, const std::string& where) {
        if (failure_) std::rethrow_exception(failure_);
        if (too_large_)
            throw Error(ErrorKind::failed,
                        fmt::format("the answer of {} is larger than {} bytes", where, options_.max_body));
        if (code != CURLE_OK && !ended_early_) throw_failure(code, where);
        response_.status = static_cast<int>(status());
        return std::move(response_);
    }

private:
    void set_destination(const HttpRequest& request) {
        const Url& server = options_.server;
        std::string base = to_string(server);
        if (server.scheme == Url::Scheme::unix_socket) {
            set(easy_, CURLOPT_UNIX_SOCKET_PATH, server.path.c_str());
            base = "http://localhost";
        } else if (!options_.server_name.empty()) {
            const auto wanted = host_and_port(options_.server_name, server.port);
            redirect_.add(wanted + ":" + host_and_port(server.host, server.port));
            set(easy_, CURLOPT_CONNECT_TO, redirect_.list);
            base = (server.scheme == Url::Scheme::https ? "https://" : "http://") + wanted + server.path;
        }
        set(easy_, CURLOPT_URL, (base + target_of(request)).c_str());
        set(easy_, CURLOPT_PATH_AS_IS, 1L);
        set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
        set(easy_, CURLOPT_PROXY, "");
        set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
        set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        set(easy_, CURLOPT_NOSIGNAL, 1L);
        set(easy_, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server when we give up
        set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_limit.count()));
        set(easy_, CURLOPT_MAXAGE_CONN, static_cast<long>(kKeepUnused.count()));
        set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
        set(easy_, CURLOPT_TCP_KEEPIDLE, 15L);
        set(easy_, CURLOPT_TCP_KEEPINTVL, 5L);
        set(easy_, CURLOPT_SOCKOPTFUNCTION, &set_socket);
        if (!options_.dial.connect) return;
        set(easy_, CURLOPT_IPRESOLVE, static_cast<long>(CURL_IPRESOLVE_V4));  // one address, so that we dial once
        set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max(limit_.left(), 1ms).count()));
        set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Call::open_socket);
        set(easy_, CURLOPT_OPENSOCKETDATA, this);
        set(easy_, CURLOPT_PREREQFUNCTION, &Call::on_connected);
        set(easy_, CURLOPT_PREREQDATA, this);
    }

    /// libcurl insists on connecting by itself (7.88 does so even when it is told CURL_SOCKOPT_ALREADY_CONNECTED). So
    /// it connects a socket to a dead end, and before its first byte the descriptor becomes that of the dialled stream.
    static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
        auto& call = *static_cast<Call*>(self);
        try {
            call.dialled_ = call.options_.dial.connect(call.limit_);
            call.dead_end_.emplace(*address);
            Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            if (!socket) throw Error(ErrorKind::failed, "cannot make a socket: " + errno_text(errno));
            return call.descriptor_ = socket.release();
        } catch (...) {
            call.failure_ = std::current_exception();
        }
        return CURL_SOCKET_BAD;
    }

    static int on_connected(void* self, char*, char*, int, int) noexcept {
        auto& call = *static_cast<Call*>(self);
        if (!call.dialled_) return CURL_PREREQFUNC_OK;  // a kept connection is used again
        ::fcntl(call.dialled_.get(), F_SETFL, O_NONBLOCK);
        const bool done = ::dup3(call.dialled_.get(), call.descriptor_, O_CLOEXEC) >= 0;
        call.dialled_.reset();
        call.dead_end_.reset();
        return done ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
    }

    void set_tls() {
        if (options_.server.scheme != Url::Scheme::https) return;
        set(easy_, CURLOPT_SSLVERSION,
            static_cast<long>(options_.tls13_only ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
        set(easy_, CURLOPT_SSL_VERIFYPEER, options_.any_certificate ? 0L : 1L);
        set(easy_, CURLOPT_SSL_VERIFYHOST, options_.any_certificate ? 0L : 2L);
        set(easy_, CURLOPT_SSL_SESSIONID_CACHE, 0L);
        if (!options_.authorities.empty()) {
            // The blob replaces the system's file only: its directory must be taken away as well.
            set(easy_, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
            set(easy_, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
            set_blob(easy_, CURLOPT_CAINFO_BLOB, options_.authorities);
        }
        if (options_.own) {
            set_blob(easy_, CURLOPT_SSLCERT_BLOB, options_.own->certificate);
            set_blob(easy_, CURLOPT_SSLKEY_BLOB, options_.own->key.reveal());
        }
    }

    void set_content(const HttpRequest& request) {
        if (!one_line(request.method) || request.method.empty() || request.method.find(' ') != std::string::npos)
            throw Error(ErrorKind::invalid_input, "'" + request.method + "' is not an HTTP method");
        if (request.method == "HEAD") {
            set(easy_, CURLOPT_NOBODY, 1L);
        } else if (request.method == "POST" || !request.body.empty()) {
            set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            set(easy_, CURLOPT_POSTFIELDS, request.body.data());  // the caller's, alive until we return
        } else {
            set(easy_, CURLOPT_HTTPGET, 1L);
        }
        if (request.method != "HEAD") set(easy_, CURLOPT_CUSTOMREQUEST, request.method.c_str());

        headers_.add("Expect:");  // asking first costs a round trip, and our bodies are small
        if (!request.headers.contains("User-Agent")) headers_.add("User-Agent: pgedge");
        if (!request.body.empty() && !request.headers.contains("Content-Type"))
            headers_.add("Content-Type: application/json");
        for (const auto& [name, value] : request.headers) {
            if (!one_line(name) || !one_line(value) || name.empty() || name.find(':') != std::string::npos)
                throw Error(ErrorKind::invalid_input, "a request header holds a line break or has no name");
            headers_.add(value.empty() ? name + ";" : name + ": " + value);  // "name;" sends an empty value
        }
        set(easy_, CURLOPT_HTTPHEADER, headers_.list);
    }

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
        return static_cast<Call*>(self)->guarded(size, [&](Call& call) {
            const std::string_view line = trimmed({data, size});
            if (line.starts_with("HTTP/")) {  // also the final head after a "100 Continue"
                call.response_.headers.clear();
                return true;
            }
            const auto colon = line.find(':');
            if (colon == std::string_view::npos) return true;
            const std::string name(trimmed(line.substr(0, colon))), value(trimmed(line.substr(colon + 1)));
            auto [at, fresh] = call.response_.headers.try_emplace(name, value);
            if (!fresh) at->second += ", " + value;
            return true;
        });
    }

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) noexcept {
        return static_cast<Call*>(self)->guarded(size, [&](Call& call) {
            if (call.on_part_ && call.status() / 100 == 2) {
                call.ended_early_ = !(*call.on_part_)({data, size});
                return !call.ended_early_;
            }
            call.too_large_ = call.response_.body.size() + size > call.options_.max_body;
            if (!call.too_large_) call.response_.body.append(data, size);
            return !call.too_large_;
        });
    }

    /// No exception may pass through libcurl: it waits here until the call is over.
    template <class Work>
    std::size_t guarded(std::size_t size, Work work) noexcept {
        try {
            if (work(*this)) return size;
        } catch (...) {
            failure_ = std::current_exception();
        }
        return size + 1;  // anything but `size` ends the call
    }

    long status() const {
        long status = 0;
        curl().easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        return status;
    }

    std::string reason(CURLcode code) const {
        long why = 0;  // libcurl's own words name "localhost port 80" for a socket
        if (code == CURLE_COULDNT_CONNECT && options_.server.scheme == Url::Scheme::unix_socket &&
            curl().easy_getinfo(easy_, CURLINFO_OS_ERRNO, &why) == CURLE_OK && why != 0)
            return errno_text(static_cast<int>(why));
        if (code == CURLE_COULDNT_CONNECT && options_.server.scheme == Url::Scheme::unix_socket)
            return "no socket that can be connected to";
        return error_text_[0] ? error_text_ : curl().easy_strerror(code);
    }

    [[noreturn]] void throw_failure(CURLcode code, const std::string& where) const {
        std::string why = options_.dial.why_lost ? options_.dial.why_lost() : "";
        if (why.empty()) why = reason(code);
        switch (code) {
            case CURLE_PEER_FAILED_VERIFICATION:
                throw Error(ErrorKind::unreachable, "the certificate of " + where + " is not trusted: " + why,
                            "check the address and the authority's certificate");
            case CURLE_WEIRD_SERVER_REPLY:
            case CURLE_HTTP2:
            case CURLE_UNSUPPORTED_PROTOCOL: throw Error(ErrorKind::failed, where + " does not answer in HTTP: " + why);
            case CURLE_OUT_OF_MEMORY: throw std::bad_alloc();
            default: throw Error(ErrorKind::unreachable, "cannot reach " + where + ": " + why);
        }
    }

    const HttpClientOptions& options_;
    CURL* easy_;
    const Limit& limit_;
    Fd dialled_;
    std::optional<DeadEnd> dead_end_;
    int descriptor_ = -1;  // libcurl's, while dialled_ waits for its place
    const std::function<bool(std::string_view)>* on_part_;
    HeaderList headers_, redirect_;
    HttpResponse response_;
    std::exception_ptr failure_;
    bool too_large_ = false, ended_early_ = false;
    char error_text_[CURL_ERROR_SIZE] = "";
};

HttpTransport::HttpTransport(HttpClientOptions options)
    : options_(std::move(options)), pool_(std::make_unique<Pool>()) {}
HttpTransport::~HttpTransport() = default;

HttpResponse HttpTransport::send(const HttpRequest& request, const Limit& limit) {
    return perform(request, limit, nullptr);
}

HttpResponse HttpTransport::stream(const HttpRequest& request, const Limit& limit,
                                   const std::function<bool(std::string_view)>& on_part) {
    return perform(request, limit, &on_part);
}

std::string HttpTransport::endpoint() const {
    return options_.dial.connect ? options_.dial.endpoint : to_string(options_.server);
}

HttpResponse HttpTransport::perform(const HttpRequest& request, const Limit& limit,
                                    const std::function<bool(std::string_view)>* on_part) {
    const std::string where = endpoint(), waiting = "waiting for " + where;
    limit.check(waiting);
    auto handle = pool_->take();
    std::optional<HttpResponse> response;
    {
        Call call(options_, request, handle->easy(), limit, on_part);
        const auto code = handle->run(limit);
        if (!code) {  // the handle, and with it the connection, is not kept
            limit.check(waiting);
            throw Error(ErrorKind::timed_out, "timed out while " + waiting);
        }
        response = call.finish(*code, where);
    }
    pool_->give_back(std::move(handle));
    return std::move(*response);
}

}  // namespace pgedge

#include "agent/serve/http_session.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;
namespace http = boost::beast::http;
using BeastError = boost::system::error_code;

constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kSlowestClient = 64 * 1024;  // bytes a second that a reader of a large answer must manage
constexpr std::size_t kAroundTarget = 64;          // method and version in the request line
constexpr std::string_view kStreamRetrySeconds = "5";
constexpr int kClientLeft = 499;    // in the log, as nginx has it: nobody is there to be answered
constexpr char kTlsHandshake = 22;  // the first byte of what a TLS client sends (RFC 8446, 5.1)

std::string_view view(boost::core::string_view text) { return {text.data(), text.size()}; }

bool same(std::string_view a, std::string_view b) { return !HeaderLess()(a, b) && !HeaderLess()(b, a); }

/// "Sat, 21 Nov 2026 15:04:05 GMT" (RFC 1123), in English whatever the locale.
std::string http_date(std::time_t now) {
    constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(utc.tm_wday)),
                       utc.tm_mday, kMonths.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                       utc.tm_min, utc.tm_sec);
}

bool changes_something(const HttpRequest& request) { return request.method != "GET" && request.method != "HEAD"; }

bool forbids_body(int status) { return status < 200 || status == 204 || status == 304; }

/// An answer whose headers could not be sent as they are is a mistake of ours.
void check_headers(const Headers& headers) {
    for (const auto& [name, value] : headers)
        for (const std::string_view text : {std::string_view(name), std::string_view(value)})
            if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 && c != '\t'; }))
                throw Error(ErrorKind::internal, "a header of the answer holds a control character");
}

/// Line and headers, with the empty line.
std::string head_of(const HttpResponse& response, unsigned version, bool keep_alive) {
    const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
    std::string head = fmt::format("HTTP/1.{} {} {}\r\nDate: {}\r\n", version % 10, response.status, view(reason),
                                   http_date(std::time(nullptr)));
    for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
    if (!keep_alive)
        head += "Connection: close\r\n";
    else if (version == 10)
        head += "Connection: keep-alive\r\n";
    return head;
}

}  // namespace

struct HttpSession::Incoming {
    http::request_parser<http::string_body> parser;
    bool head_checked = false;
    ServerConnection::Clock::time_point since = ServerConnection::Clock::now();
};

struct HttpSession::Exchange {
    HttpRequest request;
    std::string target;  ///< as it was sent
    unsigned version = 11;
    bool keep_alive = true;
    std::size_t sent = 0;  ///< bytes of the answer's body
    ServerConnection::Clock::time_point since = ServerConnection::Clock::now();
};

/// An answer, or what the client has not taken of it yet. Counted while it lives.
struct HttpSession::Unsent {
    Unsent(HttpService& service, std::string its_head, std::string its_body, bool keeps_alive, bool is_last)
        : head(std::move(its_head)),
          body(std::move(its_body)),
          keep_alive(keeps_alive),
          last(is_last),
          service_(service) {
        service_.unsent += size();
    }
    ~Unsent() { service_.unsent -= size(); }
    Unsent(const Unsent&) = delete;
    Unsent& operator=(const Unsent&) = delete;

    std::size_t size() const { return head.size() + body.size(); }
    std::pair<std::string_view, std::string_view> rest() const {
        const std::string_view all(body);
        if (at >= head.size()) return {all.substr(at - head.size()), {}};
        return {std::string_view(head).substr(at), all};
    }

    const std::string head, body;
    const bool keep_alive, last;
    std::size_t at = 0;

private:
    HttpService& service_;
};

/// One of the few streamed answers that may be open.
class HttpSession::StreamSlot {
public:
    StreamSlot(HttpService& service, bool wanted) : service_(service), counted_(wanted) {
        if (counted_) granted_ = service.streams.fetch_add(1) < service.limits.max_streams;
    }
    ~StreamSlot() {
        if (counted_) service_.streams.fetch_sub(1);
    }
    StreamSlot(const StreamSlot&) = delete;
    StreamSlot& operator=(const StreamSlot&) = delete;
    bool granted() const { return granted_; }

private:
    HttpService& service_;
    bool counted_, granted_ = true;
};

HttpSession::HttpSession(HttpService& service, std::shared_ptr<const ListenAddress> listener, const SslContext& tls,
                         Listener::Accepted client)
    : service_(service),
      listener_(std::move(listener)),
      connection_(std::move(client.socket), tls),
      refused_(client.refused) {
    caller_.address = std::move(client.address);
    caller_.uid = client.uid;
    connection_.limit(service_.limits.head);  // a client that says nothing at all gets no longer than a slow one
}
HttpSession::~HttpSession() = default;

HttpSession::Wait HttpSession::serve() {
    Step step = draining_ ? say_last() : unsent_ ? send_rest() : greet();
    while (step == Step::go_on) {
        try {
            step = read_request();
            if (step == Step::go_on) step = answer();
        } catch (const Failure& failure) {
            step = refuse(failure);
        }
    }
    return step == Step::close ? Wait::no_more : connection_.waits_to_write() ? Wait::to_write : Wait::to_read;
}

HttpSession::Step HttpSession::greet() {
    switch (connection_.handshake()) {
        case Io::done: return Step::go_on;
        case Io::quiet: return Step::park;
        case Io::plain:
            return refuse({400, "invalid_input", "this port answers TLS only: write https:// instead of http://"});
        case Io::refused: return say_last();
        default: return Step::close;
    }
}

/// No more comes from us; what the client still sends is thrown away for a moment.
HttpSession::Step HttpSession::say_last() {
    if (!std::exchange(draining_, true)) connection_.say_last();
    return connection_.drain() == Io::quiet ? Step::park : Step::close;
}

HttpSession::Step HttpSession::read_request() {
    for (;;) {
        if (!bytes_.empty() && take_bytes()) return Step::go_on;
        const bool idle = !incoming_ && bytes_.empty();
        if (idle) bytes_.shrink_to_fit();
        std::array<char, kReadSize> fresh;
        const IoResult result = connection_.read(fresh);
        if (result.io == Io::quiet) return Step::park;
        if (result.io != Io::done) return Step::close;
        bytes_.append(fresh.data(), result.size);
        if (idle) connection_.limit(service_.limits.head);
    }
}

/// Looks at the head before the parser sees it, which would turn folded headers into blanks. True when it is whole.
bool HttpSession::begin_request() {
    const HttpLimits& limits = service_.limits;
    if (bytes_.front() == kTlsHandshake && !listener_->tls)
        throw Failure{400, "invalid_input", "this port does not speak TLS: write http:// instead of https://"};
    const auto end = bytes_.find("\r\n\r\n");
    const bool whole = end != std::string::npos;
    const std::string_view head = std::string_view(bytes_).substr(0, end);
    for (std::size_t at = head.find('\n'); at != head.npos; at = head.find('\n', at + 1)) {
        if (at == 0 || head[at - 1] != '\r')
            throw Failure{400, "invalid_input", "a line of the request ends without a carriage return"};
        if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t'))
            throw Failure{400, "invalid_input", "a header of the request is folded over several lines"};
    }
    // A target that is too long is told from a head that is: both when whole and while it still grows.
    if (head.substr(0, head.find('\r')).size() > limits.max_target + kAroundTarget)
        throw Failure{414, "invalid_input", fmt::format("the URL is longer than {} bytes", limits.max_target)};
    if (head.size() > limits.max_head)
        throw Failure{431, "invalid_input", fmt::format("the request's head is larger than {} bytes", limits.max_head)};
    if (!whole) return false;
    incoming_ = std::make_unique<Incoming>();
    incoming_->parser.eager(true);
    incoming_->parser.body_limit(limits.max_body);
    incoming_->parser.header_limit(static_cast<std::uint32_t>(limits.max_head + 4));
    return true;
}

/// Gives to the parser what has come; true when the request is whole. Throws Failure.
bool HttpSession::take_bytes() {
    if (!incoming_ && !begin_request()) return false;
    const HttpLimits& limits = service_.limits;
    auto& parser = incoming_->parser;
    while (!bytes_.empty() && !parser.is_done()) {
        BeastError error;
        const std::size_t used = parser.put(boost::asio::buffer(bytes_), error);
        bytes_.erase(0, used);
        if (error == http::error::body_limit)
            throw Failure{413, "payload_too_large",
                          fmt::format("the request's body is larger than {} bytes", limits.max_body)};
        if (error && error != http::error::need_more)
            throw Failure{400, "invalid_input", "the request is not HTTP/1.1: " + error.message()};
        if (parser.is_header_done() && !incoming_->head_checked) check_head();
        if (used == 0 || error == http::error::need_more) break;
    }
    if (!parser.is_done() && bytes_.size() > limits.max_head)
        throw Failure{400, "invalid_input", "a chunk of the request's body has an endless head"};
    return parser.is_done();
}

void HttpSession::check_head() {
    incoming_->head_checked = true;
    const auto& parser = incoming_->parser;
    const auto& head = parser.get();
    const auto hosts = head.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && head.version() == 11))
        throw Failure{400, "invalid_input", "the request must have one Host header"};
    if (head.target().size() > service_.limits.max_target)
        throw Failure{414, "invalid_input", fmt::format("the URL is longer than {} bytes", service_.limits.max_target)};
    if (const auto coding = head.find(http::field::transfer_encoding); coding != head.end())
        if (head.version() != 11 || head.count(http::field::transfer_encoding) != 1 ||
            !same(view(coding->value()), "chunked"))
            throw Failure{400, "invalid_input", "the only transfer coding that requests may have is chunked"};
    if (refused_)
        throw Failure{
            403, "denied",
            "programs of the user that runs PostgreSQL on this host may not call this API: call it as another "
            "user, and wait for the answer"};
    check_certificate();
    connection_.limit(service_.limits.body);
    const auto expected = head.find(http::field::expect);
    if (expected == head.end() || head.version() != 11) return;
    if (!same(view(expected->value()), "100-continue"))
        throw Failure{417, "invalid_input", "the only expectation that requests may have is 100-continue"};
    if (!parser.is_done() && bytes_.empty()) say_continue();
}

/// Without waiting: a client that does not read what it got before needs no leave to go on either.
void HttpSession::say_continue() {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const IoResult result = connection_.write_some(kContinue);
    // A part of it, or a TLS record that OpenSSL keeps, would stand in front of the answer.
    const bool begun = result.io == Io::done ? result.size != kContinue.size() : connection_.tls() != nullptr;
    if (begun) connection_.abort();
}

/// Told here and not by a TLS alert, which clients show in words of their own, or lose. Before the body is read.
void HttpSession::check_certificate() const {
    if (listener_->open_target.empty() || !connection_.tls()) return;
    const auto problem = certificate_problem(connection_.tls());
    if (!problem || view(incoming_->parser.get().target()) == listener_->open_target) return;
    throw Failure{403, "denied",
                  *problem +
                      ": this agent answers clients with a certificate of its http.ca_cert only (pgedgectl: "
                      "--cert-file and --key-file; curl: --cert and --key)"};
}

/// Splits the target into path and query; Error{invalid_input} when it is no path. "http://host/path" is one, too.
void HttpSession::set_target(HttpRequest& request, std::string_view target) {
    if (const auto scheme = target.find("://"); scheme != target.npos && !target.starts_with('/')) {
        const auto slash = target.find('/', scheme + 3);
        request.authority = target.substr(scheme + 3, slash == target.npos ? slash : slash - scheme - 3);
        target = slash == target.npos ? std::string_view("/") : target.substr(slash);
    }
    if (!target.starts_with('/')) throw Error(ErrorKind::invalid_input, "the URL's path must begin with '/'");
    target = target.substr(0, target.find('#'));
    const auto question = target.find('?');
    request.path = url_decode(target.substr(0, question));
    if (question != target.npos) request.query = parse_query(target.substr(question + 1));
}

/// Once for a connection: a certificate is shown in the handshake and not again.
void HttpSession::look_at_certificate() {
    const SSL* tls = connection_.tls();
    if (!tls || std::exchange(certificate_seen_, true)) return;
    const auto agent = listener_->agents ? verified_agent(tls) : std::nullopt;
    caller_.agent = agent.has_value();
    caller_.certificate = listener_->agents ? agent.value_or("") : verified_name(tls);
    if (caller_.certificate.empty()) caller_.subject = verified_subject(tls);
}

/// Who calls, and where: also of what is refused.
void HttpSession::note_caller(HttpRequest& request) {
    look_at_certificate();
    request.caller = caller_;
    request.listener = listener_->name;
    if (!caller_.over_unix_socket()) request.own_address = local_address(connection_.fd());
    request.encrypted = connection_.tls() != nullptr;
}

HttpSession::Exchange HttpSession::take_exchange() {
    auto& parser = incoming_->parser;
    Exchange exchange;
    exchange.since = incoming_->since;
    exchange.version = parser.get().version();
    exchange.keep_alive = parser.get().keep_alive() && !service_.stop.stop_requested();
    exchange.target = view(parser.get().target());

    auto message = parser.release();
    incoming_.reset();
    HttpRequest& request = exchange.request;
    request.method = std::string(view(message.method_string()));
    for (const auto& field : message) {
        auto [at, fresh] = request.headers.try_emplace(std::string(view(field.name_string())), view(field.value()));
        if (!fresh) at->second.append(", ").append(view(field.value()));
    }
    request.body = std::move(message.body());
    note_caller(request);
    request.stop = service_.stop.get_token();
    return exchange;
}

HttpResponse HttpSession::respond(Exchange& exchange) {
    std::stop_source gone;
    const std::stop_callback stopping(service_.stop.get_token(), [&gone] { gone.request_stop(); });
    std::optional<ClientWatch::Watch> watch;
    if (changes_something(exchange.request)) {
        watch.emplace(service_.clients, connection_.fd(), gone);
        exchange.request.stop = gone.get_token();
    }
    try {
        set_target(exchange.request, exchange.target);
        HttpResponse response = service_.handler(exchange.request);
        check_headers(response.headers);
        return response;
    } catch (const Error& error) {
        return service_.refuse(exchange.request, error);
    } catch (const std::exception& error) {
        service_.log.error("unexpected failure of a request", {{"http.url", exchange.target}, {"error", error.what()}});
        return service_.refuse(exchange.request,
                               Error(ErrorKind::internal, "internal error; the agent's log has the details"));
    }
}

HttpSession::Step HttpSession::answer() {
    Exchange exchange = take_exchange();
    // It may have stood in line, or the agent stood still: what nobody waits for any more is not begun.
    if (changes_something(exchange.request) && ClientWatch::has_left(connection_.fd())) {
        log_access(exchange, kClientLeft);
        return Step::close;
    }
    HttpResponse response = respond(exchange);
    const bool streams = response.stream && exchange.request.method != "HEAD";
    const StreamSlot slot(service_, streams);
    if (streams && !slot.granted()) {
        response = service_.refuse(exchange.request,
                                   {503, "too_many_streams", "too many streamed answers are open; try again soon"});
        response.headers["Retry-After"] = kStreamRetrySeconds;
    }
    if (service_.stop.stop_requested()) exchange.keep_alive = false;
    const int status = response.status;
    const Step step = response.stream ? send_stream(exchange, response) : send_whole(exchange, std::move(response));
    log_access(exchange, status);
    return step;
}

HttpSession::Step HttpSession::after_answer(bool keep_alive) {
    if (!keep_alive) return Step::close;
    connection_.limit(bytes_.empty() ? service_.limits.idle : service_.limits.head);  // or the next one has begun
    return Step::go_on;
}

/// `last`: it ends the connection, and the client may still be sending.
HttpSession::Step HttpSession::send_whole(Exchange& exchange, HttpResponse response, bool last) {
    std::string head = head_of(response, exchange.version, exchange.keep_alive);
    if (!forbids_body(response.status)) head += fmt::format("Content-Length: {}\r\n", response.body.size());
    head += "\r\n";
    const bool bare = forbids_body(response.status) || exchange.request.method == "HEAD";
    if (bare) response.body.clear();
    connection_.limit(service_.limits.write + std::chrono::seconds(response.body.size() / kSlowestClient));
    exchange.sent = response.body.size();
    unsent_ = std::make_unique<Unsent>(service_, std::move(head), std::move(response.body), exchange.keep_alive, last);
    return send_rest();
}

/// As much as the client takes now: one that does not read costs memory and no thread.
HttpSession::Step HttpSession::send_rest() {
    while (unsent_->at < unsent_->size()) {
        const auto [head, body] = unsent_->rest();
        const IoResult result = connection_.write_some(head, body);
        if (result.io == Io::quiet && service_.unsent <= service_.limits.max_unsent) return Step::park;
        if (result.io != Io::done) return Step::close;
        unsent_->at += result.size;
    }
    const auto sent = std::move(unsent_);
    return sent->last ? say_last() : after_answer(sent->keep_alive);
}

HttpSession::Step HttpSession::send_stream(Exchange& exchange, const HttpResponse& response) {
    const bool chunked = exchange.version == 11;  // HTTP/1.0 knows the end of the body by the end of the connection
    exchange.keep_alive = exchange.keep_alive && chunked;
    std::string head = head_of(response, exchange.version, exchange.keep_alive);
    if (chunked) head += "Transfer-Encoding: chunked\r\n";
    connection_.limit(service_.limits.write);
    bool open = connection_.write(head, "\r\n") == Io::done;
    if (exchange.request.method == "HEAD") return open ? after_answer(exchange.keep_alive) : Step::close;
    const auto write = [&](std::string_view part) {
        if (service_.stop.stop_requested()) return false;
        if (open && part.empty()) return open = connection_.peer_there();
        if (!open) return false;
        connection_.limit(service_.limits.write);
        exchange.sent += part.size();
        if (!chunked) return open = connection_.write(part) == Io::done;
        return open = connection_.write(fmt::format("{:x}\r\n", part.size()), part, "\r\n") == Io::done;
    };
    try {
        response.stream(write);
    } catch (const std::exception& error) {
        // The status is on its way already: a body without its end tells the client that this is not all.
        service_.log.warn("a streamed answer broke off", {{"http.url", exchange.target}, {"error", error.what()}});
        return Step::close;
    }
    connection_.limit(service_.limits.write);
    const bool sent = open && (!chunked || connection_.write("0\r\n\r\n") == Io::done);
    return sent ? after_answer(exchange.keep_alive) : Step::close;
}

HttpSession::Step HttpSession::refuse(const Failure& failure) {
    Exchange exchange;
    exchange.keep_alive = false;
    note_caller(exchange.request);
    if (incoming_) {
        exchange.since = incoming_->since;
        exchange.request.method = std::string(view(incoming_->parser.get().method_string()));
        exchange.target = view(incoming_->parser.get().target());
        exchange.request.path = exchange.target.substr(0, exchange.target.find('?'));
    }
    const Step step = send_whole(exchange, service_.refuse(exchange.request, failure), /*last=*/true);
    log_access(exchange, failure.status);
    return step;
}

void HttpSession::log_access(const Exchange& exchange, int status) const {
    if (!service_.access_log && status < 500) return;
    const auto level = status >= 500                      ? LogLevel::error
                       : status >= 400                    ? LogLevel::warn
                       : exchange.target == "/v1/version" ? LogLevel::debug
                                                          : LogLevel::info;
    const auto took = std::chrono::nanoseconds(ServerConnection::Clock::now() - exchange.since);
    const auto agent = exchange.request.headers.find("User-Agent");
    service_.log.write(level, "request",
                       {{"http.status_code", status},
                        {"http.url", exchange.target},
                        {"http.method", exchange.request.method},
                        {"http.client_ip", exchange.request.caller.address},
                        {"caller", exchange.request.caller.text()},
                        {"http.useragent", agent == exchange.request.headers.end() ? std::string() : agent->second},
                        {"http.response.content_length", exchange.sent},
                        {"duration_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
                        {"duration", took.count()}});
}

}  // namespace pgedge

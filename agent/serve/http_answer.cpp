#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

#include "agent/serve/http_exchange.hpp"
#include "agent/serve/http_session.hpp"
#include "common/base/error.hpp"

// How a session answers: whole, as a stream, or not at all.
namespace pgedge {
namespace {

constexpr std::size_t kSlowestClient = 64 * 1024;  // bytes a second that a reader of a large answer must manage
constexpr std::string_view kStreamRetrySeconds = "5";
constexpr int kClientLeft = 499;  // in the log, as nginx has it: nobody is there to be answered

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
    const auto reason =
        boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
    std::string head = fmt::format("HTTP/1.{} {} {}\r\nDate: {}\r\n", version % 10, response.status,
                                   std::string_view(reason.data(), reason.size()), http_date(std::time(nullptr)));
    for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
    if (!keep_alive)
        head += "Connection: close\r\n";
    else if (version == 10)
        head += "Connection: keep-alive\r\n";
    return head;
}

}  // namespace

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
    const auto& size = response.stream_size;
    const bool chunked = exchange.version == 11 && !size;
    // HTTP/1.0 knows the end of a body of unknown length by the end of the connection.
    exchange.keep_alive = exchange.keep_alive && (chunked || size);
    std::string head = head_of(response, exchange.version, exchange.keep_alive);
    if (chunked) head += "Transfer-Encoding: chunked\r\n";
    if (size) head += fmt::format("Content-Length: {}\r\n", *size);
    connection_.limit(service_.limits.write);
    bool open = connection_.write(head, "\r\n") == Io::done;
    if (exchange.request.method == "HEAD") return open ? after_answer(exchange.keep_alive) : Step::close;
    const auto write = [&](std::string_view part) {
        if (service_.stop.stop_requested()) return false;
        if (open && part.empty()) return open = connection_.peer_there();
        if (!open) return false;
        connection_.limit(service_.limits.write);
        exchange.sent += part.size();
        if (size && exchange.sent > *size) return open = false;
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
    if (open && size && exchange.sent != *size) {
        service_.log.warn("a streamed answer had another length than was told", {{"http.url", exchange.target}});
        return Step::close;
    }
    const bool sent = open && (!chunked || connection_.write("0\r\n\r\n") == Io::done);
    return sent ? after_answer(exchange.keep_alive) : Step::close;
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

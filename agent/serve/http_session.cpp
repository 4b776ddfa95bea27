#include "agent/serve/http_session.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "agent/serve/http_exchange.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;
namespace http = boost::beast::http;
using BeastError = boost::system::error_code;

constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kAroundTarget = 64;  // method and version in the request line
constexpr char kTlsHandshake = 22;         // the first byte of what a TLS client sends (RFC 8446, 5.1)

std::string_view view(boost::core::string_view text) { return {text.data(), text.size()}; }

bool same(std::string_view a, std::string_view b) { return !HeaderLess()(a, b) && !HeaderLess()(b, a); }

/// Method and headers.
void take_head(const http::request_header<>& head, HttpRequest& request) {
    request.method = std::string(view(head.method_string()));
    for (const auto& field : head) {
        auto [at, fresh] = request.headers.try_emplace(std::string(view(field.name_string())), view(field.value()));
        if (!fresh) at->second.append(", ").append(view(field.value()));
    }
}

Failure too_large(std::size_t most) {
    return {413, "payload_too_large", fmt::format("the request's body is larger than {} bytes", most)};
}

}  // namespace

struct HttpSession::Incoming {
    http::request_parser<http::string_body> parser;
    std::size_t head_size = 0;  ///< with the empty line
    bool head_checked = false;
    BodyTerms terms;
    ServerConnection::Clock::time_point since = ServerConnection::Clock::now();
    ServerConnection::Clock::time_point body_since{};
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
        if (result.io == Io::timed_out && tells_when_late())
            throw Failure{408, "timed_out", "the request's body did not come in time"};
        if (result.io != Io::done) return Step::close;
        bytes_.append(fresh.data(), result.size);
        if (idle) connection_.limit(service_.limits.head);
        limit_body();
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
    incoming_->head_size = head.size() + 4;
    incoming_->parser.eager(true);
    incoming_->parser.body_limit(boost::none);  // settle_body() sets it
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
        // The head alone at first: it decides how large the body may be.
        const std::size_t part = parser.is_header_done() ? bytes_.size() : incoming_->head_size;
        const std::size_t used = parser.put(boost::asio::buffer(bytes_.data(), part), error);
        bytes_.erase(0, used);
        if (error == http::error::body_limit) throw too_large(incoming_->terms.most);
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
    settle_body();
    const auto expected = head.find(http::field::expect);
    if (expected == head.end() || head.version() != 11) return;
    if (!same(view(expected->value()), "100-continue"))
        throw Failure{417, "invalid_input", "the only expectation that requests may have is 100-continue"};
    if (!parser.is_done() && bytes_.empty()) say_continue();
}

/// How large the body may be and how long it may take. An API's own terms are asked for before any of it is read.
void HttpSession::settle_body() {
    auto& parser = incoming_->parser;
    BodyTerms& terms = incoming_->terms;
    terms.most = service_.limits.max_body;
    if (!parser.is_done() && service_.body_terms) try {
            if (auto own = service_.body_terms(head_so_far())) terms = std::move(*own);
        } catch (const Error& error) {
            throw Failure(error);
        }
    if (const auto length = parser.content_length(); length && *length > terms.most) throw too_large(terms.most);
    parser.body_limit(terms.most);
    if (terms.at_most == 0ms) terms.at_most = service_.limits.body;
    incoming_->body_since = ServerConnection::Clock::now();
    connection_.limit(terms.at_most);
    limit_body();
}

/// Something of the body has come: from now on it may pause for so long.
void HttpSession::limit_body() {
    if (!incoming_ || incoming_->terms.idle == 0ms) return;
    const auto gone = ServerConnection::Clock::now() - incoming_->body_since;
    connection_.limit(
        std::min<ServerConnection::Clock::duration>(incoming_->terms.idle, incoming_->terms.at_most - gone));
}

bool HttpSession::tells_when_late() const { return incoming_ && incoming_->terms.idle > 0ms && !unsent_ && !draining_; }

/// The request without its body, for who decides about that.
HttpRequest HttpSession::head_so_far() {
    HttpRequest request;
    const auto& head = incoming_->parser.get();
    take_head(head, request);
    note_caller(request);
    request.stop = service_.stop.get_token();
    set_target(request, view(head.target()));
    return request;
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
    request.raw_path = target.substr(0, question);
    request.path = request.raw_path;  // what cannot be decoded is still told in the form of its API
    request.path = url_decode(request.raw_path);
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
    HttpRequest& request = exchange.request;
    request.reserved = std::move(incoming_->terms.reserved);
    incoming_.reset();
    take_head(message, request);
    request.body = std::move(message.body());
    note_caller(request);
    request.stop = service_.stop.get_token();
    return exchange;
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

}  // namespace pgedge

#include "agent/store/wire.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "agent/store/abstract_socket.hpp"

namespace pgedge {
namespace {

using std::chrono::steady_clock;

static_assert(std::endian::native == std::endian::little, "the engine's protocol is little endian, and so are we");

enum Request : std::uint8_t {
    kLeader = 0,
    kOpen = 3,
    kPrepare = 4,
    kExec = 5,
    kQuery = 6,
    kExecSql = 8,
    kQuerySql = 9,
    kAdd = 12,
    kAssign = 13,
    kRemove = 14,
    kDump = 15,
    kCluster = 16,
    kTransfer = 17
};
enum Answered : std::uint8_t {
    kFailure = 0,
    kServer = 1,
    kServers = 3,
    kDatabase = 4,
    kStatement = 5,
    kResult = 6,
    kRows = 7,
    kEmpty = 8,
    kFiles = 9
};
enum Type : std::uint8_t {
    kInt = 1,
    kReal = 2,
    kText = 3,
    kBlob = 4,
    kNull = 5,
    kUnixTime = 9,
    kIsoTime = 10,
    kBool = 11
};

constexpr std::uint64_t kProtocolVersion = 1;
constexpr std::uint64_t kMoreRows = 0xeeeeeeeeeeeeeeeeULL, kNoMoreRows = 0xffffffffffffffffULL;
constexpr std::size_t kMaxAnswer = 256U << 20;  // a dump of the whole store
constexpr std::size_t kMaxRowBytes = 64U << 20;
constexpr std::size_t kMaxNodes = 10'000;
/// What a caller runs often is a handful of texts; beyond this they are run like any other.
constexpr std::size_t kMaxPrepared = 64;

constexpr std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

[[noreturn]] void damaged(const char* why) {
    throw Error(ErrorKind::unreachable, fmt::format("the store's node gave an answer that cannot be read: {}", why));
}

class Body {
public:
    template <class Number>
    Body& number(Number value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
        return *this;
    }
    Body& text(std::string_view text) {
        if (text.find('\0') != std::string_view::npos)
            throw Error(ErrorKind::invalid_input, "a text for the store holds a NUL character");
        bytes_ += text;
        bytes_.append(padded(text.size() + 1) - text.size(), '\0');
        return *this;
    }
    Body& arguments(const std::vector<SqlValue>& values) {
        if (values.empty()) return *this;
        if (values.size() > 255)
            throw Error(ErrorKind::internal, "a statement of the store has more than 255 parameters");
        const auto start = bytes_.size();
        bytes_ += static_cast<char>(values.size());
        for (const auto& value : values) bytes_ += static_cast<char>(type_of(value));
        pad(start);
        for (const auto& value : values) append(value);
        return *this;
    }
    const std::string& bytes() const { return bytes_; }

private:
    void pad(std::size_t start) { bytes_.append(padded(bytes_.size() - start) - (bytes_.size() - start), '\0'); }
    static Type type_of(const SqlValue& value) {
        static constexpr Type kTypes[] = {kNull, kInt, kReal, kText, kBlob};  // in the order of SqlValue
        return kTypes[value.index()];
    }
    void append(const SqlValue& value) {
        if (const auto* whole = std::get_if<std::int64_t>(&value))
            number(*whole);
        else if (const auto* real = std::get_if<double>(&value))
            number(*real);
        else if (const auto* words = std::get_if<std::string>(&value))
            text(*words);
        else if (const auto* blob = std::get_if<Blob>(&value)) {
            number(std::uint64_t{blob->bytes.size()});
            const auto start = bytes_.size();
            bytes_ += blob->bytes;
            pad(start);
        } else
            number(std::uint64_t{0});
    }
    std::string bytes_;
};

/// Reads an answer; every size is checked against what is there.
class Reader {
public:
    explicit Reader(std::string_view bytes) : left_(bytes) {}

    template <class Number>
    Number number() {
        Number value{};
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    std::uint64_t peek() const { return Reader(*this).number<std::uint64_t>(); }
    std::string text() {
        const auto size = left_.find('\0');
        if (size == std::string_view::npos) damaged("a text has no end");
        return std::string(take(padded(size + 1)).substr(0, size));
    }
    std::string blob() {
        const auto size = number<std::uint64_t>();
        return bytes(size);
    }
    std::string bytes(std::uint64_t size) {
        if (size > left_.size()) damaged("a size is larger than the answer");
        std::string found(left_.substr(0, size));
        left_.remove_prefix(std::min(left_.size(), padded(size)));
        return found;
    }
    std::string_view take(std::size_t size) {
        if (size > left_.size()) damaged("it ends too early");
        const auto found = left_.substr(0, size);
        left_.remove_prefix(size);
        return found;
    }
    SqlValue value(std::uint8_t type) {
        switch (type) {
            case kInt:
            case kUnixTime:
            case kBool: return number<std::int64_t>();
            case kReal: return number<double>();
            case kText:
            case kIsoTime: return text();
            case kBlob: return Blob{blob()};
            case kNull: number<std::uint64_t>(); return nullptr;
            default: damaged("a value has an unknown type");
        }
    }

private:
    std::string_view left_;
};

SqliteError failure_of(std::string_view body) {
    Reader reader(body);
    const auto code = reader.number<std::uint64_t>();
    return {code, fmt::format("the store refused a statement: {}", reader.text())};
}

}  // namespace

std::string_view to_string(NodeRole role) {
    switch (role) {
        case NodeRole::voter: return "voter";
        case NodeRole::standby: return "stand-by";
        default: return "spare";
    }
}

WireConnection::WireConnection(std::string_view socket, Duration timeout)
    : socket_(connect_abstract(socket)), timeout_(timeout) {
    deadline_ = steady_clock::now() + timeout_;
    write_all({reinterpret_cast<const char*>(&kProtocolVersion), sizeof kProtocolVersion});
}

void WireConnection::cut() { ::shutdown(socket_.get(), SHUT_RDWR); }

void WireConnection::lost(ErrorKind kind, const std::string& why) {
    broken_ = true;
    throw Error(kind, "no answer from the store's node: " + why);
}

void WireConnection::wait_for(short events) {
    const auto left = std::chrono::ceil<Duration>(deadline_ - steady_clock::now());
    if (left.count() <= 0) lost(ErrorKind::timed_out, "timed out");
    pollfd waiting{socket_.get(), events, 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
        lost(ErrorKind::unreachable, errno_text(errno));
}

void WireConnection::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno == EAGAIN)
            wait_for(POLLOUT);
        else if (errno != EINTR)
            lost(ErrorKind::unreachable, errno_text(errno));
    }
}

void WireConnection::read_all(char* into, std::size_t size) {
    while (size > 0) {
        const auto got = ::recv(socket_.get(), into, size, 0);
        if (got == 0) lost(ErrorKind::unreachable, "it closed the connection");
        if (got > 0) {
            into += got;
            size -= static_cast<std::size_t>(got);
        } else if (errno == EAGAIN) {
            wait_for(POLLIN);
        } else if (errno != EINTR) {
            lost(ErrorKind::unreachable, errno_text(errno));
        }
    }
}

void WireConnection::send(std::uint8_t type, std::string_view body) {
    if (broken_) throw Error(ErrorKind::unreachable, "the connection to the store's node is lost");
    Body message;
    message.number(static_cast<std::uint32_t>(body.size() / 8))
        .number(type)
        .number(std::uint8_t{0})
        .number(std::uint16_t{0});
    deadline_ = steady_clock::now() + timeout_;
    write_all(message.bytes() + std::string(body));
}

WireConnection::Reply WireConnection::receive() {
    char head[8];
    read_all(head, sizeof head);
    std::uint32_t words = 0;
    std::memcpy(&words, head, sizeof words);
    const auto size = std::size_t{words} * 8;
    if (size > kMaxAnswer) lost(ErrorKind::unreachable, "its answer is too large");
    Reply reply{static_cast<std::uint8_t>(head[4]), std::string(size, '\0')};
    read_all(reply.body.data(), size);
    return reply;
}

WireConnection::Reply WireConnection::expect(Reply reply, std::uint8_t wanted) {
    if (reply.type == kFailure) throw failure_of(reply.body);
    if (reply.type != wanted) lost(ErrorKind::unreachable, fmt::format("it gave an answer of type {}", reply.type));
    return reply;
}

WireConnection::Reply WireConnection::call(std::uint8_t type, std::string_view body, std::uint8_t wanted) {
    send(type, body);
    return expect(receive(), wanted);
}

void WireConnection::open(std::string_view database) {
    const auto reply = call(kOpen, Body().text(database).number(std::uint64_t{0}).text("").bytes(), kDatabase);
    database_ = Reader(reply.body).number<std::uint32_t>();
    prepared_.clear();  // the engine numbers them anew
}

SqlConnection::Answer WireConnection::answer_to(StatementKind kind, std::uint8_t request, const std::string& body) {
    Answer answer;
    if (kind == StatementKind::query) {
        answer.rows = read_rows(call(request, body, kRows));
    } else {
        const auto reply = call(request, body, kResult);
        Reader reader(reply.body);
        reader.number<std::uint64_t>();  // the last row's id
        answer.changes = reader.number<std::int64_t>();
    }
    return answer;
}

SqlConnection::Answer WireConnection::run(const Statement& statement) {
    const auto kind = kind_of(statement.sql);
    const auto body = Body().number(std::uint64_t{database_}).text(statement.sql).arguments(statement.args);
    return answer_to(kind, kind == StatementKind::query ? kQuerySql : kExecSql, body.bytes());
}

SqlConnection::Answer WireConnection::run_often(const Statement& statement) {
    const auto kind = kind_of(statement.sql);
    auto known = prepared_.find(statement.sql);
    if (known == prepared_.end()) {
        if (prepared_.size() >= kMaxPrepared) return run(statement);
        known = prepared_.emplace(statement.sql, prepare(statement.sql)).first;
    }
    const auto body = Body().number(database_).number(known->second).arguments(statement.args);
    return answer_to(kind, kind == StatementKind::query ? kQuery : kExec, body.bytes());
}

std::uint32_t WireConnection::prepare(std::string_view sql) {
    const auto reply = call(kPrepare, Body().number(std::uint64_t{database_}).text(sql).bytes(), kStatement);
    Reader reader(reply.body);
    reader.number<std::uint32_t>();  // the database
    return reader.number<std::uint32_t>();
}

void WireConnection::execute(std::string_view sql) {
    call(kExecSql, Body().number(std::uint64_t{database_}).text(sql).bytes(), kResult);
}

Rows WireConnection::read_rows(Reply reply) {
    Rows rows;
    std::size_t total = 0;
    for (;;) {
        total += reply.body.size();
        if (total > kMaxRowBytes) lost(ErrorKind::failed, "a query of the store gives more than 64 MB");
        Reader reader(reply.body);
        const auto columns = reader.number<std::uint64_t>();
        if (columns > reply.body.size()) damaged("it has too many columns");
        for (std::uint64_t i = 0; i < columns; ++i) reader.text();
        // A row's header of types never looks like a mark: no type is 0xe or 0xf.
        while (reader.peek() != kNoMoreRows && reader.peek() != kMoreRows) {
            const auto types = reader.take(padded((columns + 1) / 2));
            auto& row = rows.emplace_back();
            row.values.reserve(columns);
            for (std::uint64_t i = 0; i < columns; ++i) {
                const auto pair = static_cast<std::uint8_t>(types[i / 2]);
                row.values.push_back(reader.value(i % 2 == 0 ? pair & 0x0f : pair >> 4));
            }
            if (columns == 0) damaged("a row has no columns");
        }
        if (reader.peek() == kNoMoreRows) return rows;
        deadline_ = steady_clock::now() + timeout_;
        reply = expect(receive(), kRows);
    }
}

NodeInfo WireConnection::leader() {
    const auto reply = call(kLeader, Body().number(std::uint64_t{0}).bytes(), kServer);
    Reader reader(reply.body);
    NodeInfo node{.id = reader.number<std::uint64_t>(), .address = {}, .role = NodeRole::voter};
    node.address = reader.text();
    return node;
}

std::vector<NodeInfo> WireConnection::cluster() {
    const auto reply = call(kCluster, Body().number(std::uint64_t{1}).bytes(), kServers);
    Reader reader(reply.body);
    const auto count = reader.number<std::uint64_t>();
    if (count > kMaxNodes) damaged("it counts too many nodes");
    std::vector<NodeInfo> nodes;
    for (std::uint64_t i = 0; i < count; ++i) {
        NodeInfo node{.id = reader.number<std::uint64_t>(), .address = {}, .role = {}};
        node.address = reader.text();
        const auto role = reader.number<std::uint64_t>();
        node.role = role <= 2 ? NodeRole{role} : NodeRole::spare;
        nodes.push_back(std::move(node));
    }
    return nodes;
}

void WireConnection::add(std::uint64_t id, std::string_view address) {
    call(kAdd, Body().number(id).text(address).bytes(), kEmpty);
}
void WireConnection::assign(std::uint64_t id, NodeRole role) {
    call(kAssign, Body().number(id).number(static_cast<std::uint64_t>(role)).bytes(), kEmpty);
}
void WireConnection::remove(std::uint64_t id) { call(kRemove, Body().number(id).bytes(), kEmpty); }
void WireConnection::transfer(std::uint64_t id) { call(kTransfer, Body().number(id).bytes(), kEmpty); }

WireConnection::Dump WireConnection::dump(std::string_view database) {
    const auto reply = call(kDump, Body().text(database).bytes(), kFiles);
    Reader reader(reply.body);
    const auto files = reader.number<std::uint64_t>();
    Dump dump;
    for (std::uint64_t i = 0; i < files && i < 2; ++i) {
        const auto name = reader.text();
        (name.ends_with("-wal") ? dump.log : dump.database) = reader.blob();
    }
    if (dump.database.empty()) damaged("a dump without a database");
    return dump;
}

}  // namespace pgedge

#include "agent/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kCancelWait = 5s;  ///< for the server to tell that it has cancelled

struct ResultCloser {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultCloser>;

std::string text_of(const char* text) { return text ? std::string(trimmed(text)) : std::string(); }

[[noreturn]] void throw_error(const PGresult* result, const std::string& where) {
    const auto state = text_of(PQresultErrorField(result, PG_DIAG_SQLSTATE));
    auto text = text_of(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    const auto detail = text_of(PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    if (text.empty()) text = text_of(PQresultErrorMessage(result));
    if (!detail.empty()) text += " (" + detail + ")";
    if (state.empty()) throw Error(ErrorKind::unreachable, "lost the connection to " + where + ": " + text);
    throw SqlError(state, text, text_of(PQresultErrorField(result, PG_DIAG_MESSAGE_HINT)));
}

ResultSet rows_of(const PGresult* result) {
    std::vector<std::string> columns;
    for (int column = 0; column < PQnfields(result); ++column) columns.emplace_back(PQfname(result, column));
    std::vector<std::vector<PgValue>> rows;
    for (int row = 0; row < PQntuples(result); ++row) {
        auto& values = rows.emplace_back();
        for (int column = 0; column < PQnfields(result); ++column)
            values.push_back(PQgetisnull(result, row, column)
                                 ? std::nullopt
                                 : PgValue(std::string(PQgetvalue(result, row, column),
                                                       static_cast<std::size_t>(PQgetlength(result, row, column)))));
    }
    return {std::move(columns), std::move(rows), PQcmdStatus(const_cast<PGresult*>(result))};
}

}  // namespace

ConnectOptions options_of_dsn(const std::string& dsn) {
    char* problem = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(PQconninfoParse(dsn.c_str(), &problem),
                                                                                PQconninfoFree);
    const std::unique_ptr<char, void (*)(void*)> text(problem, PQfreemem);
    if (!parsed) throw Error(ErrorKind::invalid_input, "not a connection string: " + text_of(text.get()));
    ConnectOptions options;
    for (const auto* each = parsed.get(); each->keyword; ++each) {
        if (!each->val) continue;
        const std::string name = each->keyword;
        if (name == "host")
            options.host = each->val;
        else if (name == "user")
            options.user = each->val;
        else if (name == "dbname")
            options.database = each->val;
        else if (name == "password")
            options.password = Secret(each->val);
        else
            options.more[name] = each->val;
    }
    return options;
}

void Connection::Closer::operator()(pg_conn* conn) const { PQfinish(conn); }

Connection::Connection(const ConnectOptions& options, const Limit& limit)
    : where_(fmt::format("{}:{}/{}", options.host, options.port, options.database)) {
    std::map<std::string, std::string> all = options.more;
    all["host"] = options.host;
    all.try_emplace("port", std::to_string(options.port));
    all["user"] = options.user;
    all["dbname"] = options.database;
    all["client_encoding"] = "UTF8";
    all.try_emplace("application_name", "pgedge-agent");
    all.try_emplace("connect_timeout", "10");
    if (!options.password.empty()) all["password"] = options.password.reveal();
    std::vector<const char*> names, values;
    for (const auto& [name, value] : all) {
        names.push_back(name.c_str());
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    // A database name with "=" in it must stay a name: nothing is expanded.
    conn_.reset(PQconnectStartParams(names.data(), values.data(), 0));
    if (!conn_) throw Error(ErrorKind::internal, "out of memory for a connection");
    within("connecting to " + where_, [&] { wait_connected(limit); });
    PQsetNoticeProcessor(
        conn_.get(), [](void*, const char*) {}, nullptr);
    PQsetnonblocking(conn_.get(), 1);
}

Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

void Connection::wait_connected(const Limit& limit) {
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = PQconnectPoll(conn_.get())) {
        if (state == PGRES_POLLING_FAILED || PQstatus(conn_.get()) == CONNECTION_BAD) {
            const auto text = text_of(PQerrorMessage(conn_.get()));
            const bool refused = text.find("authentication failed") != std::string::npos ||
                                 text.find("pg_hba.conf") != std::string::npos;
            throw Error(refused ? ErrorKind::denied : ErrorKind::unreachable, text);
        }
        limit.check("waiting for the server");
        wait_socket(state == PGRES_POLLING_WRITING);
    }
}

/// At most 100 ms, so that the caller looks at its limit.
void Connection::wait_socket(bool writable) const {
    pollfd fd{PQsocket(conn_.get()), static_cast<short>(writable ? POLLOUT | POLLIN : POLLIN), 0};
    ::poll(&fd, 1, 100);
}

ResultSet Connection::run(const std::string& sql, const std::vector<PgValue>& parameters, const Limit& limit) {
    limit.check("asking " + where_);
    std::vector<const char*> values;
    for (const auto& value : parameters) {
        if (value && value->find('\0') != std::string::npos)
            throw Error(ErrorKind::invalid_input, "PostgreSQL texts cannot hold a zero byte");
        values.push_back(value ? value->c_str() : nullptr);
    }
    if (!PQsendQueryParams(conn_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                           nullptr, 0))
        throw_unsent();
    return collect_answers(limit);
}

void Connection::run_script(const std::string& script, const Limit& limit) {
    limit.check("asking " + where_);
    if (!PQsendQuery(conn_.get(), script.c_str())) throw_unsent();
    collect_answers(limit);
}

ResultSet Connection::command(const std::string& text, const Limit& limit) {
    limit.check("asking " + where_);
    if (!PQsendQuery(conn_.get(), text.c_str())) throw_unsent();
    return collect_answers(limit);
}

void Connection::throw_result(const pg_result* result) const { throw_error(result, where_); }

void Connection::throw_unsent() const {
    throw Error(ErrorKind::unreachable, "cannot ask " + where_ + ": " + text_of(PQerrorMessage(conn_.get())));
}

/// The last answer to what was sent; throws when one of them is an error.
ResultSet Connection::collect_answers(const Limit& limit) {
    Result last, bad;
    for (;;) {
        flush_and_collect(limit);
        Result result{PQgetResult(conn_.get())};
        if (!result) break;
        const auto status = PQresultStatus(result.get());
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
            bad = std::move(result);
        else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            conn_.reset();  // cannot be continued: the caller sees a broken connection
            throw Error(ErrorKind::failed, "COPY from or to the client cannot be run here");
        } else
            last = std::move(result);
    }
    if (bad) throw_error(bad.get(), where_);
    return last ? rows_of(last.get()) : ResultSet();
}

/// Waits until the whole answer is there.
void Connection::flush_and_collect(const Limit& limit) {
    for (;;) {
        const int unsent = PQflush(conn_.get());
        if (!PQconsumeInput(conn_.get())) return;  // PQgetResult tells
        if (unsent == 0 && !PQisBusy(conn_.get())) return;
        if (limit.over()) give_up(limit);
        wait_socket(unsent == 1);
    }
}

/// Cancels the statement, waits a moment for the server to say so, and throws.
void Connection::give_up(const Limit& limit) {
    char text[256];
    if (PGcancel* cancel = PQgetCancel(conn_.get())) {
        PQcancel(cancel, text, sizeof text);
        PQfreeCancel(cancel);
    }
    const Limit patience(kCancelWait);
    while (!patience.over() && PQconsumeInput(conn_.get()) && PQisBusy(conn_.get())) wait_socket(false);
    if (PQisBusy(conn_.get()))
        conn_.reset(PQconnectStart(""));
    else
        while (Result result{PQgetResult(conn_.get())}) {
        }
    limit.check("waiting for an answer of " + where_);
    throw Error(ErrorKind::internal, "a statement was given up before its time");
}

std::string Connection::identifier(std::string_view name) const {
    const std::unique_ptr<char, void (*)(void*)> quoted(PQescapeIdentifier(conn_.get(), name.data(), name.size()),
                                                        PQfreemem);
    if (!quoted || name.empty() || name.find('\0') != std::string_view::npos)
        throw Error(ErrorKind::invalid_input, "\"" + shortened(name, 100) + "\" cannot be a name in PostgreSQL");
    return quoted.get();
}

std::string Connection::literal(std::string_view text) const {
    const std::unique_ptr<char, void (*)(void*)> quoted(PQescapeLiteral(conn_.get(), text.data(), text.size()),
                                                        PQfreemem);
    if (!quoted || text.find('\0') != std::string_view::npos)
        throw Error(ErrorKind::invalid_input, "a text that PostgreSQL cannot hold");
    return quoted.get();
}

bool Connection::in_transaction() const {
    const auto status = PQtransactionStatus(conn_.get());
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool Connection::broken() const { return PQstatus(conn_.get()) != CONNECTION_OK; }

int Connection::server_version() const { return PQserverVersion(conn_.get()); }

}  // namespace pgedge

// Rows from one server to another: Connection::copy().
#include <memory>

#include <libpq-fe.h>

#include "agent/postgres/connection.hpp"

namespace pgedge {
namespace {

constexpr std::int64_t kFlushEvery = 256 << 10;  ///< bytes that may wait in memory to be sent
constexpr std::int64_t kTellEvery = 4 << 20;     ///< bytes between two words on how far it is

struct CopyResultCloser {
    void operator()(PGresult* result) const { PQclear(result); }
};
using CopyResult = std::unique_ptr<PGresult, CopyResultCloser>;

}  // namespace

void Connection::begin_copy(const std::string& sql, int expected, const Limit& limit) {
    if (!PQsendQuery(conn_.get(), sql.c_str())) throw_unsent();
    flush_and_collect(limit);
    const CopyResult result{PQgetResult(conn_.get())};
    if (!result || static_cast<int>(PQresultStatus(result.get())) != expected) throw_result(result.get());
}

void Connection::flush(const Limit& limit) {
    for (;;) {
        const int unsent = PQflush(conn_.get());
        if (unsent == 0) return;
        if (unsent < 0) throw_unsent();
        limit.check("sending rows to " + where_);
        wait_socket(true);
        PQconsumeInput(conn_.get());  // a server that has something to say may not read on before it is heard
    }
}

void Connection::send_row(const char* row, int size, const Limit& limit) {
    for (;;) {
        const int sent = PQputCopyData(conn_.get(), row, size);
        if (sent == 1) return;
        if (sent < 0) throw_unsent();
        flush(limit);
    }
}

std::int64_t Connection::copy(Connection& from, const std::string& out, Connection& to, const std::string& in,
                              const std::function<void(std::int64_t bytes, std::int64_t rows)>& copied,
                              const Limit& limit) {
    from.begin_copy(out, PGRES_COPY_OUT, limit);
    to.begin_copy(in, PGRES_COPY_IN, limit);
    std::int64_t bytes = 0, rows = 0, unsent = 0, untold = 0;
    for (;;) {
        char* text = nullptr;
        const int size = PQgetCopyData(from.conn_.get(), &text, 1);
        const std::unique_ptr<char, void (*)(void*)> row(text, PQfreemem);
        if (size > 0) {
            to.send_row(row.get(), size, limit);
            bytes += size;
            unsent += size;
            untold += size;
            ++rows;
            if (unsent > kFlushEvery) {
                to.flush(limit);
                unsent = 0;
                limit.check("copying rows from " + from.where_);
            }
            if (untold > kTellEvery) {
                copied(bytes, rows);
                untold = 0;
            }
            continue;
        }
        if (size < 0) break;  // the end, or an error: the answer tells
        limit.check("copying rows from " + from.where_);
        from.wait_socket(false);
        if (!PQconsumeInput(from.conn_.get())) from.throw_unsent();
    }
    from.collect_answers(limit);
    while (PQputCopyEnd(to.conn_.get(), nullptr) == 0) to.flush(limit);
    to.collect_answers(limit);
    copied(bytes, rows);
    return rows;
}

}  // namespace pgedge

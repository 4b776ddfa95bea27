#include "agent/store/sqlite.hpp"

#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

/// The longest wait for another process that has the file open, e.g. somebody's sqlite3.
constexpr int kBusyMilliseconds = 2000;

struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalizer>;

int length_of(std::string_view text) {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw Error(ErrorKind::invalid_input, "a value for the store is larger than 2 GB");
    return static_cast<int>(text.size());
}

int bind(sqlite3_stmt* statement, int at, const SqlValue& value) {
    struct Binder {
        sqlite3_stmt* statement;
        int at;
        int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, at); }
        int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, at, number); }
        int operator()(double number) const { return sqlite3_bind_double(statement, at, number); }
        int operator()(const std::string& text) const {
            return sqlite3_bind_text(statement, at, text.data(), length_of(text), SQLITE_STATIC);
        }
        int operator()(const Blob& blob) const {
            return sqlite3_bind_blob(statement, at, blob.bytes.data(), length_of(blob.bytes), SQLITE_STATIC);
        }
    };
    return std::visit(Binder{statement, at}, value);
}

SqlValue column(sqlite3_stmt* statement, int at) {
    const auto size = [&] { return static_cast<std::size_t>(sqlite3_column_bytes(statement, at)); };
    switch (sqlite3_column_type(statement, at)) {
        case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, at)};
        case SQLITE_FLOAT: return sqlite3_column_double(statement, at);
        case SQLITE_TEXT: {
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
            return std::string(text, size());
        }
        case SQLITE_BLOB: {
            const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, at));
            return Blob{bytes ? std::string(bytes, size()) : std::string()};
        }
        default: return nullptr;
    }
}

void make_private_file(const std::filesystem::path& file) {
    const Fd made(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    if (!made) throw Error(ErrorKind::failed, fmt::format("cannot open {}: {}", file.string(), errno_text(errno)));
}

}  // namespace

void SqliteConnection::Closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

SqliteConnection::SqliteConnection(const std::filesystem::path& file, Mode mode) : file_(file.string()) {
    const bool in_memory = file_ == ":memory:";
    if (mode == Mode::create && !in_memory) make_private_file(file);
    sqlite3* handle = nullptr;
    const int flags = (mode == Mode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                      SQLITE_OPEN_NOMUTEX;
    const int result = sqlite3_open_v2(file_.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    if (result != SQLITE_OK) fail("cannot open " + file_);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    execute("PRAGMA foreign_keys = ON");  // as the replicated engine has it
}

void SqliteConnection::fail(const std::string& doing) const {
    if (!handle_) throw SqliteError(SQLITE_NOMEM, doing + ": out of memory");
    throw SqliteError(static_cast<std::uint64_t>(sqlite3_extended_errcode(handle_.get())),
                      doing + ": " + sqlite3_errmsg(handle_.get()));
}

SqlConnection::Answer SqliteConnection::run(const Statement& statement) {
    const auto kind = kind_of(statement.sql);
    sqlite3_stmt* raw = nullptr;
    const int compiled =
        sqlite3_prepare_v2(handle_.get(), statement.sql.data(), length_of(statement.sql), &raw, nullptr);
    const Prepared prepared(raw);
    if (compiled != SQLITE_OK) fail("the store refused a statement");
    if (sqlite3_bind_parameter_count(raw) != static_cast<int>(statement.args.size()))
        throw SqliteError(SQLITE_RANGE,
                          fmt::format("a statement with {} parameters was given {}: {:.80}",
                                      sqlite3_bind_parameter_count(raw), statement.args.size(), statement.sql));
    for (std::size_t i = 0; i < statement.args.size(); ++i)
        if (bind(raw, static_cast<int>(i) + 1, statement.args[i]) != SQLITE_OK) fail("the store refused a parameter");
    Answer answer;
    int step = 0;
    while ((step = sqlite3_step(raw)) == SQLITE_ROW) {
        auto& row = answer.rows.emplace_back();
        for (int i = 0; i < sqlite3_column_count(raw); ++i) row.values.push_back(column(raw, i));
    }
    if (step != SQLITE_DONE) fail("the store refused a statement");
    if (kind == StatementKind::change) answer.changes = sqlite3_changes64(handle_.get());
    return answer;
}

void SqliteConnection::execute(std::string_view sql) {
    if (sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail("the store refused a statement");
}

void SqliteConnection::copy_to(const std::filesystem::path& target) {
    const std::filesystem::path draft = target.string() + "." + random_hex(4) + ".tmp";
    std::error_code ignored;  // a draft that stays behind does no harm
    try {
        SqliteConnection copy(draft);
        auto* backup = sqlite3_backup_init(copy.handle_.get(), "main", handle_.get(), "main");
        if (!backup) copy.fail("cannot copy to " + target.string());
        const int stepped = sqlite3_backup_step(backup, -1);
        if (sqlite3_backup_finish(backup) != SQLITE_OK || stepped != SQLITE_DONE)
            copy.fail("cannot copy to " + target.string());
        copy.execute("PRAGMA journal_mode = DELETE");  // one plain file, no companions
    } catch (...) {
        std::filesystem::remove(draft, ignored);
        throw;
    }
    std::error_code failure;
    std::filesystem::rename(draft, target, failure);
    if (!failure) return;
    std::filesystem::remove(draft, ignored);
    throw Error(ErrorKind::failed, fmt::format("cannot write {}: {}", target.string(), failure.message()));
}

}  // namespace pgedge

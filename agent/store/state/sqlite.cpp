#include "agent/store/state/sqlite.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <limits>
#include <set>

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

/// Statements that are kept prepared; then all are dropped.
constexpr std::size_t kMaxPrepared = 200;

/// The largest value and row of the store, in bytes: what one host has no memory or disk for is refused by all.
constexpr int kLargestRow = 16 << 20;

/// Functions with the same result on every host and every version of SQLite that we run with. What is not here is
/// refused, so that a function of a later version is not let in by oversight.
bool is_repeatable(std::string_view function) {
    static const std::set<std::string_view> kRepeatable{
        "abs",          "avg",          "char",        "coalesce",    "count",      "format",     "glob",
        "hex",          "ifnull",       "iif",         "instr",       "json",       "json_array", "json_array_length",
        "json_each",    "json_extract", "json_insert", "json_object", "json_patch", "json_quote", "json_remove",
        "json_replace", "json_set",     "json_tree",   "json_type",   "json_valid", "->",         "->>",
        "length",       "like",         "lower",       "ltrim",       "max",        "min",        "nullif",
        "printf",       "quote",        "replace",     "round",       "row_number", "rtrim",      "substr",
        "substring",    "sum",          "total",       "trim",        "typeof",     "unicode",    "upper",
        "zeroblob"};
    return kRepeatable.contains(function);
}

std::string lower(const char* text) {
    std::string lowered(text ? text : "");
    for (auto& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lowered;
}

/// What the state machine keeps for itself. Members do not read all of it again before each entry, so a transaction
/// that changed it would have another effect where it was read since.
bool is_machines_own(std::string_view table) {
    static const std::set<std::string_view> kOwn{"applied_entry", "change", "op", "schema_version", "sqlite_sequence"};
    return kOwn.contains(table);
}

/// Ends what a statement holds on to when it is left, also by an exception.
struct Resetter {
    sqlite3_stmt* statement;
    ~Resetter() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
};

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

/// Drafts of copies to `target` whose writers were killed, "<target>.<pid>-<random>.tmp", and their journals.
void remove_left_drafts(const std::filesystem::path& target) {
    const auto prefix = target.filename().string() + ".";
    std::error_code ignored;  // what stays behind does no harm
    const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with(prefix) || name.find(".tmp", prefix.size()) == std::string::npos) continue;
        pid_t writer = 0;
        const auto [end, failure] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), writer);
        const bool ours = failure == std::errc() && *end == '-' && writer > 0;
        if (ours && ::kill(writer, 0) != 0 && errno == ESRCH) std::filesystem::remove(entry.path(), ignored);
    }
}

}  // namespace

void SqliteConnection::Closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void SqliteConnection::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

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

/// What a replicated statement may do.
int SqliteConnection::authorize(void* self, int action, const char* table, const char* detail, const char*,
                                const char* trigger) {
    const bool own = static_cast<const SqliteConnection*>(self)->own_ || trigger;
    switch (action) {
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
        case SQLITE_DELETE: return own || !is_machines_own(lower(table)) ? SQLITE_OK : SQLITE_DENY;
        case SQLITE_SELECT:
        case SQLITE_READ:
        case SQLITE_RECURSIVE:
        case SQLITE_TRANSACTION:  // the state machine's own; no statement of a Transaction is one
        case SQLITE_SAVEPOINT: return SQLITE_OK;
        case SQLITE_FUNCTION: return is_repeatable(lower(detail)) ? SQLITE_OK : SQLITE_DENY;
        default: return SQLITE_DENY;
    }
}

/// After the last of all row numbers, SQLite draws random ones.
void SqliteConnection::note_row_number(void* self, int action, const char*, const char*, long long number) {
    if (action != SQLITE_DELETE && number == std::numeric_limits<long long>::max())
        static_cast<SqliteConnection*>(self)->last_number_ = true;
}

void SqliteConnection::fail(const std::string& doing) const {
    if (!handle_) throw SqliteError(SQLITE_NOMEM, doing + ": out of memory");
    throw SqliteError(static_cast<std::uint64_t>(sqlite3_extended_errcode(handle_.get())),
                      doing + ": " + sqlite3_errmsg(handle_.get()));
}

SqliteConnection SqliteConnection::of_image(std::string_view image) {
    SqliteConnection made(":memory:");
    const auto size = static_cast<sqlite3_int64>(image.size());
    auto* bytes = static_cast<unsigned char*>(sqlite3_malloc64(image.size()));
    if (!bytes) throw SqliteError(SQLITE_NOMEM, "a copy of the store does not fit into memory");
    std::memcpy(bytes, image.data(), image.size());
    // A database in memory has no write-ahead log, and one that says so is refused.
    constexpr std::size_t kWriteVersion = 18, kReadVersion = 19;
    if (image.size() > kReadVersion) bytes[kWriteVersion] = bytes[kReadVersion] = 1;
    if (sqlite3_deserialize(made.handle_.get(), "main", bytes, size, size,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) != SQLITE_OK)
        made.fail("a copy of the store cannot be read");
    return made;
}

sqlite3_stmt* SqliteConnection::prepare(const std::string& sql) {
    auto& all = own_ ? prepared_own_ : prepared_;
    if (const auto known = all.find(sql); known != all.end()) return known->second.get();
    sqlite3_stmt* raw = nullptr;
    const int compiled =
        sqlite3_prepare_v3(handle_.get(), sql.data(), length_of(sql), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    Prepared prepared(raw);
    if (compiled != SQLITE_OK) fail("the store refused a statement");
    if (all.size() >= kMaxPrepared) all.clear();
    all.emplace(sql, std::move(prepared));
    return raw;
}

SqlConnection::Answer SqliteConnection::run(const Statement& statement) {
    const auto kind = kind_of(statement.sql);
    sqlite3_stmt* raw = prepare(statement.sql);
    if (sqlite3_bind_parameter_count(raw) != static_cast<int>(statement.args.size()))
        throw SqliteError(SQLITE_RANGE,
                          fmt::format("a statement with {} parameters was given {}: {:.80}",
                                      sqlite3_bind_parameter_count(raw), statement.args.size(), statement.sql));
    const Resetter resetter{raw};
    for (std::size_t i = 0; i < statement.args.size(); ++i)
        if (bind(raw, static_cast<int>(i) + 1, statement.args[i]) != SQLITE_OK) fail("the store refused a parameter");
    Answer answer;
    last_number_ = false;
    int step = 0;
    while ((step = sqlite3_step(raw)) == SQLITE_ROW) {
        auto& row = answer.rows.emplace_back();
        const int width = sqlite3_column_count(raw);
        row.values.reserve(static_cast<std::size_t>(width));
        for (int i = 0; i < width; ++i) row.values.push_back(column(raw, i));
    }
    if (step != SQLITE_DONE) fail("the store refused a statement");
    if (last_number_) throw SqliteError(SQLITE_RANGE, "the store refused a statement: the row's number is too large");
    if (kind == StatementKind::change) answer.changes = sqlite3_changes64(handle_.get());
    return answer;
}

SqlConnection::Answer SqliteConnection::run_own(const Statement& statement) {
    struct Own {
        bool& set;
        ~Own() { set = false; }
    } own{own_};
    own_ = true;
    return run(statement);
}

void SqliteConnection::execute(std::string_view sql) {
    if (sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail("the store refused a statement");
}

void SqliteConnection::only_repeatable(bool on) {
    repeatable_ = on;
    sqlite3_set_authorizer(handle_.get(), on ? authorize : nullptr, this);
    sqlite3_update_hook(handle_.get(), on ? note_row_number : nullptr, this);
    sqlite3_limit(handle_.get(), SQLITE_LIMIT_LENGTH, on ? kLargestRow : std::numeric_limits<int>::max());
}

std::string SqliteConnection::image() {
    const bool repeatable = repeatable_;
    if (repeatable) only_repeatable(false);  // SQLite asks for the size with a PRAGMA
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, void (*)(void*)> bytes(sqlite3_serialize(handle_.get(), "main", &size, 0),
                                                                sqlite3_free);
    if (repeatable) only_repeatable(true);
    if (!bytes) fail("cannot copy " + file_);
    return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

void SqliteConnection::become(SqliteConnection& other) {
    prepared_.clear();
    prepared_own_.clear();
    auto* backup = sqlite3_backup_init(handle_.get(), "main", other.handle_.get(), "main");
    if (!backup) fail("cannot write " + file_);
    const int stepped = sqlite3_backup_step(backup, -1);
    if (sqlite3_backup_finish(backup) != SQLITE_OK || stepped != SQLITE_DONE) fail("cannot write " + file_);
}

void SqliteConnection::copy_to(const std::filesystem::path& target) {
    remove_left_drafts(target);
    const std::filesystem::path draft = target.string() + fmt::format(".{}-{}.tmp", ::getpid(), random_hex(4));
    std::error_code ignored;  // a draft that stays behind does no harm
    try {
        SqliteConnection copy(draft);
        copy.become(*this);
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

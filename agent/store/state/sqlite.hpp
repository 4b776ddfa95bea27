#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/store/state/sql.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace pgedge {

/// A connection to a plain SQLite file. Keeps what it runs prepared. For one thread at a time.
class SqliteConnection final : public SqlConnection {
public:
    enum class Mode { create, read_only };
    /// ":memory:" is a database that lives as long as this object. A new file gets mode 0600.
    explicit SqliteConnection(const std::filesystem::path& file, Mode mode = Mode::create);
    /// A database in memory with the content of `image`, as image() gives it. Throws SqliteError when it is none.
    static SqliteConnection of_image(std::string_view image);
    SqliteConnection(SqliteConnection&& other) noexcept = default;

    Answer run(const Statement& statement) override;
    void execute(std::string_view sql) override;
    /// From now on only what has the same result on every host is accepted: no function that looks at the clock, at
    /// chance or at the connection's past, no PRAGMA, ATTACH or change of the schema, no row number after which SQLite
    /// draws the next ones, and no write to the state machine's own tables. With false, everything again.
    void only_repeatable(bool on);
    /// As run(), for the state machine's own statements: they may write to its tables.
    Answer run_own(const Statement& statement);
    /// The whole database as the bytes of a plain file. Inside of a transaction: as that one sees it.
    std::string image();
    /// Makes this database a copy of `other`, in one transaction.
    void become(SqliteConnection& other);
    /// Copies the whole database into `target`, a plain file readable by sqlite3, mode 0600, whole or not at all.
    void copy_to(const std::filesystem::path& target);

private:
    struct Closer {
        void operator()(sqlite3* handle) const;
    };
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    using Prepared = std::unique_ptr<sqlite3_stmt, Finalizer>;

    static int authorize(void* self, int action, const char* first, const char* second, const char*,
                         const char* trigger);
    static void note_row_number(void* self, int, const char*, const char*, long long number);
    [[noreturn]] void fail(const std::string& doing) const;
    sqlite3_stmt* prepare(const std::string& sql);

    std::unique_ptr<sqlite3, Closer> handle_;
    std::unordered_map<std::string, Prepared> prepared_;  // after handle_: goes first
    std::unordered_map<std::string, Prepared> prepared_own_;
    std::string file_;
    bool repeatable_ = false, own_ = false, last_number_ = false;
};

}  // namespace pgedge

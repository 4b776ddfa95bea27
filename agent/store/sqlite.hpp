#pragma once

#include <filesystem>
#include <memory>

#include "agent/store/sql.hpp"

struct sqlite3;

namespace pgedge {

/// A connection to a plain SQLite file. For one thread at a time.
class SqliteConnection final : public SqlConnection {
public:
    enum class Mode { create, read_only };
    /// ":memory:" is a database that lives as long as this object. A new file gets mode 0600.
    explicit SqliteConnection(const std::filesystem::path& file, Mode mode = Mode::create);

    Answer run(const Statement& statement) override;
    void execute(std::string_view sql) override;
    /// Copies the whole database into `target`, a plain file readable by sqlite3, mode 0600, whole or not at all.
    void copy_to(const std::filesystem::path& target);

private:
    [[noreturn]] void fail(const std::string& doing) const;
    struct Closer {
        void operator()(sqlite3* handle) const;
    };
    std::unique_ptr<sqlite3, Closer> handle_;
    std::string file_;
};

}  // namespace pgedge

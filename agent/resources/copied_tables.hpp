#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/postgres/connection.hpp"
#include "common/model/task.hpp"

namespace pgedge {

/// The tables of one database as a snapshot shows them. They are locked against changes of their structure for as long
/// as this lives, and not against writes.
class CopiedTables {
public:
    /// `session` has begun nothing yet; `snapshot` was exported on its server and is there still. Throws
    /// Error{unreachable} when a table was rewritten, emptied or dropped between the snapshot and its lock: another
    /// snapshot will do.
    CopiedTables(Connection session, const std::string& snapshot, std::string source, const Limit& limit);
    /// Rows into tables of the same names.
    void copy_to(Connection& to, const std::function<void(const Progress&)>& progress, const Limit& limit);
    Connection& session() { return session_; }  ///< sees the snapshot
    std::int64_t bytes() const { return bytes_; }
    std::int64_t rows() const { return rows_; }
    std::size_t count() const { return tables_.size(); }

private:
    struct Table {
        std::string name;       ///< quoted, with its schema
        std::string columns;    ///< quoted
        std::string condition;  ///< of an extension's table: which rows are the user's
        bool of_extension = false;
        std::int64_t bytes = 0;
    };
    void lock(const Limit& limit);

    Connection session_;
    const std::string source_;
    std::vector<Table> tables_;
    std::int64_t bytes_ = 0, rows_ = 0;
};

}  // namespace pgedge

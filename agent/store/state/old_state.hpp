#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pgedge {

/// The state as the engine before this one (cowsql 1.15) kept it in the same log: its entries hold pages of a SQLite
/// file instead of statements, its snapshots the file and its write-ahead log. An agent that starts with such a log
/// reads it to its end with this, so that everything that was acknowledged is there and nothing has to be converted
/// between hosts; the first entry of the new format makes a file of it on every host. For one thread at a time.
///
/// Entry: byte 1 (the format), the type, zeros up to 8; all numbers least byte first. Of type 2 (pages): the database's
/// name, ended by and padded with zeros to a multiple of 8; transaction (8), size (4), last part (1), zeros (3), count
/// of pages (4), size of a page (2), zeros (2), the pages' numbers (8 each), the pages. Type 3 undoes parts that were
/// not the last. Types 1 and 4 do nothing. Snapshot: format 1 (8), count of databases (8); for each: name as above,
/// size of the file (8), size of the write-ahead log (8), the file, the log as SQLite writes it.
class OldState {
public:
    static bool is_entry(std::string_view entry) { return !entry.empty() && entry[0] == 1; }
    static bool is_snapshot(std::string_view snapshot);

    /// Both throw Error{failed} on damage.
    void restore(std::string_view snapshot);
    void apply(std::string_view entry);
    /// The database as the bytes of one file; empty when there is none yet.
    std::string image() const;

private:
    using Pages = std::map<std::uint64_t, std::string>;
    void put(const Pages& pages);

    Pages pages_;    // by number, from 1
    Pages waiting_;  // of a transaction whose last part has not come
};

}  // namespace pgedge

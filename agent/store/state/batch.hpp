#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/store.hpp"

namespace pgedge {

/// One entry of the replicated log: transactions that every member applies in this order, in one SQL transaction. Each
/// of them happens or not on its own.
///
/// Format of an entry: byte 2 (the format), three zero bytes, the payload's size as four bytes, least first, the
/// payload as Encoder writes it, and zeros up to a multiple of eight, which libraft asks for. Payload: proposer,
/// number, forget_operations, forget_changes, schema_version, count and texts of `schema`, count and transactions.
/// (Format 1 are the entries of the engine before this one: OldState.)
struct Batch {
    static constexpr char kFormat = 2;

    std::uint64_t proposer = 0, number = 0;  ///< the member who waits for the outcomes, and its own number for them
    /// What is no longer remembered: the proposer decides by its clock, all members delete the same rows.
    std::int64_t forget_operations = 0, forget_changes = 0;
    /// A step of the schema: DDL that leads from version `schema_version` - 1 to it; left out by a store that has it.
    std::int64_t schema_version = 0;
    std::vector<std::string> schema{};
    std::vector<Transaction> transactions{};

    std::string encode() const;
    /// Throws Error{invalid_input} on damage, and on a format of a later version of the agent.
    static Batch decode(std::string_view entry);
};

}  // namespace pgedge

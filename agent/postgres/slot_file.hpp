#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/lsn.hpp"

namespace pgedge {

/// What the file `pg_replslot/<name>/state` of a replication slot says: as of the last checkpoint, or of the moment
/// when the slot was made. What a version of PostgreSQL does not write is absent.
struct SlotFile {
    std::uint32_t version = 0, length = 0;
    std::string name, plugin;
    std::uint32_t database = 0;  ///< oid; 0: a physical slot
    std::string persistency;     ///< persistent, ephemeral or temporary
    std::uint32_t xmin = 0, catalog_xmin = 0;
    Lsn restart{}, confirmed_flush{};
    std::optional<bool> two_phase{}, failover{}, synced{};
    std::optional<Lsn> two_phase_at{};
    std::string invalidated{};  ///< why, in the words of pg_replication_slots; empty: it is not

    bool is_physical() const { return database == 0; }
};

/// A state file has less than this; the server reads no more either.
inline constexpr std::size_t kMostSlotFile = 4096;

/// Reads the file as PostgreSQL of that major version writes it (12 to 18, and what has one of their layouts). Throws
/// Error{invalid_input}: not a slot's file, cut off, of an unknown version, or Error{conflict} when its checksum does
/// not match, as of a file that was read while it was replaced.
///
///     0x00 u32 magic 0x01051CA1   0x04 u32 CRC-32C over the rest   0x08 u32 version   0x0C u32 length of what follows
///     0x10 name[64]   0x50 u32 database   0x54 i32 persistency   0x58 u32 xmin   0x5C u32 catalog_xmin
///     0x60 u64 restart_lsn   then by (version, length):
///       2, 160 (12)      0x68 confirmed_flush  0x70 plugin[64]
///       2, 168 (13)      0x68 invalidated_at   0x70 confirmed_flush  0x78 plugin
///       2, 184 (14, 15)  the same, and  0x78 two_phase_at  0x80 u8 two_phase  0x81 plugin
///       3, 184 (16)      0x68 i32 reason of invalidation instead
///       5, 184 (17, 18)  the same, and  0xC1 u8 synced  0xC2 u8 failover
SlotFile parse_slot_file(std::string_view bytes, int major);

/// The same slot under another name, as a server of the same major version reads it. Throws as parse_slot_file(), and
/// Error{invalid_input} for a name that is too long.
std::string renamed_slot_file(std::string_view bytes, int major, std::string_view name);

/// CRC-32C (Castagnoli), as the server computes it.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace pgedge

#include "agent/postgres/slot_file.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/postgres/little_endian.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::uint32_t kSlotMagic = 0x01051CA1;
constexpr std::size_t kCrcAt = 0x04, kVersionAt = 0x08, kLengthAt = 0x0C, kNameAt = 0x10, kDatabaseAt = 0x50,
                      kPersistencyAt = 0x54, kXminAt = 0x58, kCatalogXminAt = 0x5C, kRestartAt = 0x60,
                      kInvalidatedAt = 0x68, kTwoPhaseAtAt = 0x78, kTwoPhaseAt = 0x80, kSyncedAt = 0xC1,
                      kFailoverAt = 0xC2;
constexpr std::size_t kNameSize = 64;

/// How a slot that is no longer good is told: not at all, by the position where it was lost, or by a reason.
enum class Invalidation { none, position, reason };

struct SlotLayout {
    std::uint32_t version, length;
    std::size_t confirmed_at, plugin_at;
    Invalidation invalidation;
    bool two_phase, synced;
};
constexpr std::array kLayouts{
    SlotLayout{2, 160, 0x68, 0x70, Invalidation::none, false, false},
    SlotLayout{2, 168, 0x70, 0x78, Invalidation::position, false, false},
    SlotLayout{2, 184, 0x70, 0x81, Invalidation::position, true, false},
    SlotLayout{3, 184, 0x70, 0x81, Invalidation::reason, true, false},
    SlotLayout{5, 184, 0x70, 0x81, Invalidation::reason, true, true},
};

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    constexpr std::uint32_t kReversedPolynomial = 0x82F63B78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? kReversedPolynomial : 0);
        table[byte] = value;
    }
    return table;
}

[[noreturn]] void refuse_slot(const std::string& why) { throw Error(ErrorKind::invalid_input, why); }

std::string name_at(std::string_view bytes, std::size_t at) {
    const auto field = bytes.substr(at, kNameSize);
    return std::string(field.substr(0, field.find('\0')));
}

std::string persistency_of(std::string_view bytes) {
    constexpr std::array kWords{"persistent", "ephemeral", "temporary"};
    const auto number = little_endian<std::uint32_t>(bytes, kPersistencyAt);
    if (number >= kWords.size()) refuse_slot(fmt::format("unknown slot persistency {}", number));
    return kWords.at(number);
}

/// The numbers changed in 18, where they became bits, and the file's version did not.
std::string reason_of(std::uint32_t number, int major) {
    if (number == 0) return {};
    if (number == 1) return "wal_removed";
    if (number == 2) return "rows_removed";
    if (number == (major >= 18 ? 4U : 3U)) return "wal_level_insufficient";
    if (number == 8 && major >= 18) return "idle_timeout";
    return fmt::format("reason {}", number);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
    static constexpr auto kTable = make_crc_table();
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char byte : bytes) crc = (crc >> 8U) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
    return crc ^ 0xFFFFFFFF;
}

SlotFile parse_slot_file(std::string_view bytes, int major) {
    if (bytes.size() < kNameAt) refuse_slot(fmt::format("the slot file has {} bytes only", bytes.size()));
    if (const auto magic = little_endian<std::uint32_t>(bytes, 0); magic != kSlotMagic)
        refuse_slot(fmt::format("not a slot file: it begins with {:08X}", magic));
    SlotFile slot;
    slot.version = little_endian<std::uint32_t>(bytes, kVersionAt);
    slot.length = little_endian<std::uint32_t>(bytes, kLengthAt);
    const auto* const layout = std::find_if(kLayouts.begin(), kLayouts.end(), [&](const SlotLayout& each) {
        return each.version == slot.version && each.length == slot.length;
    });
    if (layout == kLayouts.end())
        refuse_slot(fmt::format("unknown slot file version {}, length {}", slot.version, slot.length));
    if (bytes.size() < kNameAt + slot.length)
        refuse_slot(fmt::format("the slot file has {} of its {} bytes", bytes.size(), kNameAt + slot.length));
    bytes = bytes.substr(0, kNameAt + slot.length);
    if (crc32c(bytes.substr(kVersionAt)) != little_endian<std::uint32_t>(bytes, kCrcAt))
        throw Error(ErrorKind::conflict, "the slot file's checksum does not match its content");

    slot.name = name_at(bytes, kNameAt);
    slot.database = little_endian<std::uint32_t>(bytes, kDatabaseAt);
    slot.persistency = persistency_of(bytes);
    slot.xmin = little_endian<std::uint32_t>(bytes, kXminAt);
    slot.catalog_xmin = little_endian<std::uint32_t>(bytes, kCatalogXminAt);
    slot.restart = {little_endian<std::uint64_t>(bytes, kRestartAt)};
    slot.confirmed_flush = {little_endian<std::uint64_t>(bytes, layout->confirmed_at)};
    slot.plugin = name_at(bytes, layout->plugin_at);
    if (layout->two_phase) {
        slot.two_phase = bytes[kTwoPhaseAt] != 0;
        // 14 may leave a position there of a slot that is not two-phase: it has no meaning then.
        if (*slot.two_phase) slot.two_phase_at = Lsn{little_endian<std::uint64_t>(bytes, kTwoPhaseAtAt)};
    }
    if (layout->synced) {
        slot.synced = bytes[kSyncedAt] != 0;
        slot.failover = bytes[kFailoverAt] != 0;
    }
    if (layout->invalidation == Invalidation::reason)
        slot.invalidated = reason_of(little_endian<std::uint32_t>(bytes, kInvalidatedAt), major);
    else if (layout->invalidation == Invalidation::position && slot.restart == Lsn{} &&
             little_endian<std::uint64_t>(bytes, kInvalidatedAt) != 0)
        slot.invalidated = "wal_removed";
    return slot;
}

std::string renamed_slot_file(std::string_view bytes, int major, std::string_view name) {
    const auto slot = parse_slot_file(bytes, major);
    if (name.empty() || name.size() >= kNameSize) refuse_slot(fmt::format("no name of a slot: \"{}\"", name));
    std::string renamed(bytes.substr(0, kNameAt + slot.length));
    renamed.replace(kNameAt, kNameSize, std::string(name) + std::string(kNameSize - name.size(), '\0'));
    const auto crc = crc32c(std::string_view(renamed).substr(kVersionAt));
    for (std::size_t byte = 0; byte < sizeof crc; ++byte)
        renamed[kCrcAt + byte] = static_cast<char>((crc >> (8 * byte)) & 0xFFU);
    return renamed;
}

}  // namespace pgedge

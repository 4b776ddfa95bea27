#include "agent/postgres/replication_slots.hpp"

#include <chrono>

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kInUse{20};  ///< until a reader that was sent away has let go

constexpr std::string_view kKept = "_ha", kCopied = "_copy";

}  // namespace

std::string kept_slot(std::string_view slot) { return std::string(slot) + std::string(kKept); }
std::string copied_slot(std::string_view slot) { return std::string(slot) + std::string(kCopied); }
std::string_view original_of(std::string_view copy) {
    return copy.ends_with(kCopied) ? copy.substr(0, copy.size() - kCopied.size()) : std::string_view();
}
bool is_kept_slot(std::string_view slot) { return slot.ends_with(kKept); }

void drop_replication_slot(Session& session, const std::string& slot, const Limit& limit) {
    for (;;) {
        const auto known =
            session.run("SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1", {slot}, limit);
        if (known.empty()) return;
        if (const auto& pid = known.at(0, "active_pid"))
            session.run("SELECT pg_terminate_backend($1::int)", {*pid}, limit);
        try {
            session.run("SELECT pg_drop_replication_slot($1)", {slot}, limit);
            return;
        } catch (const SqlError& error) {
            constexpr std::string_view kObjectInUse = "55006", kUndefined = "42704";
            if (error.sqlstate() == kUndefined) return;
            if (error.sqlstate() != kObjectInUse) throw;
        }
        limit.check("dropping replication slot " + slot);
        limit.pause(kInUse);
    }
}

}  // namespace pgedge

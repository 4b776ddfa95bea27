#include "agent/api/postgres_ha/slots.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLongestSlotName = 63;
constexpr std::size_t kMostSlots = 10'000;

/// Of a slot that nobody made there can be no file; directories that end with .tmp are on their way in or out.
std::optional<std::string> read_once(const std::filesystem::path& data, const std::string& name) {
    const Fd slots(::open((data / "pg_replslot").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const Fd slot(::openat(slots.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const Fd file(::openat(slot.get(), "state", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat facts {};
    if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
    return read_at(file, 0, kMostSlotFile);
}

OrderedJson or_null(const std::optional<bool>& value) { return value ? OrderedJson(*value) : OrderedJson(nullptr); }
OrderedJson number_or_null(std::uint32_t value) { return value == 0 ? OrderedJson(nullptr) : OrderedJson(value); }
OrderedJson lsn_or_null(Lsn lsn) { return lsn == Lsn{} ? OrderedJson(nullptr) : OrderedJson(to_string(lsn)); }

OrderedJson to_json(const SlotFile& slot) {
    return {{"version", slot.version},
            {"length", slot.length},
            {"crc_ok", true},
            {"slot_type", slot.is_physical() ? "physical" : "logical"},
            {"persistency", slot.persistency},
            {"datoid", number_or_null(slot.database)},
            {"xmin", number_or_null(slot.xmin)},
            {"catalog_xmin", number_or_null(slot.catalog_xmin)},
            {"restart_lsn", lsn_or_null(slot.restart)},
            {"confirmed_flush_lsn", lsn_or_null(slot.confirmed_flush)},
            {"two_phase", or_null(slot.two_phase)},
            {"two_phase_at", slot.two_phase_at ? lsn_or_null(*slot.two_phase_at) : OrderedJson(nullptr)},
            {"invalidated", slot.invalidated.empty() ? OrderedJson(nullptr) : OrderedJson(slot.invalidated)},
            {"failover", or_null(slot.failover)},
            {"synced", or_null(slot.synced)},
            {"plugin", slot.plugin.empty() ? OrderedJson(nullptr) : OrderedJson(slot.plugin)}};
}

/// to_jsonb() writes numbers of transactions and objects as texts.
void make_numbers(Json& sql) {
    for (const char* name : {"datoid", "xmin", "catalog_xmin"}) {
        const auto found = sql.find(name);
        if (found == sql.end() || !found->is_string()) continue;
        const std::string text = *found;
        std::uint32_t number = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (problem == std::errc() && end == text.data() + text.size()) *found = number;
    }
}

/// Fields of both that say different things. A null of ours may also mean that this version's file does not have it.
OrderedJson differences(const OrderedJson& file, const Json& sql) {
    constexpr std::array kAlways{"slot_type",           "datoid", "xmin", "catalog_xmin", "restart_lsn",
                                 "confirmed_flush_lsn", "plugin"};
    constexpr std::array kByVersion{"two_phase", "two_phase_at", "failover", "synced"};
    OrderedJson names = OrderedJson::array();
    const auto compare = [&](const char* name) {
        if (sql.contains(name) && to_text(OrderedJson(file.at(name))) != to_text(sql.at(name))) names.push_back(name);
    };
    for (const char* name : kAlways) compare(name);
    for (const char* name : kByVersion)
        if (!file.at(name).is_null()) compare(name);
    return names;
}

}  // namespace

bool is_slot_name(std::string_view name) {
    return !name.empty() && name.size() <= kLongestSlotName && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::string slot_position(Lsn lsn) { return fmt::format("{:016x}", lsn.bytes); }

std::optional<std::string> read_slot_file(const std::filesystem::path& data, const std::string& name, int major) {
    auto bytes = read_once(data, name);
    if (!bytes) return std::nullopt;
    try {
        parse_slot_file(*bytes, major);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::conflict) return read_once(data, name);
    }
    return bytes;
}

std::vector<std::string> slot_names(const std::filesystem::path& data) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data / "pg_replslot", error))
        if (auto name = entry.path().filename().string(); is_slot_name(name) && names.size() < kMostSlots)
            names.push_back(std::move(name));
    std::sort(names.begin(), names.end());
    return names;
}

OrderedJson slot_file_json(std::string_view bytes, int major) {
    try {
        return to_json(parse_slot_file(bytes, major));
    } catch (const Error& error) {
        OrderedJson told{{"error", error.text()}};
        if (error.kind() == ErrorKind::conflict) told["crc_ok"] = false;
        return told;
    }
}

OrderedJson slot_answer(const std::string& name, std::string_view bytes, int major, Json sql) {
    if (sql.is_object()) make_numbers(sql);
    const OrderedJson file = slot_file_json(bytes, major);
    OrderedJson answer{{"slot_name", name}};
    if (!file.contains("error")) {
        const auto slot = parse_slot_file(bytes, major);
        answer["oid"] = std::to_string(slot.database);
        answer["catalog_xmin"] = std::to_string(slot.catalog_xmin);
        answer["xmin"] = std::to_string(slot.xmin);
        answer["restart_lsn"] = slot_position(slot.restart);
        answer["confirmed_flush"] = slot_position(slot.confirmed_flush);
        answer["plugin"] = slot.plugin;
    }
    answer["file"] = file;
    answer["sql"] = OrderedJson(sql);
    answer["differs"] =
        sql.is_object() && !file.contains("error") ? differences(file, sql) : OrderedJson(OrderedJson::array());
    return answer;
}

Json slot_positions(const LocalInstance& instance) {
    const int major = instance.major();
    Json positions = Json::object();
    for (const auto& name : slot_names(instance.data())) {
        const auto bytes = read_slot_file(instance.data(), name, major);
        if (!bytes) continue;  // it was dropped meanwhile
        try {
            positions[name] = slot_position(parse_slot_file(*bytes, major).confirmed_flush);
        } catch (const Error&) {
            positions[name] = nullptr;
        }
    }
    return positions;
}

}  // namespace pgedge

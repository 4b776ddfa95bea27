#include "agent/api/postgres_ha/call.hpp"
#include "agent/api/postgres_ha/faults.hpp"
#include "agent/api/postgres_ha/slots.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

// Replication slots: GET slot/{name}/… and slots/….
namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kSlotSqlLimit = 5s;
constexpr auto kSlotsLimit = 5s;
constexpr std::size_t kShownSlotName = 80;

/// The slot of the path: its instance and its file.
struct FoundSlot {
    LocalInstance instance;
    std::string name, bytes;
};

FoundSlot found_slot(const PgCall& call) {
    const std::string& name = call.path.at("slot");
    if (!is_slot_name(name))
        throw pg_failure(PgFault::invalid_parameter,
                         "\"" + shortened(name, kShownSlotName) + "\" is not the name of a slot");
    auto instance = call.local();
    auto bytes = read_slot_file(instance.data(), name, instance.major());
    if (!bytes) throw pg_failure(PgFault::no_slot_file, "No slot file there");
    return {std::move(instance), name, std::move(*bytes)};
}

/// null when the server does not answer or has no such slot.
Json row_of(const FoundSlot& slot, const Limit& limit) {
    try {
        auto session = slot.instance.session(limit);
        const auto row =
            session.run("SELECT to_jsonb(s) FROM pg_replication_slots s WHERE slot_name = $1", {slot.name}, limit);
        return row.value() ? parse_json(*row.value()) : Json();
    } catch (const Failure&) {
        return {};
    } catch (const Error& error) {
        if (!error.transient()) throw;
        return {};
    }
}

HttpResponse get_slot(const PgCall& call) {
    const auto slot = found_slot(call);
    return pg_json(slot_answer(slot.name, slot.bytes, slot.instance.major(),
                               row_of(slot, call.limit.no_longer_than(kSlotSqlLimit))));
}

HttpResponse get_slot_lsn(const PgCall& call) {
    const auto slot = found_slot(call);
    const auto file = parse_slot_file(slot.bytes, slot.instance.major());
    return pg_json({{"confirmed_flush", slot_position(file.confirmed_flush)}});
}

HttpResponse get_slot_file(const PgCall& call) {
    HttpResponse response;
    response.headers["Content-Type"] = "application/octet-stream";
    response.body = found_slot(call).bytes;
    return response;
}

HttpResponse get_slots_meta(const PgCall& call) { return pg_json(OrderedJson(slot_positions(call.local()))); }

HttpResponse get_slots_all(const PgCall& call) {
    OrderedJson answer = OrderedJson::object();
    for (const auto& each : ask_all(call, call.node(), InstanceQuestion::slots, kSlotsLimit))
        answer[each.instance.host_id] =
            each.answer ? OrderedJson(*each.answer)
                        : OrderedJson{{"code", code_of(PgFault::peer_unreachable)}, {"msg", each.problem}};
    return pg_json(answer);
}

}  // namespace

std::vector<PgRoute> pg_slot_routes() {
    return {{Role::read, "GET", "/slot/{slot}/all", get_slot},
            {Role::read, "GET", "/slot/{slot}/lsn", get_slot_lsn},
            {Role::read, "GET", "/slot/{slot}/file", get_slot_file},
            {Role::read, "GET", "/slots/meta", get_slots_meta},
            {Role::read, "GET", "/slots/all", get_slots_all}};
}

}  // namespace pgedge

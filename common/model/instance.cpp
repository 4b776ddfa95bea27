#include "common/model/instance.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/base/names.hpp"

namespace pgedge {
namespace {

constexpr NameTable<InstanceState, 9> kInstanceStates{"instance state",
                                                      {{{InstanceState::creating, "creating"},
                                                        {InstanceState::modifying, "modifying"},
                                                        {InstanceState::deleting, "deleting"},
                                                        {InstanceState::backing_up, "backing_up"},
                                                        {InstanceState::available, "available"},
                                                        {InstanceState::degraded, "degraded"},
                                                        {InstanceState::failed, "failed"},
                                                        {InstanceState::stopped, "stopped"},
                                                        {InstanceState::unknown, "unknown"}}}};

/// A status, or an instance that nobody has looked at, that is older than this tells nothing of now.
constexpr std::chrono::seconds kStale{10};

/// Bytes as one big number, big end first, in base 36 without leading zeros.
std::string to_base36(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::vector<unsigned> number;
    for (const char byte : bytes) number.push_back(static_cast<unsigned char>(byte));
    std::string text;
    while (std::any_of(number.begin(), number.end(), [](unsigned byte) { return byte != 0; })) {
        unsigned rest = 0;
        for (auto& byte : number) {
            const unsigned part = rest * 256 + byte;
            byte = part / 36;
            rest = part % 36;
        }
        text.insert(text.begin(), kDigits[rest]);
    }
    return text;
}

/// What the words of the control plane API's `patroni_state` mean for an instance that is in no operation.
InstanceState from_server_state(std::string_view state) {
    constexpr std::array<std::string_view, 7> kOnItsWay{"starting",
                                                        "stopping",
                                                        "stopped",
                                                        "restarting",
                                                        "initializing new cluster",
                                                        "running custom bootstrap script",
                                                        "creating replica"};
    if (state == "running") return InstanceState::available;
    if (std::find(kOnItsWay.begin(), kOnItsWay.end(), state) != kOnItsWay.end()) return InstanceState::modifying;
    if (state == "crashed" || state.ends_with("failed")) return InstanceState::degraded;
    return InstanceState::unknown;
}

}  // namespace

std::string_view to_string(InstanceState state) { return kInstanceStates.name_of(state); }
InstanceState parse_instance_state(std::string_view text) { return kInstanceStates.value_of(text); }

void fill_in_lags(std::vector<Instance>& instances) {
    std::map<std::pair<std::string_view, std::string_view>, SlotStatus> slots;  // by database and slot
    for (const auto& instance : instances)
        if (instance.status)
            for (const auto& [name, slot] : instance.status->slots) slots[{instance.database_id, name}] = slot;
    for (auto& instance : instances)
        if (instance.status)
            for (auto& subscription : instance.status->subscriptions)
                if (const auto slot = slots.find({instance.database_id, subscription.slot}); slot != slots.end()) {
                    subscription.lag_bytes = slot->second.lag_bytes;
                    subscription.at_provider = slot->second;
                }
}

std::string instance_id(std::string_view database_id, std::string_view node_name, std::string_view host_id) {
    return fmt::format("{}-{}-{}", database_id, node_name, to_base36(sha1(host_id)).substr(0, 8));
}

const InstanceStatus* current_status(const Instance& instance, WallTime now) {
    if (!instance.status) return nullptr;
    if (const auto& of_update = instance.status->of_update)
        return instance.state == InstanceState::available && *of_update != instance.updated_at ? nullptr
                                                                                               : &*instance.status;
    const bool outdated =
        instance.state == InstanceState::available && instance.status->updated_at < instance.updated_at;
    // A change that seems to come from the future was stamped by a clock that was wrong; looks must not wait for it.
    const bool comparable = instance.updated_at - now <= kStale;
    return outdated && comparable ? nullptr : &*instance.status;
}

InstanceState shown_state(const Instance& instance, WallTime now) {
    if (instance.state != InstanceState::available) return instance.state;
    const InstanceStatus* const status = current_status(instance, now);
    // Until it was looked at it is what its operation left; that look has as much time as any other.
    const WallTime seen = status ? status->updated_at : instance.updated_at;
    const bool stale = instance.quiet_for ? *instance.quiet_for > kStale : now - seen > kStale;
    if (stale) return InstanceState::unknown;
    if (instance.stopped) return InstanceState::stopped;
    return status ? from_server_state(status->postgres_state) : instance.state;
}

std::string error_of(const Instance& instance, InstanceState state) {
    if (!instance.error.empty() || state != InstanceState::degraded || !instance.status) return instance.error;
    const auto& status = *instance.status;
    return "its server is " + status.postgres_state + (status.trouble.empty() ? "" : ": " + status.trouble);
}

}  // namespace pgedge

#include <fmt/format.h>

#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/patterns.hpp"
#include "common/spec/rules.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kMostLeaseTtl{300'000};
constexpr std::string_view kNames = "synchronous_standby_names";

bool waits_for_replicas(const HaSpec& ha) { return ha.mode == "sync" || ha.mode == "quorum"; }

/// By itself, wherever it stands.
void check_values(const HaSpec& ha, const std::string& path, Findings& findings) {
    if (ha.lease_ttl) try {
            const auto ttl = parse_lease_ttl(*ha.lease_ttl);
            if (ttl < kLeastLeaseTtl || ttl > kMostLeaseTtl)
                findings.add(path + ".lease_ttl",
                             fmt::format("must be between {} and {}", short_duration(kLeastLeaseTtl),
                                         short_duration(kMostLeaseTtl)),
                             "below that, an election in the cluster's store would stop a healthy primary");
        } catch (const Error& error) {
            findings.add(path + ".lease_ttl", error.text(), error.hint());
        }
    if (waits_for_replicas(ha)) return;
    if (ha.strict) findings.add(path + ".strict", "means something in mode sync and quorum only");
    if (ha.sync_replicas) findings.add(path + ".sync_replicas", "means something in mode sync and quorum only");
}

}  // namespace

std::chrono::milliseconds parse_lease_ttl(const std::string& text) {
    if (!kShortTime.matches(text))
        throw Error(ErrorKind::invalid_input, fmt::format("\"{}\" is not {}", shortened(text, 40), kShortTime.words));
    const auto number = std::stoll(text);
    return std::chrono::milliseconds(text.ends_with("ms") ? number : number * 1000);
}

void check_ha(const DatabaseSpec& spec, Findings& findings) {
    if (spec.ha) check_values(*spec.ha, "spec.ha", findings);
    for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
        const auto& node = spec.nodes[i];
        if (node.ha) check_values(*node.ha, fmt::format("spec.nodes[{}].ha", i), findings);
        const TunableSpec both = effective(spec, node);
        if (!both.ha || !waits_for_replicas(*both.ha)) continue;
        const std::string path = node.ha ? fmt::format("spec.nodes[{}].ha", i) : "spec.ha";
        const auto replicas = static_cast<int>(node.host_ids.size()) - 1;
        if (replicas < 1)
            findings.add(path + ".mode", fmt::format("node {} has no replica that a commit could wait for", node.name),
                         "give it a second host in host_ids, or an ha of its own with mode async");
        else if (both.ha->sync_replicas.value_or(1) > replicas)
            findings.add(path + ".sync_replicas",
                         fmt::format("node {} has {} replica{}", node.name, replicas, replicas == 1 ? "" : "s"));
        if (both.postgresql_conf.contains(std::string(kNames)))
            findings.add(
                fmt::format("{}.postgresql_conf.{}",
                            node.postgresql_conf.contains(std::string(kNames)) ? fmt::format("spec.nodes[{}]", i)
                                                                               : std::string("spec"),
                            kNames),
                fmt::format("in mode {} the platform sets it", both.ha->mode));
    }
}

}  // namespace pgedge

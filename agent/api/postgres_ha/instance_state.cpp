#include "agent/api/postgres_ha/instance_state.hpp"

#include "common/base/json_fields.hpp"

namespace pgedge {

std::string_view to_string(InstanceWord word) {
    switch (word) {
        case InstanceWord::inactive: return "inactive";
        case InstanceWord::recovery: return "recovery";
        case InstanceWord::slave: return "slave";
        case InstanceWord::master: return "master";
        case InstanceWord::single: return "single";
        case InstanceWord::unknown: break;
    }
    return "unknown";
}

bool needs_others(const InstanceFacts& facts) {
    return facts.running && facts.answers && facts.recovery && facts.receiver != "streaming" && facts.drained;
}

InstanceWord word_of(const InstanceFacts& facts, bool primary_seen) {
    if (!facts.running) return InstanceWord::inactive;
    if (!facts.answers) return InstanceWord::recovery;  // on its way up or down
    if (!facts.recovery) return facts.standbys > 0 ? InstanceWord::master : InstanceWord::single;
    if (facts.receiver == "streaming") return InstanceWord::slave;
    // A standby at rest that has no primary is alone; one that has a primary should stream, and does not yet.
    return facts.drained && !primary_seen ? InstanceWord::single : InstanceWord::recovery;
}

Json to_json(const InstanceFacts& facts) {
    return {{"running", facts.running},
            {"answers", facts.answers},
            {"recovery", facts.recovery},
            {"receiver", facts.receiver},
            {"drained", facts.drained},
            {"standbys", facts.standbys},
            {"timeline", facts.timeline},
            {"position", to_string(facts.position)},
            {"standby_signal", facts.standby_signal}};
}

InstanceFacts instance_facts_from_json(const Json& json) {
    JsonFields fields(json, "facts");
    InstanceFacts facts;
    facts.running = fields.flag("running");
    facts.answers = fields.flag("answers");
    facts.recovery = fields.flag("recovery");
    facts.receiver = fields.text("receiver");
    facts.drained = fields.flag("drained");
    facts.standbys = static_cast<int>(fields.integer("standbys"));
    facts.timeline = static_cast<std::uint32_t>(fields.integer("timeline"));
    facts.position = parse_lsn(fields.text("position"));
    facts.standby_signal = fields.flag("standby_signal");
    return facts;
}

}  // namespace pgedge

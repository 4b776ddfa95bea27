#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/store/state/codec.hpp"

namespace pgedge {

/// First number of every answer that one agent's store gives to another's; what follows "ok" depends on the call, and
/// after the others comes a text for people.
enum class CallStatus : std::uint64_t {
    ok,
    failed,      ///< SQLite refused; nothing happened
    not_leader,  ///< nothing happened here
    again,       ///< unknown or under way: send it again with the same id
    invalid,     ///< the call itself is wrong
    full,        ///< no room on a disk; nothing happened here
};

inline Encoder begin_answer(CallStatus status) {
    Encoder encoder;
    encoder.number(static_cast<std::uint64_t>(status));
    return encoder;
}

inline std::string answer_with(CallStatus status, std::string_view text) {
    auto encoder = begin_answer(status);
    encoder.text(text);
    return encoder.take();
}

}  // namespace pgedge

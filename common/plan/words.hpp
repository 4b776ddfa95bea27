#pragma once

#include "common/base/names.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

inline constexpr NameTable<Action, 3> kActions{
    "action", {{{Action::create, "create"}, {Action::update, "update"}, {Action::remove, "delete"}}}};

inline constexpr NameTable<Reason, 7> kReasons{"reason",
                                               {{{Reason::does_not_exist, "does_not_exist"},
                                                 {Reason::needs_recreate, "needs_recreate"},
                                                 {Reason::has_diff, "has_diff"},
                                                 {Reason::force_update, "force_update"},
                                                 {Reason::dependency_updated, "dependency_updated"},
                                                 {Reason::has_error, "has_error"},
                                                 {Reason::not_wanted, "not_wanted"}}}};

}  // namespace pgedge

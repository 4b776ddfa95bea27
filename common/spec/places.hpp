#pragma once

#include "common/spec/fields.hpp"

namespace pgedge {

/// How the fields table names members of structs. Owner is the struct of the table's type, Member may be of a base.

template <class Owner, auto Member>
Place at(void* object) {
    return &(static_cast<Owner*>(object)->*Member);
}

/// A struct that is always there.
template <class Owner, auto Member>
Place one(void* object) {
    auto& inner = static_cast<Owner*>(object)->*Member;
    return Objects{&inner, [](void*) -> std::size_t { return 1; }, [](void* where, std::size_t) { return where; },
                   [](void* where) { return where; }};
}

/// An optional struct.
template <class Owner, auto Member>
Place maybe(void* object) {
    auto& inner = static_cast<Owner*>(object)->*Member;
    using Inner = std::remove_reference_t<decltype(inner)>;
    return Objects{&inner, [](void* where) -> std::size_t { return static_cast<Inner*>(where)->has_value() ? 1 : 0; },
                   [](void* where, std::size_t) -> void* { return &**static_cast<Inner*>(where); },
                   [](void* where) -> void* { return &static_cast<Inner*>(where)->emplace(); }};
}

/// A list of structs.
template <class Owner, auto Member>
Place many(void* object) {
    auto& inner = static_cast<Owner*>(object)->*Member;
    using Inner = std::remove_reference_t<decltype(inner)>;
    return Objects{&inner, [](void* where) { return static_cast<Inner*>(where)->size(); },
                   [](void* where, std::size_t index) -> void* { return &(*static_cast<Inner*>(where))[index]; },
                   [](void* where) -> void* { return &static_cast<Inner*>(where)->emplace_back(); }};
}

/// An object of the file whose fields live in the same struct as those around it.
inline Place same(void* object) {
    return Objects{object, [](void*) -> std::size_t { return 1; }, [](void* where, std::size_t) { return where; },
                   [](void* where) { return where; }};
}

}  // namespace pgedge

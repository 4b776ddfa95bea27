#pragma once

// libraft's headers, for .cpp files of this folder. They check their own layout with static_assert over types that are
// defined inside sizeof, which C++ forbids; the C build of the library has made the same checks.
#include <cstdint>
#include <cstdio>

#include <uv.h>

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wkeyword-macro"
#endif
#define static_assert(...)
extern "C" {
#include <raft.h>
#include <raft/uv.h>
}
#undef static_assert
#pragma GCC diagnostic pop

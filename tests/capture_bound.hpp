#pragma once

#include <doctest/doctest.h>

/// CAPTURE of a structured binding: clang before 16 lets no lambda, which CAPTURE makes, name one.
#define CAPTURE_BOUND(name)             \
    const auto& captured_##name = name; \
    CAPTURE(captured_##name)

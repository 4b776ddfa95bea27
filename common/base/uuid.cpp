#include "common/base/uuid.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "common/base/clock.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Milliseconds and a counter of 12 bits in one number that only grows: the counter runs on into the next millisecond
/// (RFC 9562, section 6.2, method 1).
std::uint64_t next_tick() {
    static std::atomic<std::uint64_t> last{0};
    const auto now = static_cast<std::uint64_t>(SystemClock().wall().time_since_epoch().count()) << 12;
    std::uint64_t seen = last.load(), next = 0;
    do next = std::max(now, seen + 1);
    while (!last.compare_exchange_weak(seen, next));
    return next;
}

template <std::size_t Size>
std::array<unsigned char, Size> random_bytes() {
    std::array<unsigned char, Size> bytes{};
    if (RAND_bytes(bytes.data(), Size) != 1) throw Error(ErrorKind::internal, "the system gives no random bytes");
    return bytes;
}

}  // namespace

std::string new_uuid() {
    const std::uint64_t tick = next_tick(), ms = tick >> 12;
    const auto random = random_bytes<8>();
    return fmt::format("{:08x}-{:04x}-7{:03x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}", ms >> 16, ms & 0xffff,
                       tick & 0xfff, 0x80 | (random[0] & 0x3f), random[1], random[2], random[3], random[4], random[5],
                       random[6], random[7]);
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
    }
    return true;
}

std::string random_hex(std::size_t bytes) {
    std::string raw(bytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(bytes)) != 1)
        throw Error(ErrorKind::internal, "the system gives no random bytes");
    return to_hex(raw);
}

}  // namespace pgedge

#pragma once

#include <string>
#include <string_view>

namespace pgedge {

/// A UUID of version 7 (RFC 9562): ordering by text is ordering by time, also within one millisecond and also when the
/// wall clock steps back while this process lives. Safe from any thread.
std::string new_uuid();
/// True for "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" in hexadecimal of either case, any version.
bool is_uuid(std::string_view text);
/// `bytes` random bytes in lower-case hexadecimal, from the system's cryptographic source.
std::string random_hex(std::size_t bytes);

}  // namespace pgedge

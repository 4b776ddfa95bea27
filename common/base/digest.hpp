#pragma once

#include <string>
#include <string_view>

namespace pgedge {

/// Bytes in, bytes out.
std::string sha256(std::string_view data);
std::string sha1(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);

std::string to_hex(std::string_view bytes);      ///< lower case
std::string from_hex(std::string_view text);     ///< throws Error{invalid_input}
std::string to_base64(std::string_view bytes);   ///< RFC 4648, with padding, one line
std::string from_base64(std::string_view text);  ///< throws Error{invalid_input}
/// Takes the same time wherever the two differ: for tokens and digests.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace pgedge

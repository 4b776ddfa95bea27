#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// The candidate nearest to a mistyped word, when one is near enough to be meant: "did you mean …?".
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);
std::string joined(const std::vector<std::string>& parts, std::string_view between);
std::vector<std::string> split(std::string_view text, char at);  ///< "a,,b" has three parts; "" has one
std::string_view trimmed(std::string_view text);                 ///< without blanks, tabs and line ends at both ends
/// Cuts at a character boundary of UTF-8 and adds "…" when longer than `at_most` bytes.
std::string shortened(std::string_view text, std::size_t at_most);
/// Characters of a UTF-8 text (code points); of any other text, its bytes that do not continue a character.
std::size_t length_of(std::string_view text);
/// Place of the first byte that is not UTF-8 (RFC 3629: no surrogates, no overlong forms); nullopt: all is.
std::optional<std::size_t> first_bad_utf8(std::string_view text);
/// True when there is a control character: U+0000 to U+001F or U+007F.
bool has_control_characters(std::string_view text);
/// True for an IPv4 or IPv6 address in numbers, the latter without brackets.
bool is_ip_address(const std::string& text);

/// Longest id that the API gives to new things.
inline constexpr std::size_t kLongestIdentifier = 36;
/// Lower-case letters, digits and single hyphens, alphanumeric at both ends, 1 to `at_most` characters: ids of
/// clusters, hosts, databases, tenants, services and repositories (control-plane API, "identifiers").
bool is_identifier(std::string_view text, std::size_t at_most = kLongestIdentifier);

}  // namespace pgedge

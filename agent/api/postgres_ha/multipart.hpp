#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// One part of a multipart/form-data body (RFC 7578). Refers to the body.
struct FormPart {
    std::optional<std::string> file_name;  ///< absent: a plain field
    std::string_view content;
};

/// The boundary that a Content-Type names; nullopt: it is not multipart/form-data. Throws Error{invalid_input} when it
/// is, and names none or a bad one.
std::optional<std::string> multipart_boundary(std::string_view content_type);
/// Most parts that a body may have.
inline constexpr std::size_t kMostParts = 16;
/// Throws Error{invalid_input} when the body is not what the boundary promises.
std::vector<FormPart> parse_multipart(std::string_view body, const std::string& boundary);

}  // namespace pgedge

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/serve/error_form.hpp"
#include "common/base/error.hpp"

namespace pgedge {

/// Errors of requests that never reach the handler, in the words of the control plane's decoder (Goa v3). They have a
/// longer body than other errors: {name, id, message, temporary, timeout, fault}.
Error missing_field(std::string_view field, std::string_view where);
Error invalid_field_type(std::string_view field, std::string_view value, std::string_view expected);
Error invalid_format(std::string_view field, std::string_view value, std::string_view format, std::string_view why);
Error invalid_enum_value(std::string_view field, std::string_view value, const std::vector<std::string>& allowed);
Error invalid_pattern(std::string_view field, std::string_view value, std::string_view pattern);
Error too_long(std::string_view field, std::string_view value, std::size_t at_most);
Error too_short(std::string_view field, std::string_view value, std::size_t at_least);

Error too_small(std::string_view field, std::int64_t value, std::int64_t at_least);
Error too_large(std::string_view field, std::int64_t value, std::int64_t at_most);
/// Refuses what may not become the id of something new.
void check_identifier(std::string_view field, std::string_view value);

/// The control plane's form of errors: NamedErrors, and the longer body where one of the above is told.
class ControlPlaneErrors final : public NamedErrors {
public:
    HttpResponse failure(const Failure& failure) const override;
};

/// Throws Error{invalid_input} for a member of a body that is none of `fields`, with the one that may be meant. `what`
/// takes them: "a backup takes type, annotations".
void refuse_unknown_fields(const Json& body, std::string_view what, const std::vector<std::string>& fields,
                           std::string_view separator = " and ");

}  // namespace pgedge

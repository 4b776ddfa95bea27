#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/json.hpp"

namespace pgedge {

/// Reads the fields of one object of an answer and says what is wrong with it in the words of a client: throws
/// Error{failed} for a field of a wrong type. An absent field and null are the same.
class AnswerFields {
public:
    /// `what`: "task". Borrows `json`. Throws Error{failed} unless it is an object.
    AnswerFields(const Json& json, std::string what);

    std::string needed(const char* name) const;  ///< throws when it is absent, too
    std::string text(const char* name) const;    ///< empty when absent
    bool flag(const char* name) const;           ///< false when absent
    std::optional<std::int64_t> number(const char* name) const;
    std::vector<std::string> texts(const char* name) const;
    std::map<std::string, std::string> text_map(const char* name) const;  ///< without values that are no texts
    const Json& array(const char* name) const;                            ///< empty when absent
    const Json& array_if_any(const char* name) const;                     ///< empty when absent or no list
    const Json& object(const char* name) const;                           ///< empty when absent

private:
    const Json* find(const char* name) const;
    std::string text(const Json& value, const char* name) const;
    [[noreturn]] void wrong(const char* name, const char* wanted) const;

    const Json& json_;
    std::string what_;
};

}  // namespace pgedge

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.hpp"

namespace pgedge {

/// Reads the members of one JSON object that somebody else wrote, strictly. Every error is Error{invalid_input} and
/// begins with the path of what is wrong: "plan.steps[3].action: a text is expected". Keeps a reference to the object.
class JsonFields {
public:
    /// Throws when `object` is not an object.
    JsonFields(const Json& object, std::string path);

    const Json& any(const std::string& name);   ///< must be there, whatever it is
    const Json* find(const std::string& name);  ///< nullptr when it is not there
    const std::string& text(const std::string& name);
    std::int64_t integer(const std::string& name);
    bool flag(const std::string& name);
    const Json& list(const std::string& name);
    const Json& object(const std::string& name);
    std::vector<std::string> texts(const std::string& name);  ///< a list of texts

    /// Throws for the first member that nobody asked for.
    void done() const;
    std::string path_of(std::string_view name) const { return path_ + "." + std::string(name); }

private:
    const Json& typed(const std::string& name, bool (Json::*is)() const noexcept, std::string_view what);

    const Json& object_;
    std::string path_;
    std::set<std::string> asked_;
};

}  // namespace pgedge

#pragma once

#include <string>
#include <vector>

#include "common/base/json.hpp"

namespace pgedge::schema {

/// Words to write JSON schemas with, in the dialect of OpenAPI 3.1.
struct SchemaField {
    std::string name;
    OrderedJson schema;
    bool required;
};
SchemaField must(std::string name, OrderedJson schema);
SchemaField may(std::string name, OrderedJson schema);

OrderedJson object_of(const std::vector<SchemaField>& fields);
OrderedJson list_of(OrderedJson items);
OrderedJson map_of(OrderedJson values);
OrderedJson any_object();
OrderedJson ref(const std::string& name);  ///< of components.schemas
OrderedJson text(const std::string& description = {});
OrderedJson text(std::size_t at_least, std::size_t at_most, const std::string& description = {});
OrderedJson text_like(const std::string& pattern, const std::string& description = {});
OrderedJson one_of(const std::vector<std::string>& words, const std::string& description = {});
OrderedJson integer(const std::string& description = {});
OrderedJson integer(std::int64_t at_least, std::int64_t at_most, const std::string& description = {});
OrderedJson boolean(const std::string& description = {});
OrderedJson time_text(const std::string& description = {});
OrderedJson uuid_text(const std::string& description = {});
OrderedJson identifier_text(const std::string& description = {});  ///< of something that exists: up to 63 characters
OrderedJson described(OrderedJson schema, const std::string& description);

}  // namespace pgedge::schema

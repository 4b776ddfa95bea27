#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// Says where an answer is not as an OpenAPI 3 document has it. Stricter than a client has to be: a field that the
/// document does not name is a fault too. Knows the words that our documents use; an unknown word is a fault.
class OpenApiCheck {
public:
    explicit OpenApiCheck(Json document) : document_(std::move(document)) {}

    /// Faults of the answer to METHOD PATH (without query), one text each; empty when all is well. Answers to paths
    /// that the document does not have must be 404, and to methods 405.
    std::vector<std::string> faults(std::string_view method, std::string_view path, const HttpResponse& response) const;
    /// Faults of a value that shall follow `schema` (inside this document, for its references).
    std::vector<std::string> faults(const Json& schema, const Json& value) const;

    /// The path of the document that a request's path belongs to; a fixed segment wins over a variable one.
    const Json* find_path(std::string_view path) const;
    const Json& resolved(const Json& schema) const;  ///< follows "$ref"
    const Json& document() const { return document_; }

private:
    Json document_;
};

}  // namespace pgedge

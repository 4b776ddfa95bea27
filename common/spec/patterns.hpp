#pragma once

#include <string_view>

namespace pgedge {

/// A form that a text must have. Matching is our own code: std::regex recurses once per character of hostile input.
struct Pattern {
    std::string_view regex;  ///< the same as a regular expression, for the JSON Schema
    std::string_view words;  ///< for people: "must be …"
    bool (*matches)(std::string_view text);
    /// What the API calls a mismatch. The control plane checks some forms in its decoder (invalid_pattern) and some
    /// with its rules (invalid_input).
    std::string_view error_name = "invalid_pattern";
};

extern const Pattern kIdentifier;       ///< of databases, hosts, tenants, services, repositories
extern const Pattern kNodeName;         ///< n1
extern const Pattern kPostgresVersion;  ///< 17.10, or 17: the newest minor of it
extern const Pattern kSpockVersion;     ///< 5
extern const Pattern kCpus;             ///< 0.5, 500m
extern const Pattern kShortTime;        ///< 8s, 4500ms
extern const Pattern kServiceVersion;   ///< 1.2, 1.2.3, latest
extern const Pattern kPipelineName;     ///< of a rag service

}  // namespace pgedge

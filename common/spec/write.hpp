#pragma once

#include <string>

#include "common/base/json.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {

/// As stored: exact, references as {"secret": name, "fingerprint": hex}. Throws Error{internal} when a secret's text is
/// still in the spec: it has to be sealed before.
Json to_stored_json(const DatabaseSpec& spec);
/// Reads it back exactly. Throws Error{invalid_input} for anything else.
DatabaseSpec spec_from_stored(const Json& stored);

/// As the API shows it: no secret and no reference; memory and cpus as they were given; absent optionals left out;
/// fields in the order of the fields table. Numbers and booleans in settings are shown as such.
OrderedJson to_shown_json(const DatabaseSpec& spec);
/// As the body of a request has it: like to_shown_json(), and with the text of every secret that was given. For the
/// wire only. A spec whose references were not resolved yet gives the references.
OrderedJson to_request_json(const DatabaseSpec& spec);
/// Reads what a server showed; fields that this version does not know are left out. Throws Error{invalid_input}.
DatabaseSpec spec_from_shown(const Json& shown);

/// A file that can be committed and applied again: header, id and spec, with `keep` where a secret is stored and for
/// every user's password.
std::string to_yaml(const DatabaseDocument& document);
/// Any JSON value as YAML text that reads back as the same value.
std::string to_yaml(const OrderedJson& value);

}  // namespace pgedge

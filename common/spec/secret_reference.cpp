#include "common/spec/secret_reference.hpp"

#include <algorithm>

#include "common/base/error.hpp"
#include "common/spec/scalars.hpp"

namespace pgedge {
namespace {

bool is_variable_name(const std::string& text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::optional<SecretReference> parse_secret_reference(const std::string& text) {
    if (text == "keep") return SecretReference{};
    const auto colon = text.find(':');
    if (colon == std::string::npos) return std::nullopt;
    const std::string scheme = text.substr(0, colon), argument = text.substr(colon + 1);
    if (scheme == "env") {
        if (!is_variable_name(argument))
            throw Error(ErrorKind::invalid_input, "env: needs the name of an environment variable",
                        "env:ADMIN_PASSWORD");
        return SecretReference{SecretReference::Kind::environment, argument};
    }
    if (scheme == "file") {
        if (argument.empty() || argument.find('\0') != std::string::npos)
            throw Error(ErrorKind::invalid_input, "file: needs the path of a file", "file:admin.password");
        return SecretReference{SecretReference::Kind::file, argument};
    }
    if (scheme == "generate") {
        const auto length = as_integer(argument);
        if (!length || *length < 8 || *length > 128)
            throw Error(ErrorKind::invalid_input, "generate: needs a number of characters from 8 to 128",
                        "generate:32");
        return SecretReference{SecretReference::Kind::generate, argument, static_cast<int>(*length)};
    }
    if (scheme == "command")
        throw Error(ErrorKind::invalid_input, "command: references are not supported by this version",
                    "use env:NAME, file:path, generate:N or keep");
    return std::nullopt;
}

}  // namespace pgedge

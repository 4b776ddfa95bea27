#include "common/spec/resolve.hpp"

#include <set>

#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"
#include "common/spec/read.hpp"
#include "common/spec/secret_reference.hpp"
#include "common/spec/walk_secrets.hpp"

namespace pgedge {
namespace {

/// Letters and digits, each as likely as any other.
Secret random_secret(int length) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    constexpr unsigned kFair = 256 / kLetters.size() * kLetters.size();
    std::string text;
    while (text.size() < static_cast<std::size_t>(length)) {
        for (const char byte : from_hex(random_hex(64))) {
            const auto number = static_cast<unsigned char>(byte);
            if (number < kFair && text.size() < static_cast<std::size_t>(length))
                text += kLetters[number % kLetters.size()];
        }
    }
    return Secret(std::move(text));
}

Secret from_environment(const std::string& name, const SecretSources& sources) {
    auto text = sources.environment ? sources.environment(name) : std::nullopt;
    if (!text)
        throw Error(ErrorKind::invalid_input, fmt::format("the environment variable {} is not set", name),
                    fmt::format("set it: export {}=…; or write file:PATH or generate:32 instead", name));
    if (text->empty()) throw Error(ErrorKind::invalid_input, fmt::format("the environment variable {} is empty", name));
    return Secret(std::move(*text));
}

Secret from_file(const std::string& name, const SecretSources& sources) {
    std::string text = read_file(sources.base_dir / name, kMaxSecretFile);  // an absolute name stays absolute
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (text.empty()) throw Error(ErrorKind::invalid_input, fmt::format("the file {} is empty", name));
    return Secret(std::move(text));
}

class Resolver {
public:
    explicit Resolver(const SecretSources& sources) : sources_(sources) {
        if (!sources.stored) return;
        walk_secrets(*sources.stored, SecretDepth::whole,
                     [&](const SecretPlace& place, const SecretValue&) { stored_.insert(place.name); });
    }

    /// Throws Error with what is wrong; its text holds no secret.
    void resolve(const SecretPlace& place, SecretValue& value) const {
        const auto* given = value.given();
        const auto reference = given ? parse_secret_reference(given->reveal()) : std::nullopt;
        if (!reference) return;
        switch (reference->kind) {
            case SecretReference::Kind::environment: value = from_environment(reference->argument, sources_); break;
            case SecretReference::Kind::file: value = from_file(reference->argument, sources_); break;
            case SecretReference::Kind::generate:
                if (place.in_config)
                    throw Error(ErrorKind::invalid_input,
                                "generate: would give a service another secret with every apply",
                                "use env:NAME or file:path");
                if (is_stored(place))
                    value = SecretValue();
                else
                    value = random_secret(reference->length);
                break;
            case SecretReference::Kind::keep: keep(place, value); break;
        }
        if (value.given()) check_length(place, *value.given());
    }

private:
    bool is_stored(const SecretPlace& place) const { return !place.in_config && stored_.contains(place.name); }

    void keep(const SecretPlace& place, SecretValue& value) const {
        if (place.in_config)
            throw Error(ErrorKind::invalid_input, "secrets of services cannot be kept: each update gives them again",
                        "use env:NAME or file:path");
        if (!is_stored(place))
            throw Error(ErrorKind::invalid_input, "there is no stored value to keep",
                        "use env:NAME, file:path or generate:32 for the first time");
        value = SecretValue();  // what an update leaves out stays
    }

    static void check_length(const SecretPlace& place, const Secret& secret) {
        const auto length = static_cast<std::int64_t>(length_of(secret.reveal()));
        const auto& bounds = place.field->length;
        if ((bounds.least && length < *bounds.least) || (bounds.most && length > *bounds.most))
            throw Error(ErrorKind::invalid_input, "the secret must have " + bounds_text(bounds, "character"));
        if (secret.reveal().find('\0') != std::string::npos)
            throw Error(ErrorKind::invalid_input, "the secret must not hold the character U+0000");
    }

    const SecretSources& sources_;
    std::set<std::string> stored_;  ///< names of the secret fields that the stored database has
};

}  // namespace

std::vector<Problem> resolve_secrets(DatabaseSpec& spec, const SecretSources& sources) {
    std::vector<Problem> problems;
    const Resolver resolver(sources);
    walk_secrets(spec, SecretDepth::inside, [&](const SecretPlace& place, SecretValue& value) {
        try {
            resolver.resolve(place, value);
        } catch (const Error& error) {
            problems.push_back({.path = place.path, .text = error.text(), .hint = error.hint()});
        }
    });
    return problems;
}

}  // namespace pgedge

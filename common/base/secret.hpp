#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <variant>

namespace pgedge {

/// A text nobody may see: it cannot be printed, formatted, compared for order or turned into JSON, and its bytes are
/// wiped when it dies. Only reveal() gives them, and every use of reveal() is easy to find.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) { wipe(text); }
    Secret(const Secret&) = default;
    Secret& operator=(const Secret& other);
    Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
    Secret& operator=(Secret&& other) noexcept;
    ~Secret() { wipe(text_); }

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }
    bool operator==(const Secret&) const = default;

private:
    static void wipe(std::string& text) noexcept;
    std::string text_;
};
std::ostream& operator<<(std::ostream&, const Secret&) = delete;
template <class Json>
void to_json(Json&, const Secret&) = delete;

/// Where a secret is kept in the cluster's store, and a keyed fingerprint that tells whether it changed.
struct SecretRef {
    std::string name;         ///< e.g. "database/storefront/users/admin/password"
    std::string fingerprint;  ///< 16 hex digits of HMAC-SHA-256 under the cluster's key; tells nothing about the text
    bool operator==(const SecretRef&) const = default;
};

/// A field of a spec that is marked secret: not given, given now, or kept in the store.
class SecretValue {
public:
    SecretValue() = default;
    SecretValue(Secret given) : value_(std::move(given)) {}
    SecretValue(SecretRef stored) : value_(std::move(stored)) {}

    bool absent() const { return std::holds_alternative<std::monostate>(value_); }
    const Secret* given() const { return std::get_if<Secret>(&value_); }
    const SecretRef* stored() const { return std::get_if<SecretRef>(&value_); }
    bool operator==(const SecretValue&) const = default;

private:
    std::variant<std::monostate, Secret, SecretRef> value_;
};

}  // namespace pgedge

#include "agent/cluster/join_token.hpp"

#include <algorithm>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kPrefix = "PGEDGE-";
constexpr std::size_t kFingerprintDigits = 64, kSecretDigits = 32;
constexpr std::string_view kJoinTokenName = "cluster/join_token";

Error invalid(std::string text) { return Error(ErrorKind::denied, std::move(text)).named("invalid_join_token"); }

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::int64_t milliseconds_of(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

JoinTokenParts parse_join_token(std::string_view token) {
    const auto wrong = [] { return invalid("given join token is invalid"); };
    if (!token.starts_with(kPrefix)) throw wrong();
    token.remove_prefix(kPrefix.size());
    if (token.size() != kFingerprintDigits + 1 + kSecretDigits || token[kFingerprintDigits] != '-') throw wrong();
    const auto fingerprint = token.substr(0, kFingerprintDigits), secret = token.substr(kFingerprintDigits + 1);
    if (!is_hex(fingerprint) || !is_hex(secret)) throw wrong();
    return {std::string(fingerprint), Secret(std::string(secret))};
}

std::string JoinTokens::current(const Limit& limit) const {
    const WallTime now = clock_.wall();
    const auto rows =
        store_.read({.sql = "SELECT token FROM join_token WHERE expires_at >= ? ORDER BY expires_at DESC LIMIT 1",
                     .args = {milliseconds_of(now + kLeast)},
                     .expect = {}},
                    Freshness::leader, limit);
    if (!rows.empty()) return secrets_.open(kJoinTokenName, rows[0].blob(0)).reveal();

    const std::string secret = random_hex(kSecretDigits / 2);
    const Secret token(std::string(kPrefix) + fingerprint_ + "-" + secret);
    Transaction transaction;
    transaction.add(
        Statement{.sql = "DELETE FROM join_token WHERE expires_at < ?", .args = {milliseconds_of(now)}, .expect = {}});
    transaction.add(
        Statement{.sql = "INSERT INTO join_token(token_hash, token, created_at, expires_at) VALUES (?, ?, ?, ?)",
                  .args = {to_hex(sha256(secret)), Blob{secrets_.seal(kJoinTokenName, token)}, milliseconds_of(now),
                           milliseconds_of(now + kLife)},
                  .expect = 1});
    store_.commit(transaction, limit);
    return token.reveal();
}

void JoinTokens::check(const Secret& secret, const Limit& limit) const {
    const std::string hash = to_hex(sha256(secret.reveal()));
    const auto rows = store_.read({.sql = "SELECT token_hash, expires_at FROM join_token", .args = {}, .expect = {}},
                                  Freshness::leader, limit);
    bool known = false;
    std::int64_t expires_at = 0;
    for (const auto& row : rows) {
        if (!equal_in_constant_time(row.text(0), hash)) continue;
        known = true;
        expires_at = row.integer(1);
    }
    if (!known) throw invalid("given join token is invalid");
    if (expires_at < milliseconds_of(clock_.wall()))
        throw invalid(
            "given join token has expired: ask a host of the cluster for a new one (GET /v1/cluster/join-token)");
}

}  // namespace pgedge

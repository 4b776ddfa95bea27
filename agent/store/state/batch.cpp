#include "agent/store/state/batch.hpp"

#include "agent/store/state/codec.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kHead = 8, kSizeAt = 4, kUnit = 8;

}  // namespace

std::string Batch::encode() const {
    Encoder payload;
    payload.number(proposer);
    payload.number(number);
    payload.integer(forget_operations);
    payload.integer(forget_changes);
    payload.integer(schema_version);
    payload.number(schema.size());
    for (const auto& statement : schema) payload.text(statement);
    payload.number(transactions.size());
    for (const auto& each : transactions) payload.transaction(each);
    const auto& bytes = payload.bytes();
    std::string entry(kHead, '\0');
    entry[0] = kFormat;
    for (std::size_t i = 0; i < 4; ++i) entry[kSizeAt + i] = static_cast<char>(bytes.size() >> (8 * i));
    entry += bytes;
    entry.resize((entry.size() + kUnit - 1) / kUnit * kUnit);
    return entry;
}

Batch Batch::decode(std::string_view entry) {
    if (entry.size() < kHead) throw Error(ErrorKind::invalid_input, "an entry of the store's log is damaged");
    if (entry[0] != kFormat)
        throw Error(ErrorKind::invalid_input,
                    "an entry of the store's log has format " + std::to_string(static_cast<unsigned char>(entry[0])) +
                        ", which this version of the agent does not know",
                    "install the version that the other hosts run");
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size |= std::size_t{static_cast<unsigned char>(entry[kSizeAt + i])} << (8 * i);
    if (size > entry.size() - kHead) throw Error(ErrorKind::invalid_input, "an entry of the store's log is damaged");
    Decoder payload(entry.substr(kHead, size));
    Batch batch;
    batch.proposer = payload.number();
    batch.number = payload.number();
    batch.forget_operations = payload.integer();
    batch.forget_changes = payload.integer();
    batch.schema_version = payload.integer();
    for (auto left = payload.number(); left > 0; --left) batch.schema.push_back(payload.text());
    for (auto left = payload.number(); left > 0; --left) batch.transactions.push_back(payload.transaction());
    payload.end();
    return batch;
}

}  // namespace pgedge

#include "agent/store/state/codec.hpp"

#include <bit>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

enum ValueTag : std::uint8_t { kNullTag, kIntegerTag, kRealTag, kTextTag, kBlobTag };
enum TransactionFlag : std::uint8_t { kRoutine = 1, kVital = 2 };

[[noreturn]] void refuse(const char* why) {
    throw Error(ErrorKind::invalid_input, std::string("a message of the store is damaged: ") + why);
}

}  // namespace

void Encoder::number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
}

void Encoder::integer(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number(value < 0 ? ~(bits << 1) : bits << 1);  // the sign goes last, so that small numbers stay short
}

void Encoder::text(std::string_view bytes) {
    number(bytes.size());
    bytes_ += bytes;
}

void Encoder::value(const SqlValue& value) {
    number(value.index());  // the order of ValueTag is that of SqlValue
    if (const auto* whole = std::get_if<std::int64_t>(&value)) integer(*whole);
    if (const auto* real = std::get_if<double>(&value)) number(std::bit_cast<std::uint64_t>(*real));
    if (const auto* words = std::get_if<std::string>(&value)) text(*words);
    if (const auto* blob = std::get_if<Blob>(&value)) text(blob->bytes);
}

void Encoder::rows(const Rows& rows) {
    number(rows.size());
    for (const auto& row : rows) {
        number(row.values.size());
        for (const auto& each : row.values) value(each);
    }
}

void Encoder::statement(const Statement& statement) {
    text(statement.sql);
    number(statement.args.size());
    for (const auto& arg : statement.args) value(arg);
    number(statement.expect ? 1 : 0);
    if (statement.expect) integer(*statement.expect);
}

void Encoder::transaction(const Transaction& transaction) {
    text(transaction.id);
    number((transaction.routine ? kRoutine : 0) | (transaction.vital ? kVital : 0));
    number(transaction.statements.size());
    for (const auto& each : transaction.statements) statement(each);
}

void Encoder::result(const CommitResult& result) {
    number(result.committed ? 1 : 0);
    number(result.refused_by);
    integer(result.revision);
    number(result.rows.size());
    for (const auto& each : result.rows) rows(each);
    number(result.changes.size());
    for (const auto each : result.changes) integer(each);
}

void Encoder::part(const FeedPart& part) {
    integer(part.revision);
    number(part.missed ? 1 : 0);
    number(part.changes.size());
    for (const auto& each : part.changes) {
        integer(each.revision);
        text(each.change.kind);
        text(each.change.name);
    }
}

std::uint8_t Decoder::byte() {
    if (left_.empty()) refuse("it ends too early");
    const auto first = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return first;
}

std::uint64_t Decoder::number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const auto part = byte();
        value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
        if (part < 0x80) return value;
    }
    refuse("a number is too long");
}

std::int64_t Decoder::integer() {
    const auto bits = number();
    return static_cast<std::int64_t>(bits & 1 ? ~(bits >> 1) : bits >> 1);
}

std::size_t Decoder::count() {
    const auto size = number();
    if (size > left_.size()) refuse("it counts more than it holds");
    return size;
}

std::string Decoder::text() {
    const auto size = count();
    std::string bytes(left_.substr(0, size));
    left_.remove_prefix(size);
    return bytes;
}

SqlValue Decoder::value() {
    switch (byte()) {
        case kNullTag: return nullptr;
        case kIntegerTag: return integer();
        case kRealTag: return std::bit_cast<double>(number());
        case kTextTag: return text();
        case kBlobTag: return Blob{text()};
        default: refuse("a value has an unknown type");
    }
}

Rows Decoder::rows() {
    Rows rows(count());
    for (auto& row : rows) {
        const auto width = count();
        row.values.reserve(width);
        for (std::size_t i = 0; i < width; ++i) row.values.push_back(value());
    }
    return rows;
}

Statement Decoder::statement() {
    Statement statement;
    statement.sql = text();
    const auto args = count();
    for (std::size_t i = 0; i < args; ++i) statement.args.push_back(value());
    if (number() != 0) statement.expect = integer();
    return statement;
}

Transaction Decoder::transaction() {
    Transaction transaction;
    transaction.id = text();
    const auto flags = number();
    transaction.routine = (flags & kRoutine) != 0;
    transaction.vital = (flags & kVital) != 0;
    const auto statements = count();
    for (std::size_t i = 0; i < statements; ++i) transaction.statements.push_back(statement());
    return transaction;
}

CommitResult Decoder::result() {
    CommitResult result;
    result.committed = number() != 0;
    result.refused_by = number();
    result.revision = integer();
    const auto queries = count();
    for (std::size_t i = 0; i < queries; ++i) result.rows.push_back(rows());
    const auto changes = count();
    for (std::size_t i = 0; i < changes; ++i) result.changes.push_back(integer());
    return result;
}

FeedPart Decoder::part() {
    FeedPart part;
    part.revision = integer();
    part.missed = number() != 0;
    const auto size = count();
    for (std::size_t i = 0; i < size; ++i) {
        NumberedChange each;
        each.revision = integer();
        each.change.kind = text();
        each.change.name = text();
        part.changes.push_back(std::move(each));
    }
    return part;
}

void Decoder::end() const {
    if (!left_.empty()) refuse("something follows it");
}

}  // namespace pgedge

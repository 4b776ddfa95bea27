#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/store/state/change_feed.hpp"
#include "agent/store/store.hpp"

namespace pgedge {

/// Writes values of the store one after the other: how agents speak of them to each other. Sizes before contents,
/// numbers in seven bits a byte.
class Encoder {
public:
    void number(std::uint64_t value);
    void integer(std::int64_t value);  ///< may be negative
    void text(std::string_view bytes);
    void value(const SqlValue& value);
    void rows(const Rows& rows);
    void statement(const Statement& statement);
    void transaction(const Transaction& transaction);
    void result(const CommitResult& result);
    void part(const FeedPart& part);

    const std::string& bytes() const { return bytes_; }
    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

/// Reads what an Encoder wrote. Hostile input is refused with Error{invalid_input}: nothing is allocated that the text
/// itself does not back.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : left_(bytes) {}

    std::uint64_t number();
    std::int64_t integer();
    std::string text();
    SqlValue value();
    Rows rows();
    Statement statement();
    Transaction transaction();
    CommitResult result();
    FeedPart part();
    bool at_end() const { return left_.empty(); }
    void end() const;  ///< throws when something is left

private:
    std::uint8_t byte();
    std::size_t count();  ///< of things that take at least one byte each
    std::string_view left_;
};

}  // namespace pgedge

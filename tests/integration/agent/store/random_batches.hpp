#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "agent/store/state/batch.hpp"

namespace pgedge {

/// Batches of everything that a transaction may hold and much that it must not, from one seed.
class RandomBatches {
public:
    explicit RandomBatches(std::uint64_t seed) : random_(seed) {}
    Batch next();

private:
    std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
    template <class Values>
    const auto& one_of(const Values& values) {
        return values[pick(std::size(values))];
    }
    std::string name();
    std::int64_t number();
    SqlValue value();
    Transaction transaction();
    Statement statement();
    Statement filled(std::string sql);
    void step_schema(Batch& batch);

    std::mt19937_64 random_;
    std::vector<Transaction> sent_;
    std::int64_t version_ = 0;
    int transactions_ = 0;
};

}  // namespace pgedge

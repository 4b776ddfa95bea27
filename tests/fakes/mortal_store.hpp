#pragma once

#include <atomic>

#include "agent/store/store.hpp"
#include "common/base/error.hpp"

namespace pgedge {

/// One agent's way to the store, which can be cut at a given commit: before it reaches the store, or after it, so that
/// only the answer is lost. From then on nothing goes through: the agent might as well be dead.
class MortalStore final : public Store {
public:
    enum class Cut { before, after };
    explicit MortalStore(Store& store) : store_(store) {}

    void cut_at(int commit, Cut where) {
        where_ = where;
        left_ = commit;
    }
    void cut_now() { cut_ = true; }
    bool is_cut() const { return cut_; }

    CommitResult commit(const Transaction& transaction, const Limit& limit) override {
        // Beats are not counted: when they come depends on the weather.
        const bool counts = transaction.statements.size() > 2;
        const bool last = counts && left_.fetch_sub(1) == 0;
        if (last && where_ == Cut::before) cut_ = true;
        check();
        auto result = store_.commit(transaction, limit);
        if (last) cut_ = true;
        check();
        return result;
    }
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override {
        check();
        return store_.read(query, freshness, limit);
    }
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override {
        check();
        return store_.wait_for_changes(since, limit);
    }

private:
    void check() const {
        if (cut_) throw Error(ErrorKind::unreachable, "the store cannot be reached");
    }
    Store& store_;
    std::atomic<int> left_{1 << 30};
    std::atomic<Cut> where_{Cut::before};
    std::atomic<bool> cut_{false};
};

}  // namespace pgedge

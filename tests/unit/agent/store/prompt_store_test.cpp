#include "agent/store/prompt_store.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Answers nothing within any limit, as a store without a majority.
class SilentStore final : public Store {
public:
    CommitResult commit(const Transaction&, const Limit& limit) override { wait(limit); }
    Rows read(const Statement&, Freshness, const Limit& limit) override { wait(limit); }
    Changes wait_for_changes(std::int64_t, const Limit&) override { return {}; }

private:
    [[noreturn]] static void wait(const Limit& limit) {
        limit.pause(1h);
        limit.check("waiting for the store");
        throw Error(ErrorKind::internal, "the limit is not over");
    }
};

ErrorKind kind_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("clients hear soon that the store does not answer, however long their requests may take") {
    SilentStore silent;
    PromptStore store(silent, 50ms);
    const auto begin = std::chrono::steady_clock::now();

    CHECK(kind_of([&] { store.commit(Transaction(), Limit(2min)); }) == ErrorKind::unreachable);
    CHECK(kind_of([&] { store.read({"SELECT 1"}, Freshness::leader, Limit(2min)); }) == ErrorKind::unreachable);

    CHECK(std::chrono::steady_clock::now() - begin < 30s);
}

TEST_CASE("a request's own limit and its end by the client are told as what they are") {
    SilentStore silent;
    PromptStore store(silent, 10s);
    std::stop_source gone;
    gone.request_stop();

    CHECK(kind_of([&] { store.commit(Transaction(), Limit(20ms)); }) == ErrorKind::timed_out);
    CHECK(kind_of([&] { store.commit(Transaction(), Limit(2min, gone.get_token())); }) == ErrorKind::cancelled);
}

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include <pthread.h>

namespace pgedge {

/// A thread with a stack of kStack, all signals blocked (they belong to main; SIGPIPE to nobody); joined when it dies.
class SmallThread {
public:
    /// Only what is touched takes memory. Sanitizers and unoptimised builds need several times the frames.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    static constexpr std::size_t kStack = 512 * 1024;
#else
    static constexpr std::size_t kStack = 4096 * 1024;
#endif
    /// Throws Error{failed} when the system gives no thread.
    explicit SmallThread(std::function<void()> work);
    ~SmallThread();
    SmallThread(const SmallThread&) = delete;
    SmallThread& operator=(const SmallThread&) = delete;
    bool is_this() const { return ::pthread_equal(thread_, ::pthread_self()) != 0; }

private:
    const std::unique_ptr<std::function<void()>> work_;
    pthread_t thread_{};
};

/// Threads made on demand, at most `max_threads`, that go after some seconds without work. Jobs beyond that wait in
/// line; their number is bounded by whoever gives them. A job must not throw.
class Crew {
public:
    using Job = std::function<void()>;
    explicit Crew(std::size_t max_threads) : max_threads_(max_threads) {}
    /// Waits for all jobs, also those in line.
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    /// Does not block. When no thread can be had, the job waits for one of those that work.
    /// Throws Error{failed} when there is none at all.
    void take(Job job);
    std::size_t threads() const;

private:
    using Threads = std::list<SmallThread>;
    void work();

    const std::size_t max_threads_;
    mutable std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<Job> waiting_;
    Threads threads_, gone_;  ///< working; about to end, to be joined
    std::size_t idle_ = 0;
    bool stopping_ = false;
};

}  // namespace pgedge

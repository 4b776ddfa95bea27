#include "agent/serve/crew.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kLeaveAfter{5};

extern "C" void* run_work(void* work) {
    (*static_cast<std::function<void()>*>(work))();
    return nullptr;
}

struct Attributes {
    explicit Attributes(std::size_t stack) {
        ::pthread_attr_init(&attributes);
        ::pthread_attr_setstacksize(&attributes, stack);
    }
    ~Attributes() { ::pthread_attr_destroy(&attributes); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    pthread_attr_t attributes{};
};

}  // namespace

SmallThread::SmallThread(std::function<void()> work) : work_(std::make_unique<std::function<void()>>(std::move(work))) {
    const Attributes attributes(kStack);
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
    const int failure = ::pthread_create(&thread_, &attributes.attributes, run_work, work_.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failure) throw Error(ErrorKind::failed, "cannot start a thread: " + errno_text(failure));
}

SmallThread::~SmallThread() { ::pthread_join(thread_, nullptr); }

Crew::~Crew() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_all();
    // No lock here: the threads need it to end. The lists change only under take(), which nobody calls any more, and
    // under work(), which leaves them alone when stopping.
    threads_.clear();
    gone_.clear();
}

void Crew::take(Job job) {
    Threads joined;  // dies after the lock
    std::unique_lock lock(mutex_);
    joined.swap(gone_);
    waiting_.push_back(std::move(job));
    if (idle_ < waiting_.size() && threads_.size() < max_threads_) {
        try {
            threads_.emplace_back([this] { work(); });
        } catch (const Error&) {
            if (threads_.empty()) {
                waiting_.pop_back();
                throw;
            }
        }
    }
    lock.unlock();
    ready_.notify_one();
}

void Crew::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        const bool woken = ready_.wait_for(lock, kLeaveAfter, [this] { return stopping_ || !waiting_.empty(); });
        --idle_;
        if (waiting_.empty()) {
            if (stopping_) return;
            if (woken) continue;
            const auto self = std::find_if(threads_.begin(), threads_.end(), [](const auto& t) { return t.is_this(); });
            gone_.splice(gone_.end(), threads_, self);  // the next take() joins us
            return;
        }
        const Job job = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

std::size_t Crew::threads() const {
    std::lock_guard lock(mutex_);
    return threads_.size();
}

}  // namespace pgedge

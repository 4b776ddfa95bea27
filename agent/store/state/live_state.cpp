#include "agent/store/state/live_state.hpp"

#include "agent/store/state/sql.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

/// Between two attempts at what this host's disk did not take.
constexpr milliseconds kTryAgain{200};
constexpr milliseconds kFinish{1000};

void remove_database(const fs::path& file) {
    for (const char* part : {"-wal", "-shm", "-journal", ""}) fs::remove(file.string() + part);
}

/// Leaves a file that can be gone on with, or none: it was closed, and says which entry it holds. The mirror that
/// earlier versions kept under this name stays, under another.
void discard_unless_good(const fs::path& file, const fs::path& mark) {
    if (fs::exists(mark)) return remove_database(file);
    if (!fs::exists(file)) return;
    try {
        SqliteConnection database(file, SqliteConnection::Mode::read_only);
        if (StateMachine::applied_in(database)) return;
    } catch (const SqliteError&) {
        // not a database at all
    }
    fs::rename(file, file.parent_path() / "state-before.db");
}

}  // namespace

LiveState::LiveState(const fs::path& directory, ChangeFeed& feed, Told told, Log log)
    : file_(directory / "state.db"),
      mark_(directory / "state.open"),
      feed_(feed),
      told_(std::move(told)),
      log_(std::move(log)) {
    discard_unless_good(file_, mark_);
    write_file(mark_, "", 0600);
    machine_ = std::make_unique<StateMachine>(file_, StateMachine::Journal::ahead);
    publish({});
    thread_ = std::jthread([this](const std::stop_token& stop) {
        go_first();
        run_thread(log_, "state", stop, [&] { run(stop); });
    });
}

LiveState::~LiveState() { stop(); }

void LiveState::stop() {
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kFinish, [&] { return (queue_.empty() && !busy_) || !stuck_.empty(); });
        stopping_ = true;
    }
    if (!thread_.joinable()) return;
    thread_.request_stop();
    changed_.notify_all();
    thread_.join();
    for (auto& reader : readers_) {
        const std::lock_guard lock(reader.mutex);
        reader.connection.reset();
    }
    try {
        machine_->flush();
        const fs::path log = file_.string() + "-wal";
        if (fs::exists(log) && fs::file_size(log) > 0)
            throw Error(ErrorKind::conflict, "somebody reads it at the moment");
        machine_.reset();
        fs::remove(mark_);
    } catch (const std::exception& error) {
        // The mark stays, so the next start makes the file anew.
        log_.warn("the store's file was not closed", {{"reason", std::string_view(error.what())}});
    }
    machine_.reset();
}

void LiveState::apply(std::uint64_t index, std::string entry) {
    hand_over({.index = index, .bytes = std::move(entry), .snapshot = false});
}

void LiveState::restore(std::uint64_t index, std::string_view snapshot) {
    if (index <= applied_) return;  // at most starts: a copy would take long, and memory
    hand_over({.index = index, .bytes = std::string(snapshot), .snapshot = true});
}

void LiveState::hand_over(Task task) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || queued_bytes_ < kMaxQueued; });
    if (stopping_) return;
    queued_bytes_ += task.bytes.size();
    queue_.push_back(std::move(task));
    changed_.notify_all();
}

std::unique_ptr<SqliteConnection> LiveState::hold() {
    const std::lock_guard lock(mutex_);
    if (busy_ || !queue_.empty() || old_) return nullptr;
    auto held = std::make_unique<SqliteConnection>(file_, SqliteConnection::Mode::read_only);
    held->execute("BEGIN");
    held->run({.sql = "SELECT entry FROM applied_entry"});  // from now on it sees this state
    return held;
}

std::string LiveState::stuck() const {
    const std::lock_guard lock(mutex_);
    return stuck_;
}

void LiveState::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (take(lock, stop)) {
        const auto& task = queue_.front();  // only this thread removes one
        std::string why;
        lock.unlock();
        try {
            perform(task);
        } catch (const std::exception& error) {
            why = error.what();
        }
        lock.lock();
        if (why != stuck_) {
            stuck_ = why;
            if (why.empty())
                log_.info("the store's file is written again");
            else
                log_.error("the store's file cannot be written", {{"entry", task.index}, {"reason", why}});
        }
        if (why.empty()) {
            queued_bytes_ -= task.bytes.size();
            queue_.pop_front();
        }
        busy_ = false;
        changed_.notify_all();
        if (!why.empty()) changed_.wait_for(lock, stop, kTryAgain, [] { return false; });
    }
}

/// Waits for a task; false: it is over.
bool LiveState::take(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    changed_.wait(lock, stop, [&] { return !queue_.empty(); });
    if (stop.stop_requested()) return false;
    busy_ = true;
    return true;
}

void LiveState::perform(const Task& task) {
    if (task.index <= std::max(machine_->applied(), old_applied_)) return;
    if (task.snapshot && OldState::is_snapshot(task.bytes)) {
        old_.emplace().restore(task.bytes);
        old_applied_ = task.index;
    } else if (task.snapshot) {
        machine_->restore(task.bytes);
        old_.reset();
        old_applied_ = 0;
        machine_->skip_to(task.index);
    } else if (OldState::is_entry(task.bytes)) {
        if (!old_) old_.emplace();
        old_->apply(task.bytes);
        old_applied_ = task.index;
    } else {
        return apply_new(task);
    }
    publish({});
}

/// The first entry of the new format ends the old state.
void LiveState::leave_old(std::uint64_t applied) {
    if (!old_) return;
    const auto image = old_->image();
    if (!image.empty()) machine_->adopt(image, applied);
    log_.info("the store was taken over from an earlier version", {{"entry", applied}});
    old_.reset();
    old_applied_ = 0;
}

void LiveState::apply_new(const Task& task) {
    leave_old(task.index - 1);
    const auto batch = Batch::decode(task.bytes);
    auto applied = machine_->apply(task.index, batch);
    publish(applied.changes);
    told_(batch, std::move(applied.outcomes),
          {machine_->applied(), machine_->revision(), machine_->newest_operation()});
}

/// Tells everybody how far the file is: the feed, too. `fresh` is what the last entry changed, where that is known.
void LiveState::publish(const std::vector<NumberedChange>& fresh) {
    applied_ = std::max(machine_->applied(), old_applied_);
    revision_ = machine_->revision();
    schema_version_ = machine_->schema_version();
    if (machine_->revision() == 0) return;
    const auto known = feed_.revision();
    if (known > machine_->revision()) {
        filled_ = false;  // it was told by others what this file has not
    } else if (filled_ && !fresh.empty() && fresh.front().revision == known + 1) {
        feed_.append(fresh);
    } else if (!filled_ || known < machine_->revision()) {
        const auto part = machine_->changes_since(filled_ ? known : 0);
        if (filled_ && !part.missed)
            feed_.append(part.changes);
        else
            filled_ = feed_.fill(part);
    }
}

template <class Use>
auto LiveState::with_reader(const Limit& limit, Use use) {
    auto& reader = readers_[next_reader_++ % kReaders];
    const std::lock_guard lock(reader.mutex);
    limit.check("reading from the store");
    if (!reader.connection)
        reader.connection = std::make_unique<SqliteConnection>(file_, SqliteConnection::Mode::read_only);
    return use(*reader.connection);
}

Rows LiveState::read(const Statement& query, const Limit& limit) {
    return with_reader(limit, [&](SqliteConnection& connection) { return connection.run(query).rows; });
}

std::string LiveState::image(const Limit& limit) {
    return with_reader(limit, [](SqliteConnection& connection) { return connection.image(); });
}

}  // namespace pgedge

#include "cli/tasks.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "cli/terminal/live_area.hpp"
#include "cli/terminal/step_board.hpp"
#include "common/base/text.hpp"
#include "common/base/thread_top.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

using SteadyTime = StepBoard::Time;

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kSayEvery{10};  ///< progress, where no line can be drawn over
constexpr std::chrono::hours kForever{24 * 365};
constexpr int kLookBack = 1000;  // tasks among which the beginning of an id is looked for

std::string title_of(const TaskAnswer& task) {
    const std::string of = task.entity_id.empty() ? task.database_id : task.entity_id;
    return clean(task.type + (of.empty() ? "" : " " + of));
}

/// Shows what a followed task does.
class Progress {
public:
    virtual ~Progress() = default;
    virtual void take(const LogEntryAnswer& entry) = 0;
    virtual void take(const ProgressAnswer& progress) = 0;
};

class PlainProgress final : public Progress {
public:
    PlainProgress(Session& session, std::string prefix) : session_(session), prefix_(std::move(prefix)) {}
    void take(const LogEntryAnswer& entry) override {
        session_.note(clean(entry.timestamp) + "  " + prefix_ + ": " +
                      log_line({entry.id, "", entry.message, entry.fields, {}}));
    }
    /// Now and then: each line stays.
    void take(const ProgressAnswer& progress) override {
        const auto now = std::chrono::steady_clock::now();
        if (progress.running.empty() || now - said_ < kSayEvery) return;
        said_ = now;
        for (const auto& step : progress.running) session_.note(prefix_ + ": " + progress_line(step));
    }

private:
    Session& session_;
    std::string prefix_;
    SteadyTime said_ = std::chrono::steady_clock::now();
};

/// Draws the board at each entry, and ten times a second so that times run and a terminal of another size is seen. The
/// drawing thread ends with the object. Messages of the session appear above the board meanwhile.
class TreeProgress final : public Progress {
public:
    TreeProgress(Session& session, std::string title, std::size_t planned)
        : session_(session),
          echo_off_(session.world().turn_off_echo()),
          area_(session.world().err()),
          board_(std::move(title), planned),
          since_(std::chrono::steady_clock::now()),
          ticker_(
              [this](const std::stop_token& stop) { run_thread(Log::none(), "drawing", stop, [&] { tick(stop); }); }) {
        session_.redirect_messages([this](const std::string& line) {
            const std::lock_guard lock(mutex_);
            const auto size = session_.world().terminal();
            area_.write_above(line, size.columns, size.rows);
            draw();
        });
    }
    ~TreeProgress() override {
        session_.redirect_messages(nullptr);
        ticker_.request_stop();
        ticker_.join();
        draw();
    }

    void take(const LogEntryAnswer& entry) override {
        const std::lock_guard lock(mutex_);
        board_.take(entry, std::chrono::steady_clock::now());
        draw();
    }
    void take(const ProgressAnswer& progress) override {
        const std::lock_guard lock(mutex_);
        board_.take(progress);
        draw();
    }

private:
    void tick(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            draw();
            wake_.wait_for(lock, stop, kRedraw, [] { return false; });
        }
    }
    void draw() {
        const auto size = session_.world().terminal();  // of this moment
        area_.draw(board_.lines(std::chrono::steady_clock::now(), since_, size.columns - 1, size.rows - 2,
                                session_.message_style()),
                   size.columns, size.rows);
    }

    Session& session_;
    const std::unique_ptr<EchoOff> echo_off_;
    LiveArea area_;
    StepBoard board_;
    const SteadyTime since_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread ticker_;  // last: it uses all of the above
};

class NoProgress final : public Progress {
public:
    void take(const LogEntryAnswer&) override {}
    void take(const ProgressAnswer&) override {}
};

std::unique_ptr<Progress> make_progress(Session& session, const TaskAnswer& task, std::size_t planned) {
    if (!session.talks()) return std::make_unique<NoProgress>();
    const std::string dumb = session.world().environment("TERM").value_or("");
    if (session.terminal().err && dumb != "dumb" && session.world().environment("CI").value_or("").empty())
        return std::make_unique<TreeProgress>(session, title_of(task), planned);
    return std::make_unique<PlainProgress>(session, clean(task.entity_id.empty() ? task.id : task.entity_id));
}

std::string watch_hint(const TaskAnswer& task) { return "follow it: pgedgectl task watch " + clean(task.id); }

/// The Error of a wait that ended before the task did.
[[noreturn]] void stopped_waiting(const TaskAnswer& task, const Interrupts& interrupts) {
    const std::string what = title_of(task);
    if (const int signal = interrupts.signal(); signal != 0)
        throw TaskError(128 + signal, "detached; task " + clean(task.id) + " (" + what + ") continues",
                        watch_hint(task), task);
    throw TaskError(kStillRunning,
                    "the time of --timeout is over; task " + clean(task.id) + " (" + what + ") still runs",
                    watch_hint(task), task);
}

TaskAnswer ended(const TaskAnswer& task) {
    if (task.status == "completed") return task;
    const std::string what = title_of(task);
    if (task.status == "canceled")
        throw TaskError(kTaskCancelled, what + " was cancelled",
                        "see how far it came: pgedgectl task logs " + clean(task.id), task);
    throw TaskError(kTaskFailed, what + " failed" + (task.error.empty() ? "" : ": " + task.error),
                    "see all of it: pgedgectl task logs " + clean(task.id), task);
}

}  // namespace

std::string begin_time(Session& session, const std::string& at) {
    if (at.empty()) return "";
    if (at.starts_with('+'))
        return to_rfc3339(session.world().clock().wall() +
                          std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(at.substr(1))));
    try {
        return to_rfc3339(parse_rfc3339(at));
    } catch (const Error& error) {
        throw UsageError("--at: " + error.text(), error.hint() + ", or +2h");
    }
}

TaskAnswer find_task(Session& session, const std::string& id) {
    if (is_uuid(id)) return session.api().task(id);
    std::vector<TaskAnswer> found;
    for (auto& task : session.api().tasks({.limit = kLookBack}))
        if (!id.empty() && task.id.starts_with(id)) found.push_back(std::move(task));
    if (found.size() == 1) return found.front();
    if (found.empty())
        throw Error(ErrorKind::not_found, "there is no task '" + id + "'", "see them: pgedgectl task list");
    std::vector<std::string> ids;
    for (const auto& task : found) ids.push_back(task.id);
    if (ids.size() > 5) ids.resize(5);
    throw UsageError(fmt::format("{} tasks begin with '{}': {}", found.size(), id, joined(ids, ", ")),
                     "write more letters of the id");
}

std::string log_line(const LogEntryAnswer& entry) {
    std::string line = entry.timestamp.empty() ? "" : clean(entry.timestamp) + "  ";
    line += clean(entry.message);
    const auto add = [&](const char* name, const char* before) {
        const auto it = entry.fields.find(name);
        if (it != entry.fields.end() && it->is_string() && !it->get_ref<const std::string&>().empty())
            line += before + clean(it->get<std::string>());
    };
    add("host_id", " on ");
    add("error", ": ");
    return line;
}

TaskAnswer follow_task(Session& session, const TaskAnswer& task, const FollowOptions& options) {
    const auto interrupts = session.world().watch_interrupts();
    const Limit limit(session.options().timeout.value_or(kForever), interrupts->token());
    std::optional<TaskAnswer> end;
    {
        const auto progress = make_progress(session, task, options.planned_steps);
        try {
            end = session.api().follow_task(
                task.id, limit, [&](const LogEntryAnswer& entry) { progress->take(entry); },
                [&](const ProgressAnswer& now) { progress->take(now); });
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::cancelled && error.kind() != ErrorKind::timed_out) throw;
            if (!limit.over()) throw;
        }
    }
    if (!end) stopped_waiting(task, *interrupts);
    TaskAnswer completed = ended(*end);
    if (!options.quiet_end) session.note(title_of(completed) + " completed");
    return completed;
}

}  // namespace pgedge

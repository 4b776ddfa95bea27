#include "agent/api/control_plane/follow_log.hpp"

#include <set>

#include "agent/store/store_watch.hpp"
#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

/// An empty line is written when there was nothing else for so long, for proxies and clients with a time limit.
constexpr std::chrono::seconds kSignOfLife{15};
/// How often the client is looked for while nothing happens.
constexpr std::chrono::seconds kProbe{2};
constexpr std::chrono::seconds kReadLimit{10};
/// Pause before the store is asked again after it did not answer.
constexpr std::chrono::milliseconds kRetry{500};

/// One followed log: what it reads from and how far it has come.
class Follower {
public:
    Follower(std::shared_ptr<const ClusterServices> cluster, std::stop_token stop, std::string task_id,
             std::string after_entry_id, std::optional<std::int64_t> limit_entries, bool with_progress)
        : cluster_(std::move(cluster)),
          stop_(std::move(stop)),
          task_id_(std::move(task_id)),
          last_entry_(std::move(after_entry_id)),
          limit_entries_(limit_entries),
          with_progress_(with_progress),
          changes_(cluster_->store, kinds(with_progress)) {}

    void run(const BodyWriter& write) {
        auto last_sign = Limit::Clock::now();
        while (!stop_.stop_requested()) {
            std::string news = next();
            if (news.empty() && Limit::Clock::now() - last_sign >= kSignOfLife) news = "\n";
            if (!news.empty()) last_sign = Limit::Clock::now();
            if (!write(news) || ended_) return;  // an empty part only asks whether the client is there
        }
    }

private:
    static std::set<std::string> kinds(bool with_progress) {
        std::set<std::string> kinds{"task", "task_log"};
        if (with_progress) kinds.insert("progress");
        return kinds;
    }

    /// What is new, as lines; waits a while for a change when there is nothing.
    std::string next() {
        try {
            const bool first = !changes_.began();
            const bool concerned = changes_.wait_for(task_id_, Limit(first ? kReadLimit : kProbe, stop_));
            return first || concerned ? read() : "";
        } catch (const Error& error) {
            // The store has no leader for a moment: the client has to know no more than that nothing is new.
            if (!error.transient() && error.kind() != ErrorKind::cancelled) throw;
            changes_.restart();
            Limit(kRetry * 2, stop_).pause(kRetry);
            return {};
        }
    }

    std::string read() {
        const Tasks tasks(cluster_->store);
        const Limit limit(kReadLimit, stop_);
        const auto task = tasks.find(task_id_, limit);  // before its log: when it is final, the log is complete
        std::string lines;
        for (const auto& entry : tasks.log(task_id_, last_entry_, limit_entries_, limit)) {
            lines += to_text(log_entry_shape().write(entry)) + "\n";
            last_entry_ = entry.id;
        }
        limit_entries_.reset();
        if (with_progress_ && task && !is_final(task->status)) lines += new_progress(tasks, limit);
        if (!task || is_final(task->status)) {
            if (task) lines += to_text(OrderedJson{{"task", task_shape().write(*task)}}) + "\n";
            ended_ = true;
        }
        return lines;
    }

    /// How far the task is, when that is not what was said last.
    std::string new_progress(const Tasks& tasks, const Limit& limit) {
        std::string line =
            to_text(OrderedJson{{"progress", progress_shape().write(tasks.progress(task_id_, limit))}}) + "\n";
        if (line == last_progress_) return {};
        last_progress_ = line;
        return line;
    }

    std::shared_ptr<const ClusterServices> cluster_;
    std::stop_token stop_;
    std::string task_id_, last_entry_;
    std::optional<std::int64_t> limit_entries_;
    const bool with_progress_;
    std::string last_progress_;
    StoreWatch changes_;
    bool ended_ = false;
};

}  // namespace

HttpResponse followed_log(const ApiCall& call, const Task& task, const std::string& after_entry_id,
                          std::optional<std::int64_t> limit_entries) {
    const bool with_progress = call.flag("progress");
    HttpResponse response;
    response.headers["Content-Type"] = "application/x-ndjson";
    response.stream = [follower = std::make_shared<Follower>(call.cluster, call.request.stop, task.id, after_entry_id,
                                                             limit_entries, with_progress)](const BodyWriter& write) {
        follower->run(write);
    };
    return response;
}

}  // namespace pgedge

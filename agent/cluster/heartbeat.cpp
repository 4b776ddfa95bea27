#include "agent/cluster/heartbeat.hpp"

#include "agent/store/shared_moment.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kReportLimit = 10s;
constexpr auto kAgainAfter = 1s;

}  // namespace

Heartbeat::Heartbeat(Store& store, const Clock& clock, std::string host_id, std::function<Components()> components,
                     Log log)
    : store_(store),
      clock_(clock),
      host_id_(std::move(host_id)),
      components_(std::move(components)),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run_thread(log_, "heartbeat", stop, [&] { run(stop); }); }) {}

Heartbeat::~Heartbeat() = default;

void Heartbeat::changed() {
    {
        std::lock_guard lock(mutex_);
        changed_ = true;
    }
    wake_.notify_one();
}

void Heartbeat::run(const std::stop_token& stop) {
    bool complained = false;
    while (!stop.stop_requested()) {
        try {
            report(stop);
            complained = false;
        } catch (const std::exception& error) {
            if (!complained && !stop.stop_requested()) log_.warn("cannot report health", {{"error", error.what()}});
            complained = true;
        }
        const std::chrono::milliseconds pause = complained ? kAgainAfter : until_shared_moment(clock_.wall(), kPeriod);
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, pause, [this] { return changed_; });
    }
}

void Heartbeat::report(const std::stop_token& stop) {
    {
        std::lock_guard lock(mutex_);
        changed_ = false;  // what changes from here on asks for another report
    }
    Components components = components_();
    components.try_emplace("store", ComponentHealth{.healthy = true, .error = "", .details = Json::object()});
    components["etcd"] = components["store"];  // clients of the pgEdge Control Plane look for it under this name
    Transaction transaction;
    transaction.routine = true;
    transaction.add(Hosts::report(host_id_, components, clock_.wall()));
    store_.commit(transaction, Limit(kReportLimit, stop));
}

}  // namespace pgedge

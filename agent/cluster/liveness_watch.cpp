#include "agent/cluster/liveness_watch.hpp"

#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kReadLimit{2};

}  // namespace

LivenessWatch::LivenessWatch(Store& store, HostLiveness& liveness, Log log)
    : store_(store),
      liveness_(liveness),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run_thread(log_, "liveness", stop, [&] { run(stop); }); }) {}

LivenessWatch::~LivenessWatch() = default;

void LivenessWatch::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const Limit period(kPeriod, stop);
        try {
            const Limit limit(kReadLimit, stop);
            liveness_.observe(store_, Freshness::local, limit);
            liveness_.observe_instances(store_, Freshness::local, limit);
        } catch (const Error& error) {
            // Nothing is seen meanwhile, and that is what hosts are judged by.
            if (!stop.stop_requested()) log_.debug("beats were not read", {{"reason", error.text()}});
        }
        period.pause(kPeriod);
    }
}

}  // namespace pgedge

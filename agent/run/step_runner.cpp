#include "agent/run/step_runner.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "agent/run/plan_steps.hpp"
#include "agent/run/port_check.hpp"
#include "agent/store/tables/nodes.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// A backstop: what a kind waits for has its own, shorter limits; only a copy of very much data takes so long.
constexpr std::chrono::hours kStepLimit{24};
constexpr std::string_view kCanceled = "the operation was canceled";

Json fields_of(const Resource& resource) {
    return {{"resource_type", resource.id.kind}, {"resource_id", resource.id.name}, {"host_id", resource.host_id}};
}

/// "port 5432 is taken; choose another one, while creating database.instance::x on host-1".
std::string story_of(const Error& error, const ClaimedStep& step) {
    Error told(error.kind(), error.text_and_hint());
    const Resource& resource = step.row.step->resource;
    const bool named = resource.id.name.find(step.row.instance_id) != std::string::npos;
    told.add(fmt::format("{} resource {} {}on {}", verb_of(step.row.step->action), resource.id.text(),
                         named ? std::string() : "of " + step.row.instance_id + " ", resource.host_id));
    return told.text();
}

/// Half to all of it: hosts that failed together do not come back together.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
    thread_local std::minstd_rand random{std::random_device{}()};
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random));
}

}  // namespace

StepRunner::StepRunner(Store& store, const Secrets& secrets, const ResourceKinds& kinds, const StepQueue& queue,
                       const Clock& clock, RetryPolicy retry, KeepsServer keeps_server, WorkKinds works)
    : store_(store),
      secrets_(secrets),
      kinds_(kinds),
      queue_(queue),
      clock_(clock),
      retry_(retry),
      keeps_server_(std::move(keeps_server)),
      works_(std::move(works)) {}

StepOutcome StepRunner::run(const ClaimedStep& step, StepLog& log, const std::stop_token& stop) const {
    const Limit limit(kStepLimit, stop);
    if (!step.row.unreadable.empty())
        return {Error(ErrorKind::failed,
                      fmt::format("the agent of {} cannot read step {}: {}", step.row.host_id, step.row.id,
                                  step.row.unreadable),
                      "all agents of a cluster need the same version")
                    .text_and_hint(),
                {}};
    try {
        if (step.row.step) return change(step, log, limit);
        if (step.row.own.contains("work")) return work(step, log, limit);
        if (step.row.own.contains("check_ports")) return check_ports(step, limit);
        return look(step, log, limit);
    } catch (const Error& error) {
        return {stop.stop_requested() ? std::string(kCanceled) : error.text(), {}};
    } catch (const std::exception& error) {
        // Not our own error: its text is for operators, and may be anything.
        return {fmt::format("internal error in step {} on {}: {}", step.row.id, step.row.host_id, error.what()), {}};
    }
}

ResourceKind& StepRunner::kind_of(const Resource& resource) const {
    const auto found = kinds_.find(resource.id.kind);
    if (found == kinds_.end())
        throw Error(
            ErrorKind::failed,
            fmt::format("the agent of {} does not know resources of kind {}", resource.host_id, resource.id.kind),
            "all agents of a cluster need the same version");
    return *found->second;
}

StepContext StepRunner::context(const ClaimedStep& step, const Resource& resource, StepLog& log,
                                const Limit& limit) const {
    return {limit,
            step.database_id,
            [this, limit](const SecretRef& ref) {
                return secrets_.get(ref, limit.no_longer_than(std::chrono::seconds(10)));
            },
            [&log, fields = fields_of(resource)](std::string_view message) { log.add(message, fields); },
            step.instance_created_at,
            step.primary};
}

void StepRunner::with_retries(const Resource& resource, StepLog& log, const Limit& limit,
                              const std::function<void()>& attempt) const {
    auto begin = clock_.monotonic();
    auto pause = retry_.first_pause;
    for (int number = 1;; ++number, pause = std::min(pause * 2, retry_.longest_pause)) {
        const auto attempt_begin = clock_.monotonic();
        try {
            return attempt();
        } catch (const Error& error) {
            const auto wait = with_jitter(pause);
            // What worked for so long and was cut off (a server killed in its recovery, say) has not been tried in vain
            // all the time: its time begins now.
            if (error.kind() == ErrorKind::unreachable && clock_.monotonic() - attempt_begin > retry_.at_most)
                begin = clock_.monotonic();
            const bool again = error.transient() && number < retry_.attempts && !limit.over() &&
                               clock_.monotonic() - begin + wait < retry_.at_most;
            if (!again) throw;
            Json fields = fields_of(resource);
            fields["error"] = error.text();
            log.add(fmt::format("resource {} is not ready: trying again in {} (attempt {} of {})", resource.id.text(),
                                short_duration(wait), number + 1, retry_.attempts),
                    std::move(fields));
            if (!limit.pause(wait)) throw;
        }
    }
}

StepOutcome StepRunner::change(const ClaimedStep& claimed, StepLog& log, const Limit& limit) const {
    const Step& step = *claimed.row.step;
    const Resource& resource = step.resource;
    const auto begin = clock_.monotonic();
    log.add(fmt::format("{} resource {}", verb_of(step.action), resource.id.text()), fields_of(resource));
    Json fields = fields_of(resource);
    const auto ended = [&](bool success) {
        const auto took = clock_.monotonic() - begin;
        fields["success"] = success;
        fields["duration_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
        return took;
    };
    const auto failed = [&](const std::string& error) {
        ended(false);
        fields["error"] = error;
        log.add(fmt::format("error while {} resource {}", verb_of(step.action), resource.id.text()), std::move(fields));
    };
    try {
        auto& kind = kind_of(resource);
        with_retries(resource, log, limit, [&] {
            auto with = context(claimed, resource, log, limit);
            if (step.action == Action::remove)
                kind.remove(resource, with);
            else
                kind.apply(resource, with);
        });
    } catch (const Error& error) {
        const auto story = limit.stop().stop_requested() ? std::string(kCanceled) : story_of(error, claimed);
        failed(limit.stop().stop_requested() ? std::string(kCanceled) : error.text());
        return {story, {}};
    } catch (const std::exception& error) {
        failed("internal error");
        throw;
    }
    const auto took = ended(true);
    log.add(fmt::format("finished {} resource {} (took {})", verb_of(step.action), resource.id.text(),
                        short_duration(took)),
            std::move(fields));
    return {};
}

/// A look that fails says what the resource is like: not as it was made, so that it is made again, or removed, by steps
/// that tell what stands in the way. It must not keep from mending or deleting. What belongs to an instance that makes
/// trouble is looked at once.
std::pair<Observed, std::string> StepRunner::look_at(const ClaimedStep& step, const Resource& resource,
                                                     std::set<std::string>& troubled, StepLog& log,
                                                     const Limit& limit) const {
    const std::string instance = instance_of(resource);
    Observed seen = Observed::as_known;
    std::string failure;
    const auto look = [&] {
        auto with = context(step, resource, log, limit);
        seen = kind_of(resource).observe(resource, with);
    };
    try {
        if (troubled.contains(instance))
            look();
        else
            with_retries(resource, log, limit, look);
        return {seen, ""};
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled || limit.stop().stop_requested()) throw;
        failure = error.text();
    } catch (const std::exception& error) {
        failure = fmt::format("internal error: {}", error.what());
    }
    if (!instance.empty()) troubled.insert(instance);
    Json fields = fields_of(resource);
    fields["error"] = failure;
    log.add(fmt::format("resource {} could not be looked at", resource.id.text()), std::move(fields));
    return {seen, failure};
}

StepOutcome StepRunner::look(const ClaimedStep& step, StepLog& log, const Limit& limit) const {
    std::vector<KnownResource> changed;
    std::set<std::string> troubled;
    const auto primaries = Nodes(store_).primaries(step.database_id, limit.no_longer_than(std::chrono::seconds(30)));
    ClaimedStep with_primary = step;
    for (auto& [id, known] :
         Databases(store_).resources(step.database_id, limit.no_longer_than(std::chrono::seconds(30)))) {
        const Resource& resource = known.resource;
        // What failed is done again anyway; that it is not there is no news.
        if (resource.host_id != step.row.host_id || !known.error.empty()) continue;
        const auto primary = primaries.find(resource.node.empty() ? resource.want.value("node", "") : resource.node);
        with_primary.primary = primary == primaries.end() ? NodePrimary() : primary->second;
        const auto [seen, failure] = look_at(with_primary, resource, troubled, log, limit);
        if (!failure.empty()) {
            known.error = "it could not be looked at: " + failure;
            changed.push_back(std::move(known));
            continue;
        }
        if (seen == Observed::unseen) continue;
        const bool missing = seen == Observed::missing;
        if (!missing && !known.needs_recreate && seen != Observed::differs) continue;
        if (missing) log.add(fmt::format("resource {} was not found", id.text()), fields_of(resource));
        if (seen == Observed::differs) {
            log.add(fmt::format("resource {} is not as it was made", id.text()), fields_of(resource));
            known.error = "it was found changed";
        }
        known.needs_recreate = missing;
        changed.push_back(std::move(known));
    }
    const auto took = std::max(clock_.wall() - step.task_created_at, WallTime::duration(0));
    const auto now = clock_.wall();
    return {"", queue_.looked(step, changed,
                              log_line("finished refreshing current state (took " + short_duration(took) + ")",
                                       {{"duration_ms", took.count()}}, now),
                              log_line("nothing to do: the database is as wanted", Json::object(), now))};
}

StepOutcome StepRunner::work(const ClaimedStep& step, StepLog& log, const Limit& limit) const {
    const std::string kind = step.row.own.at("work");
    const auto found = works_.find(kind);
    if (found == works_.end())
        throw Error(ErrorKind::failed, fmt::format("the agent of {} does not know how to {}", step.row.host_id, kind),
                    "all agents of a cluster need the same version");
    Resource nothing;
    nothing.host_id = step.row.host_id;
    auto with = context(step, nothing, log, limit);
    const Json fields{{"host_id", step.row.host_id}};
    with.tell = [&](std::string_view message) { log.add(message, fields); };
    try {
        return {"", found->second(step.row.own.at("arguments"), with)};
    } catch (const Error& error) {
        if (limit.stop().stop_requested()) return {std::string(kCanceled), {}};
        log.add("error", {{"host_id", step.row.host_id}, {"error", error.text_and_hint()}});
        return {error.text_and_hint(), {}};
    }
}

StepOutcome StepRunner::check_ports(const ClaimedStep& step, const Limit& limit) const {
    std::vector<std::string> problems;
    for (const auto& check : port_checks_from_json(step.row.own.at("check_ports"))) {
        limit.check("checking the ports of " + step.row.host_id);
        const auto problem = port_problem(check);
        if (problem && !(keeps_server_ && keeps_server_(check.instance_id, check.port)))
            problems.push_back(
                fmt::format("validation error for node {}, host {}: {}", check.node_name, step.row.host_id, *problem));
    }
    return {fmt::format("{}", fmt::join(problems, "\n")), {}};
}

}  // namespace pgedge

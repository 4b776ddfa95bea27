#include "agent/run/resource_work.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "agent/run/plan_steps.hpp"
#include "agent/store/tables/nodes.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

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

/// A plan takes away replicas, not the primary of those that stay. What it takes away may have become that since.
void refuse_to_remove_a_primary(const ClaimedStep& step) {
    const Step& planned = *step.row.step;
    if (planned.action != Action::remove || !step.primary_of_others ||
        !planned.resource.id.kind.starts_with("instance."))
        return;
    throw Error(ErrorKind::conflict,
                fmt::format("{} has become the primary of node {} since this was planned", step.row.instance_id,
                            step.primary.node),
                "make another instance the primary, then apply again");
}

/// Half to all of it: hosts that failed together do not come back together.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
    thread_local std::minstd_rand random{std::random_device{}()};
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random));
}

}  // namespace

ResourceKind& ResourceWork::kind_of(const Resource& resource) const {
    const auto found = parts_.kinds.find(resource.id.kind);
    if (found == parts_.kinds.end())
        throw Error(
            ErrorKind::failed,
            fmt::format("the agent of {} does not know resources of kind {}", resource.host_id, resource.id.kind),
            "all agents of a cluster need the same version");
    return *found->second;
}

void ResourceWork::with_retries(const WorkCall& call, const Resource& resource,
                                const std::function<void()>& attempt) const {
    auto begin = parts_.clock.monotonic();
    auto pause = parts_.retry.first_pause;
    for (int number = 1;; ++number, pause = std::min(pause * 2, parts_.retry.longest_pause)) {
        const auto attempt_begin = parts_.clock.monotonic();
        try {
            return attempt();
        } catch (const Error& error) {
            const auto wait = with_jitter(pause);
            // What worked for so long and was cut off (a server killed in its recovery, say) has not been tried in vain
            // all the time: its time begins now.
            if (error.kind() == ErrorKind::unreachable &&
                parts_.clock.monotonic() - attempt_begin > parts_.retry.at_most)
                begin = parts_.clock.monotonic();
            const bool again = error.transient() && number < parts_.retry.attempts && !call.limit.over() &&
                               parts_.clock.monotonic() - begin + wait < parts_.retry.at_most;
            if (!again) throw;
            Json fields = fields_of(resource);
            fields["error"] = error.text();
            call.log.add(fmt::format("resource {} is not ready: trying again in {} (attempt {} of {})",
                                     resource.id.text(), short_duration(wait), number + 1, parts_.retry.attempts),
                         std::move(fields));
            if (!call.limit.pause(wait)) throw;
        }
    }
}

std::string ChangeResource::doing(const StepRow& row) const {
    if (!row.step) return "changing resource " + row.work.name;
    return fmt::format("{} resource {}", verb_of(row.step->action), row.step->resource.id.text());
}

StepOutcome ChangeResource::run(const WorkCall& call) const {
    if (!call.step.row.step)
        throw Error(ErrorKind::failed, "step " + call.step.row.id + " names no resource to work on");
    const Step& step = *call.step.row.step;
    const Resource& resource = step.resource;
    const auto begin = parts_.clock.monotonic();
    call.log.add(fmt::format("{} resource {}", verb_of(step.action), resource.id.text()), fields_of(resource));
    Json fields = fields_of(resource);
    const auto ended = [&](bool success) {
        const auto took = parts_.clock.monotonic() - begin;
        fields["success"] = success;
        fields["duration_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
        return took;
    };
    const auto failed = [&](const std::string& error) {
        ended(false);
        fields["error"] = error;
        call.log.add(fmt::format("error while {} resource {}", verb_of(step.action), resource.id.text()),
                     std::move(fields));
    };
    try {
        refuse_to_remove_a_primary(call.step);
        auto& kind = kind_of(resource);
        with_retries(call, resource, [&] {
            auto with = call.context(fields_of(resource));
            if (step.action == Action::remove)
                kind.remove(resource, with);
            else
                kind.apply(resource, with);
        });
    } catch (const Error& error) {
        const bool canceled = call.limit.stop().stop_requested();
        failed(canceled ? std::string(kCanceledError) : error.text());
        return {canceled ? std::string(kCanceledError) : story_of(error, call.step), {}};
    } catch (const std::exception& error) {
        failed("internal error");
        throw;
    }
    const auto took = ended(true);
    call.log.add(fmt::format("finished {} resource {} (took {})", verb_of(step.action), resource.id.text(),
                             short_duration(took)),
                 std::move(fields));
    return {};
}

/// A look that fails says what the resource is like: not as it was made, so that it is made again, or removed, by steps
/// that tell what stands in the way. It must not keep from mending or deleting. What belongs to an instance that makes
/// trouble is looked at once.
std::pair<Observed, std::string> ObserveResources::observe(const WorkCall& call, const Resource& resource,
                                                           std::set<std::string>& troubled) const {
    const std::string instance = instance_of(resource);
    Observed seen = Observed::as_known;
    std::string failure;
    const auto look = [&] {
        auto with = call.context(fields_of(resource));
        seen = kind_of(resource).observe(resource, with);
    };
    try {
        if (troubled.contains(instance))
            look();
        else
            with_retries(call, resource, look);
        return {seen, ""};
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled || call.limit.stop().stop_requested()) throw;
        failure = error.text();
    } catch (const std::exception& error) {
        failure = fmt::format("internal error: {}", error.what());
    }
    if (!instance.empty()) troubled.insert(instance);
    Json fields = fields_of(resource);
    fields["error"] = failure;
    call.log.add(fmt::format("resource {} could not be looked at", resource.id.text()), std::move(fields));
    return {seen, failure};
}

StepOutcome ObserveResources::run(const WorkCall& call) const {
    const ClaimedStep& step = call.step;
    std::vector<KnownResource> changed;
    std::set<std::string> troubled;
    const Limit reading = call.limit.no_longer_than(std::chrono::seconds(30));
    const auto primaries = Nodes(parts_.store).primaries(step.owner.id, reading);
    ClaimedStep with_primary = step;
    const WorkCall looking{with_primary, call.log, call.secrets, call.limit};
    for (auto& [id, known] : Databases(parts_.store).resources(step.owner.id, reading)) {
        const Resource& resource = known.resource;
        // What failed is done again anyway; that it is not there is no news.
        if (resource.host_id != step.row.host_id || !known.error.empty()) continue;
        const auto primary = primaries.find(resource.node.empty() ? resource.want.value("node", "") : resource.node);
        with_primary.primary = primary == primaries.end() ? NodePrimary() : primary->second;
        const auto [seen, failure] = observe(looking, resource, troubled);
        if (!failure.empty()) {
            known.error = "it could not be looked at: " + failure;
            changed.push_back(std::move(known));
            continue;
        }
        if (seen == Observed::unseen) continue;
        const bool missing = seen == Observed::missing;
        if (!missing && !known.needs_recreate && seen != Observed::differs) continue;
        if (missing) call.log.add(fmt::format("resource {} was not found", id.text()), fields_of(resource));
        if (seen == Observed::differs) {
            call.log.add(fmt::format("resource {} is not as it was made", id.text()), fields_of(resource));
            known.error = "it was found changed";
        }
        known.needs_recreate = missing;
        changed.push_back(std::move(known));
    }
    const auto took = std::max(parts_.clock.wall() - step.task_created_at, WallTime::duration(0));
    const auto now = parts_.clock.wall();
    return {"", parts_.queue.looked(step, changed,
                                    log_line("finished refreshing current state (took " + short_duration(took) + ")",
                                             {{"duration_ms", took.count()}}, now),
                                    log_line("nothing to do: the database is as wanted", Json::object(), now))};
}

}  // namespace pgedge

#include "agent/cluster_links.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/postgres/link_log.hpp"
#include "agent/postgres/link_skip.hpp"
#include "agent/postgres/link_sql.hpp"
#include "agent/postgres/waiting_transaction.hpp"
#include "agent/resources/link_memory.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/runtime/server_log.hpp"
#include "common/base/error.hpp"
#include "common/base/json_fields.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLinksPath = "/internal/links/";
constexpr auto kPeerLimit = 50s;  ///< for what another agent asks: its own caller waits at most a minute
constexpr auto kGoesOn = 60s;     ///< for a link to go on after a transaction was skipped
constexpr auto kSteady = 2s;      ///< a worker that fails, fails within moments of its start
constexpr auto kPoll = 100ms;
constexpr std::size_t kLogLines = 500;

LinkSubscriber ask_subscriber(Session& session, const LinkPlace& link, const Limit& limit) {
    LinkSubscriber found;
    const auto& dialect = ReplicationDialect::of(link.dialect);
    for (const auto& row : dialect.subscriptions(session, limit)) {
        if (row.name != link.subscription) continue;
        found.exists = true;
        found.slot = row.slot;
        found.status = row.status;
        found.enabled = row.enabled;
    }
    const auto origins = replication_origins(session, limit);
    const auto origin = origins.find(found.slot);
    found.origin_lsn = origin == origins.end() ? "0/0" : origin->second.remote_lsn;
    if (dialect.name() == "spock") found.left_out = left_out_transactions(session, link.subscription, limit);
    return found;
}

LinkSubscriber ask_subscriber(Runtime& runtime, const LinkPlace& link, const Limit& limit) {
    auto session = connect_locally(runtime, link.subscriber_instance, link.database_name, limit);
    return ask_subscriber(session, link, limit);
}

std::optional<LinkTransaction> ask_provider(Runtime& runtime, const LinkPlace& link, const std::string& slot,
                                            const std::string& after, const Limit& limit) {
    // A session of its own: the copy of the slot goes with it.
    auto session = connect_locally(runtime, link.provider_instance, link.database_name, limit);
    return first_waiting(session, slot, after, limit);
}

HttpResponse json_answer(const Json& json) {
    HttpResponse answer;
    answer.body = to_text(json);
    return answer;
}

}  // namespace

Json ClusterLinks::ask(const std::string& host_id, const char* what, const Json& body, const Limit& limit) {
    const auto host = hosts_.find(host_id, limit);
    if (!host) throw Error(ErrorKind::not_found, "there is no host " + host_id);
    HttpRequest request;
    request.method = "POST";
    request.path = std::string(kLinksPath) + what;
    request.body = to_text(body);
    const auto answer = peers_.send(host_id, peer_address_of(*host), request, limit);
    Json json = parse_json(answer.body);
    if (answer.status != 200)
        throw error_from_api(answer.status, json.value("name", ""), json.value("message", "no reason given"));
    return json;
}

LinkSubscriber ClusterLinks::subscriber(const LinkPlace& link, const Limit& limit) {
    if (link.subscriber_host == host_id_) return ask_subscriber(runtime_, link, limit);
    return link_subscriber_from_json(ask(link.subscriber_host, "subscriber", {{"link", to_json(link)}}, limit));
}

std::optional<LinkTransaction> ClusterLinks::first_waiting(const LinkPlace& link, const std::string& slot,
                                                           const std::string& after, const Limit& limit) {
    if (link.provider_host == host_id_) return ask_provider(runtime_, link, slot, after, limit);
    const Json answer =
        ask(link.provider_host, "waiting", {{"link", to_json(link)}, {"slot", slot}, {"after", after}}, limit);
    JsonFields fields(answer, "answer");
    const Json* transaction = fields.find("transaction");
    return transaction ? std::optional(link_transaction_from_json(*transaction)) : std::nullopt;
}

void ClusterLinks::skip(const Json& arguments, StepContext& context) {
    JsonFields fields(arguments, "arguments");
    const LinkPlace link = link_place_from_json(fields.object("link"));
    const LinkTransaction wanted = link_transaction_from_json(fields.object("transaction"));
    const Limit& limit = context.limit;
    auto session = connect_locally(runtime_, link.subscriber_instance, link.database_name, limit);
    const auto now = ask_subscriber(session, link, limit);
    if (!now.exists)
        throw Error(ErrorKind::not_found, "subscription " + link.subscription + " is not there",
                    "plan and apply make it again");
    skip_transaction(
        session, ReplicationDialect::of(link.dialect),
        {.subscription = link.subscription,
         .slot = now.slot,
         .transaction = wanted,
         .first_waiting = [&](const std::string& after) { return first_waiting(link, now.slot, after, limit); },
         .tell = context.tell},
        limit);
    if (!wanted.left_out) wait_until_it_goes_on(link, wanted, limit.no_longer_than(kGoesOn));
    context.tell("link " + link.provider + " -> " + link.subscriber + " goes on");
}

void ClusterLinks::wait_until_it_goes_on(const LinkPlace& link, const LinkTransaction& skipped, const Limit& limit) {
    auto session = connect_locally(runtime_, link.subscriber_instance, link.database_name, limit);
    const auto paths = server_of(runtime_, link.subscriber_instance).paths;
    constexpr auto kNotNow = Limit::Clock::time_point::max();
    auto replicating_since = kNotNow;
    std::string status;
    for (;;) {
        const auto now = ask_subscriber(session, link, limit);
        status = now.status;
        if (lsn_number(now.origin_lsn) > lsn_number(skipped.end_lsn)) return;
        if (status != "replicating")
            replicating_since = kNotNow;
        else if (replicating_since == kNotNow)
            replicating_since = Limit::Clock::now();
        if (replicating_since != kNotNow && Limit::Clock::now() - replicating_since >= kSteady) return;
        for (const auto& failure : apply_failures(last_log_lines(paths, kLogLines)))
            if (failure.subscription == link.subscription &&
                lsn_number(failure.commit_lsn) > lsn_number(skipped.commit_lsn))
                throw Error(
                    ErrorKind::failed,
                    fmt::format("transaction {} was skipped, and the link stops again at transaction {} (commit "
                                "{}): {}",
                                skipped.xid, failure.xid, failure.commit_lsn, failure.error),
                    "look at it: pgedgectl db link show");
        within(fmt::format("waiting for subscription {} to go on; it is \"{}\"", link.subscription, status),
               [&] { limit.check("waiting"); });
        limit.pause(kPoll);
    }
}

void ClusterLinks::add_peer_routes(Api& agents, Runtime& runtime) {
    agents.add(Role::agent, "POST", std::string(kLinksPath) + "subscriber",
               [&runtime](const HttpRequest& request, const PathParameters&) {
                   const Json body = parse_json(request.body);
                   JsonFields fields(body, "body");
                   const auto link = link_place_from_json(fields.object("link"));
                   return json_answer(to_json(ask_subscriber(runtime, link, Limit(kPeerLimit))));
               });
    agents.add(Role::agent, "POST", std::string(kLinksPath) + "waiting",
               [&runtime](const HttpRequest& request, const PathParameters&) {
                   const Json body = parse_json(request.body);
                   JsonFields fields(body, "body");
                   const auto link = link_place_from_json(fields.object("link"));
                   const auto found =
                       ask_provider(runtime, link, fields.text("slot"), fields.text("after"), Limit(kPeerLimit));
                   return json_answer(found ? Json{{"transaction", to_json(*found)}} : Json::object());
               });
}

}  // namespace pgedge

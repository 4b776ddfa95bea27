#include <algorithm>

#include <fmt/format.h>

#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/decode_error.hpp"
#include "agent/run/link_places.hpp"
#include "common/api/shapes.hpp"
#include "common/model/link_health.hpp"

namespace pgedge {
namespace {

using LinkPlaces = std::map<std::string, LinkPlace>;

/// The links of the database that the path names, after a check that there is one.
LinkPlaces link_places_of(const ApiCall& call) {
    const std::string& id = call.variable("database_id");
    if (!call.databases().find(id, call.limit)) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
    return link_places(call.databases().resources(id, call.limit));
}

/// What the last look saw of a link; nullopt: nothing, or its subscription is not there.
std::optional<SubscriptionStatus> seen_of(const std::vector<Instance>& instances, const LinkPlace& place,
                                          WallTime now) {
    for (const auto& instance : instances) {
        const auto* status = instance.id == place.subscriber_instance ? current_status(instance, now) : nullptr;
        if (!status) continue;
        for (const auto& subscription : status->subscriptions)
            if (subscription.name == place.subscription) return subscription;
    }
    return std::nullopt;
}

ShownLink shown_link(const LinkPlace& place, const std::optional<SubscriptionStatus>& seen) {
    if (seen) return {place, *seen};
    SubscriptionStatus unseen;
    unseen.provider_node = place.provider;
    unseen.name = place.subscription;
    unseen.status = "unknown";
    return {place, unseen};
}

std::vector<Instance> instances_of(const ApiCall& call) {
    auto instances = call.databases().instances(call.variable("database_id"), call.limit);
    fill_in_lags(instances);
    return instances;
}

HttpResponse list_links(const ApiCall& call) {
    const auto places = link_places_of(call);
    const auto instances = instances_of(call);
    std::vector<ShownLink> links;
    for (const auto& [name, place] : places) links.push_back(shown_link(place, seen_of(instances, place, call.now())));
    return json_response(list_json("links", link_summary_shape(), links));
}

/// Transactions that the subscriber does not apply, or has left out: of a link that stands, the first that waits.
std::vector<LinkTransaction> transactions_of(const ApiCall& call, const LinkPlace& place,
                                             const std::optional<SubscriptionStatus>& seen,
                                             const LinkSubscriber& subscriber) {
    auto transactions = subscriber.left_out;
    const bool runs = subscriber.status == "replicating" && (!seen || link_state(*seen) == "replicating");
    if (place.dialect == "spock" || runs || subscriber.slot.empty()) return transactions;
    if (auto first = call.cluster->links.first_waiting(place, subscriber.slot, subscriber.origin_lsn, call.limit)) {
        if (seen && seen->failure && seen->failure->commit_lsn == first->commit_lsn)
            first->error = seen->failure->error;
        transactions.push_back(*std::move(first));
    }
    return transactions;
}

HttpResponse show_link(const ApiCall& call) {
    const auto places = link_places_of(call);
    const auto& place = find_link(places, call.variable("link"));
    const auto seen = seen_of(instances_of(call), place, call.now());
    const auto subscriber = call.cluster->links.subscriber(place, call.limit);
    ShownLink shown = shown_link(place, seen);
    if (!subscriber.exists)
        shown.seen.status = "missing";
    else if (!seen)
        shown.seen.status = subscriber.status;
    shown.transactions = transactions_of(call, place, seen, subscriber);
    return json_response(link_shape().write(shown));
}

std::string needed_text(const Json& body, const char* name) {
    const auto found = body.find(name);
    if (found == body.end()) throw missing_field(name, "body");
    if (!found->is_string()) throw invalid_field_type(std::string("body.") + name, to_text(*found), "string");
    return found->get<std::string>();
}

/// The caller names the transaction that he saw; another one is never left out in its place.
HttpResponse skip(const ApiCall& call) {
    const Json body = call.body();
    const auto xid = needed_text(body, "xid");
    const auto commit_lsn = body.contains("commit_lsn") ? needed_text(body, "commit_lsn") : std::string();
    const auto places = link_places_of(call);
    const auto& place = find_link(places, call.variable("link"));
    const auto seen = seen_of(instances_of(call), place, call.now());
    const auto subscriber = call.cluster->links.subscriber(place, call.limit);
    const auto all = transactions_of(call, place, seen, subscriber);
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& each) { return each.xid == xid && each.commit_lsn == commit_lsn; });
    if (found == all.end())
        throw Error(ErrorKind::conflict,
                    fmt::format("link {} does not stand at transaction {}{}: {}", place.subscription, xid,
                                commit_lsn.empty() ? "" : ", commit " + commit_lsn,
                                all.empty() ? "it stands at none"
                                            : fmt::format("it stands at {}, commit {}", all.front().xid,
                                                          all.front().commit_lsn)),
                    "look again and name the transaction that is shown");
    LinkTransaction named = *found;
    named.rows.clear();  // they are nobody's business but the servers'
    named.tables.clear();
    const auto task = call.cluster->operations.begin(
        call.variable("database_id"),
        {.type = std::string(kSkipTransaction),
         .kind = std::string(kSkipTransaction),
         .host_id = place.subscriber_host,
         .node_name = place.subscriber,
         .instance_id = place.subscriber_instance,
         .arguments = {{"link", to_json(place)}, {"transaction", to_json(named)}},
         .about = fmt::format("transaction {} of {} ({}, {} changes) is to be left out on {}", named.xid,
                              place.provider, named.committed_at, named.changes, place.subscriber)},
        call.limit);
    return json_response({{"task", task_shape().write(task)}});
}

const ApiParameter kLink{"link", ApiParameterType::text, "Its name: sub_n1_n2, or n1-n2"};

}  // namespace

std::vector<ApiRoute> link_routes() {
    return {
        {.method = "GET",
         .path = "/v1/databases/{database_id}/links",
         .id = "list-links",
         .summary = "The links between the nodes of a database, and how they are",
         .role = Role::read,
         .parameters = {kDatabaseParameter},
         .answer = "ListLinksResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = list_links},
        {.method = "GET",
         .path = "/v1/databases/{database_id}/links/{link}",
         .id = "get-link",
         .summary = "One link, with the transaction that stops it",
         .role = Role::read,
         .parameters = {kDatabaseParameter, kLink},
         .answer = "Link",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "unreachable"},
         .at_most = std::chrono::seconds(60),
         .run = show_link},
        {.method = "POST",
         .path = "/v1/databases/{database_id}/links/{link}/skip",
         .id = "skip-transaction",
         .summary = "Leave the transaction that stops a link out on its subscriber: its changes are lost there",
         .role = Role::operate,
         .parameters = {kDatabaseParameter, kLink},
         .body = "SkipTransactionRequest",
         .answer = "SkipTransactionResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "operation_already_in_progress",
                    "conflict", "unreachable"},
         .at_most = std::chrono::seconds(60),
         .run = skip},
    };
}

}  // namespace pgedge

#include "common/model/link_transaction.hpp"

#include <utility>

#include "common/base/json_fields.hpp"

namespace pgedge {
namespace {

Json to_json(const LinkChange& change) {
    return {{"action", change.action}, {"table", change.table}, {"row", change.row}, {"sql", change.sql}};
}

LinkChange change_from_json(const Json& json) {
    JsonFields fields(json, "change");
    LinkChange change;
    change.action = fields.text("action");
    change.table = fields.text("table");
    change.row = fields.text("row");
    change.sql = fields.text("sql");
    return change;
}

}  // namespace

Json to_json(const LinkPlace& place) {
    return {{"subscription", place.subscription},
            {"provider", place.provider},
            {"subscriber", place.subscriber},
            {"provider_host", place.provider_host},
            {"subscriber_host", place.subscriber_host},
            {"provider_instance", place.provider_instance},
            {"subscriber_instance", place.subscriber_instance},
            {"database_name", place.database_name},
            {"dialect", place.dialect}};
}

LinkPlace link_place_from_json(const Json& json) {
    JsonFields fields(json, "link");
    LinkPlace place;
    const std::pair<const char*, std::string*> texts[] = {{"subscription", &place.subscription},
                                                          {"provider", &place.provider},
                                                          {"subscriber", &place.subscriber},
                                                          {"provider_host", &place.provider_host},
                                                          {"subscriber_host", &place.subscriber_host},
                                                          {"provider_instance", &place.provider_instance},
                                                          {"subscriber_instance", &place.subscriber_instance},
                                                          {"database_name", &place.database_name},
                                                          {"dialect", &place.dialect}};
    for (const auto& [name, into] : texts) *into = fields.text(name);
    return place;
}

Json to_json(const LinkTransaction& transaction) {
    Json rows = Json::array();
    for (const auto& row : transaction.rows) rows.push_back(to_json(row));
    return {{"xid", transaction.xid},         {"commit_lsn", transaction.commit_lsn},
            {"end_lsn", transaction.end_lsn}, {"committed_at", transaction.committed_at},
            {"error", transaction.error},     {"left_out", transaction.left_out},
            {"changes", transaction.changes}, {"tables", transaction.tables},
            {"rows", std::move(rows)}};
}

LinkTransaction link_transaction_from_json(const Json& json) {
    JsonFields fields(json, "transaction");
    LinkTransaction transaction;
    transaction.xid = fields.text("xid");
    transaction.commit_lsn = fields.text("commit_lsn");
    transaction.end_lsn = fields.text("end_lsn");
    transaction.committed_at = fields.text("committed_at");
    transaction.error = fields.text("error");
    transaction.left_out = fields.flag("left_out");
    transaction.changes = fields.integer("changes");
    transaction.tables = fields.texts("tables");
    for (const auto& row : fields.list("rows")) transaction.rows.push_back(change_from_json(row));
    return transaction;
}

Json to_json(const LinkSubscriber& subscriber) {
    Json left_out = Json::array();
    for (const auto& transaction : subscriber.left_out) left_out.push_back(to_json(transaction));
    return {{"slot", subscriber.slot},       {"status", subscriber.status}, {"origin_lsn", subscriber.origin_lsn},
            {"enabled", subscriber.enabled}, {"exists", subscriber.exists}, {"left_out", std::move(left_out)}};
}

LinkSubscriber link_subscriber_from_json(const Json& json) {
    JsonFields fields(json, "subscriber");
    LinkSubscriber subscriber;
    subscriber.slot = fields.text("slot");
    subscriber.status = fields.text("status");
    subscriber.origin_lsn = fields.text("origin_lsn");
    subscriber.enabled = fields.flag("enabled");
    subscriber.exists = fields.flag("exists");
    for (const auto& one : fields.list("left_out")) subscriber.left_out.push_back(link_transaction_from_json(one));
    return subscriber;
}

}  // namespace pgedge

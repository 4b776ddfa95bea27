#include "common/api/shapes.hpp"
#include "common/model/link_health.hpp"

namespace pgedge {
namespace {

using namespace schema;

using Text = std::optional<std::string>;
using Number = std::optional<std::int64_t>;
using Time = std::optional<WallTime>;

/// A field that is there only while the link fails.
template <class Member>
auto of_failure(Member LinkFailure::*member) {
    return [member](const SubscriptionStatus& seen) {
        return seen.failure ? std::optional((*seen.failure).*member) : std::nullopt;
    };
}
/// The same, and left out when it is not known.
auto of_failure_if_known(std::string LinkFailure::*member) {
    return [member](const SubscriptionStatus& seen) { return seen.failure ? (*seen.failure).*member : std::string(); };
}
template <class Member>
auto of_discarded(Member DiscardedTransactions::*member) {
    return [member](const SubscriptionStatus& seen) {
        return seen.discarded ? std::optional((*seen.discarded).*member) : std::nullopt;
    };
}

/// `state` does not change between two tries of a link that has stopped, while `status` is the extension's own word.
/// What is missing is neither disabled nor stopped, whatever was seen of it earlier.
std::string state_if_it_says_more(const SubscriptionStatus& seen) {
    const auto state = link_state(seen);
    return state == seen.status || seen.status == "missing" ? "" : state;
}
Text error_of_link(const SubscriptionStatus& seen) {
    if (seen.failure) return seen.failure->error;
    return seen.discarded ? Text(seen.discarded->last_error) : std::nullopt;
}
/// How much is kept is told when it matters: for links that do not run.
const SlotStatus* slot_that_matters(const SubscriptionStatus& seen) {
    const auto& slot = seen.at_provider;
    return slot && (slot->wal_status != "reserved" || error_of_link(seen)) ? &*slot : nullptr;
}

Text error_of_failure(const SubscriptionStatus& seen) {
    return seen.failure ? Text(seen.failure->error) : std::nullopt;
}
/// The first of them that is there.
void read_since(const AnswerFields& fields, SubscriptionAnswer& answer) {
    for (const char* name : {"stopped_since", "discarded_since", "down_since"})
        if (answer.since.empty()) answer.since = fields.text(name);
}
void read_state(const AnswerFields& fields, SubscriptionAnswer& answer) {
    const auto state = fields.text("state");
    answer.state = state.empty() ? fields.text("status") : state;
}

const std::string kNode = "^n[0-9]+$";

/// What instances and links say of a subscription after its ends, name and status.
Shape<SubscriptionStatus, SubscriptionAnswer> health_of_subscription() {
    using From = SubscriptionStatus;
    using Into = SubscriptionAnswer;
    Shape<From, Into> shape("", "subscription");
    shape
        .may("lag_bytes", integer("WAL of the provider that is not yet confirmed here"), &From::lag_bytes,
             &Into::lag_bytes)
        .may("state",
             one_of({"stopped", "disabled", "discarding"},
                    "Where it says more than `status`, which changes at every try"),
             state_if_it_says_more, read_state)
        .may("enabled", boolean("false: somebody has disabled it"),
             [](const From& seen) { return seen.enabled ? std::nullopt : std::optional(false); })
        .may("down_since", time_text(), &From::down_since, read_since)
        .may("stopped_since", time_text("The first look that saw its apply worker fail"),
             of_failure(&LinkFailure::since))
        .may("error", text("Why it does not go on, in the server's words"), error_of_failure, &Into::error)
        .may("failed_action", text("What failed: INSERT into public.t"), of_failure_if_known(&LinkFailure::action))
        .may("failed_commit_lsn", text("The transaction that failed, on the provider"),
             of_failure_if_known(&LinkFailure::commit_lsn))
        .may("failed_xid", text(), of_failure_if_known(&LinkFailure::xid))
        .may("failed_committed_at", text("As the server wrote it"), of_failure_if_known(&LinkFailure::committed_at))
        .may("discarded_transactions", integer("Spock: left out here, and not acknowledged"),
             of_discarded(&DiscardedTransactions::transactions))
        .may("discarded_rows", integer(), of_discarded(&DiscardedTransactions::rows))
        .may("discarded_since", time_text(), of_discarded(&DiscardedTransactions::since))
        .or_here("error", error_of_link)
        .may(
            "kept_wal_bytes", integer("WAL that the provider keeps for it"),
            [](const From& seen) {
                const auto* slot = slot_that_matters(seen);
                return slot ? Number(slot->kept_bytes) : std::nullopt;
            },
            &Into::kept_wal_bytes)
        .may("wal_status", text("Of its slot: reserved, extended, unreserved, lost"),
             [](const From& seen) {
                 const auto* slot = slot_that_matters(seen);
                 return slot ? slot->wal_status : std::string();
             })
        .may("safe_wal_bytes", integer("WAL to come before its slot is lost"), [](const From& seen) {
            const auto* slot = slot_that_matters(seen);
            return slot ? slot->safe_bytes : std::nullopt;
        });
    return shape;
}

/// As a part of an instance.
Shape<SubscriptionStatus, SubscriptionAnswer> make_subscription_shape() {
    using From = SubscriptionStatus;
    using Into = SubscriptionAnswer;
    Shape<From, Into> shape("InstanceSubscription", "subscription");
    shape.must("provider_node", text_like(kNode), &From::provider_node, &Into::provider_node)
        .must("name", text(), &From::name, &Into::name)
        .must("status", text(), &From::status, &Into::status)
        .include(health_of_subscription());
    return shape;
}

const Shape<LinkChange, LinkChange>& change_shape() {
    static const auto shape =
        Shape<LinkChange, LinkChange>("LinkChange", "change")
            .must("action", text("INSERT, UPDATE, DELETE, TRUNCATE, DDL …"), &LinkChange::action,
                  needed(&LinkChange::action))
            .may("table", text(), &LinkChange::table, &LinkChange::table)
            .may("row", text("As JSON; of DDL the command; not there when it is very long"), &LinkChange::row,
                 &LinkChange::row)
            .may("sql", text("A statement that does the same on the subscriber"), &LinkChange::sql, &LinkChange::sql);
    return shape;
}

const Shape<LinkTransaction, LinkTransaction>& transaction_shape() {
    using It = LinkTransaction;
    static const auto shape =
        Shape<It, It>("LinkTransaction", "transaction")
            .must("xid", text("On the provider"), &It::xid, needed(&It::xid))
            .may("commit_lsn", text("On the provider"), &It::commit_lsn, &It::commit_lsn)
            .may("end_lsn", text(), &It::end_lsn, &It::end_lsn)
            .may("committed_at", text("As the server writes it"), &It::committed_at, &It::committed_at)
            .may("error", text(), &It::error, &It::error)
            .must("left_out", boolean("It is lost on the subscriber already"), &It::left_out, &It::left_out)
            .must("changes", integer("All of them"), &It::changes, &It::changes)
            .must("tables", list_of(text("INSERT public.t: 3")), &It::tables, &It::tables)
            .list(true, "rows", change_shape(), &It::rows, &It::rows);
    return shape;
}

Shape<ShownLink, LinkAnswer> make_link_shape(const char* name) {
    using Into = LinkAnswer;
    Shape<ShownLink, Into> shape(name, "link");
    shape.must("name", text(), &SubscriptionStatus::name, needed(&Into::name))
        .must("provider_node", text_like(kNode), &SubscriptionStatus::provider_node, needed(&Into::provider_node))
        .must("subscriber_node", text_like(kNode), &LinkPlace::subscriber, needed(&Into::subscriber_node))
        .may("dialect", one_of({"spock", "pglogical"}), always(&LinkPlace::dialect), &Into::dialect)
        .must("status", text(), &SubscriptionStatus::status, &Into::status)
        .include(health_of_subscription());
    return shape;
}

}  // namespace

const Shape<SubscriptionStatus, SubscriptionAnswer>& subscription_shape() {
    static const auto shape = make_subscription_shape();
    return shape;
}

const Shape<ShownLink, LinkAnswer>& link_summary_shape() {
    static const auto shape = make_link_shape("LinkSummary");
    return shape;
}

const Shape<ShownLink, LinkAnswer>& link_shape() {
    static const auto shape = make_link_shape("Link").list(true, "transactions", transaction_shape(),
                                                           &ShownLink::transactions, &LinkAnswer::transactions);
    return shape;
}

}  // namespace pgedge

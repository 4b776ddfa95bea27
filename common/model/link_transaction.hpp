#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/json.hpp"

namespace pgedge {

/// One link of a database and where its two ends are.
struct LinkPlace {
    std::string subscription;                    ///< "sub_n1_n2"
    std::string provider, subscriber;            ///< nodes
    std::string provider_host, subscriber_host;  ///< of their primaries
    std::string provider_instance, subscriber_instance;
    std::string database_name, dialect;
};

/// One change of a transaction.
struct LinkChange {
    std::string action;  ///< INSERT, UPDATE, DELETE, TRUNCATE, DDL …
    std::string table;   ///< "public.t"; of DDL empty
    std::string row;     ///< the row as JSON, or the command of DDL; empty when it is too long to be shown
    std::string sql;     ///< a statement that does the same here; empty: there is no easy one
};

/// A transaction that a subscriber does not apply, or that Spock left out there.
struct LinkTransaction {
    std::string xid;                  ///< on the provider
    std::string commit_lsn, end_lsn;  ///< on the provider; empty for one that is left out already
    std::string committed_at;         ///< as the server writes it
    std::string error;                ///< why; empty: see the link
    bool left_out = false;            ///< it is lost here already: skipping it acknowledges that
    std::int64_t changes = 0;         ///< all of them
    std::vector<std::string> tables;  ///< "INSERT public.t: 3", at most kMostTables
    std::vector<LinkChange> rows;     ///< the first kMostRows changes

    static constexpr int kMostRows = 100, kMostTables = 50, kMostRowBytes = 8192;
};

/// What a subscriber knows of a link.
struct LinkSubscriber {
    std::string slot, status, origin_lsn;
    bool enabled = false, exists = false;
    std::vector<LinkTransaction> left_out;  ///< Spock: not acknowledged yet, oldest first, at most kMostLeftOut
    static constexpr int kMostLeftOut = 20;
};

Json to_json(const LinkPlace& place);
LinkPlace link_place_from_json(const Json& json);  ///< throws Error{invalid_input}
Json to_json(const LinkTransaction& transaction);
LinkTransaction link_transaction_from_json(const Json& json);  ///< throws Error{invalid_input}
Json to_json(const LinkSubscriber& subscriber);
LinkSubscriber link_subscriber_from_json(const Json& json);  ///< throws Error{invalid_input}

}  // namespace pgedge

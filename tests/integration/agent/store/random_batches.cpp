#include "tests/integration/agent/store/random_batches.hpp"

#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"

namespace pgedge {
namespace {

/// ? is any value, :n a name, :i a number; each becomes a parameter.
constexpr std::array kOrdinary{
    "INSERT INTO secret(name, database_id, sealed, updated_at) VALUES (:n, :n, ?, :i)",
    "INSERT OR REPLACE INTO secret(name, sealed, updated_at) VALUES (:n, ?, :i)",
    "INSERT OR IGNORE INTO secret(name, sealed, updated_at) VALUES (:n, ?, ?)",
    "REPLACE INTO secret(name, sealed, updated_at) VALUES (:n, x'00', :i)",
    "INSERT INTO secret(name, sealed, updated_at) VALUES (:n, ?, :i) ON CONFLICT(name) DO UPDATE SET "
    "updated_at = excluded.updated_at + 1",
    "INSERT INTO secret(name, sealed, updated_at) SELECT name || :n, sealed, updated_at + 1 FROM secret "
    "WHERE length(name) < 12 ORDER BY updated_at, name LIMIT 3",
    "INSERT OR IGNORE INTO secret(name, sealed, updated_at) SELECT substr(name, 2), quote(sealed), :i FROM secret",
    "INSERT OR IGNORE INTO secret(name, sealed, updated_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
    "FROM n WHERE i < 20) SELECT printf('%s-%d', :n, i), zeroblob(i), i FROM n",
    "UPDATE secret SET updated_at = (SELECT coalesce(max(updated_at), 0) % 1000 + 1 FROM secret WHERE name < :n) "
    "WHERE name > :n",
    "UPDATE secret SET updated_at = (SELECT count(*) FROM host) + length(sealed), sealed = hex(sealed) WHERE name = :n",
    "UPDATE secret SET sealed = ? WHERE name GLOB substr(:n, 1, 1) || '*'",
    "UPDATE secret SET updated_at = updated_at * 1.1 WHERE typeof(updated_at) <> 'text'",
    "UPDATE secret SET updated_at = round(updated_at / 3.0, 2), sealed = printf('%.12g', updated_at) WHERE name < :n",
    "UPDATE OR REPLACE secret SET name = :n WHERE name = :n",
    "UPDATE OR IGNORE secret SET name = upper(name) WHERE updated_at > :i",
    "DELETE FROM secret WHERE name IN (SELECT name FROM secret ORDER BY updated_at DESC, name LIMIT 5)",
    "DELETE FROM secret WHERE name = :n",
    "DELETE FROM secret WHERE (SELECT count(*) FROM secret) > 200",
    "INSERT INTO host(id, node_id, facts, joined_at) VALUES (:n, :n, json_object('a', :i, 'b', json_array(:i, :n)), "
    ":i)",
    "UPDATE host SET facts = json_set(facts, '$.b[0]', :i, '$.c', :n), voter = 1 - voter WHERE id >= :n",
    "UPDATE host SET facts = json_remove(json_patch(facts, '{\"d\": 1}'), '$.a') WHERE json_valid(facts)",
    "INSERT INTO host_status(host_id, components, updated_at) VALUES (:n, ?, :i)",
    "DELETE FROM host WHERE id = :n",
    "INSERT INTO database(id, state, dialect, spec, revision, created_at, updated_at) VALUES (:n, ?, :n, :n, :i, :i, "
    ":i)",
    "INSERT INTO instance(id, database_id, node_name, host_id, state, listen_port, created_at, updated_at) "
    "VALUES (:n, :n, :n, :n, :n, :i % 50, :i, :i)",
    "UPDATE instance SET listen_port = listen_port + 1",
    "DELETE FROM database WHERE id < :n",
    "INSERT INTO task(id, scope, entity_id, type, status, database_id, created_at) VALUES (:n, 'a', :n, 'b', 'c', :n, "
    ":i)",
    "UPDATE task SET open = 0, completed_at = :i WHERE id <> :n",
    "INSERT INTO step(task_id, id, position, host_id, status) SELECT id, :n, row_number() OVER (ORDER BY id DESC), :n, "
    "'pending' FROM task",
    "INSERT INTO task_log(id, task_id, at, message, fields) VALUES (:n, :n, :i, ?, '{}')",
    "INSERT INTO lease(name, epoch, holder, host, incarnation, hold_ms) VALUES (:n, 1, :n, :n, :n, :i)",
    "UPDATE lease SET epoch = epoch + 1, holder = :n WHERE name = :n AND epoch < 5",
    "INSERT INTO beat(host, incarnation, n, taken) VALUES (:n, :n, 1, 0) ON CONFLICT(host) DO UPDATE SET n = n + 1",
    "INSERT INTO resource(database_id, kind, name, host_id, body) SELECT id, 'k', :n, :n, ? FROM database",
    "INSERT INTO join_token(token_hash, token, created_at, expires_at) VALUES (:n, ?, :i, ?)",
    "SELECT * FROM secret",
    "SELECT name, sum(updated_at), avg(length(sealed)), total(updated_at) FROM secret GROUP BY length(name)",
    "SELECT d.id, i.id FROM database d LEFT JOIN instance i ON i.database_id = d.id",
    "SELECT key, value FROM host, json_each(facts)",
    "WITH a AS (SELECT * FROM secret) SELECT count(*), min(name), max(updated_at) FROM a",
    "VALUES (:n, ?), (:i, NULL)",
};
/// What is refused, or had better be.
constexpr std::array kOdd{
    "INSERT INTO secret(name, sealed, updated_at) VALUES (:n, randomblob(8), 1)",
    "UPDATE secret SET updated_at = random()",
    "UPDATE secret SET updated_at = unixepoch('now')",
    "INSERT INTO secret(name, sealed, updated_at) VALUES (CURRENT_TIMESTAMP, x'00', 1)",
    "UPDATE secret SET updated_at = changes() + last_insert_rowid() + total_changes()",
    "SELECT sqlite_version(), sqlite_source_id()",
    "INSERT INTO secret(rowid, name, sealed, updated_at) VALUES (:i, :n, ?, 1)",
    "INSERT INTO secret(rowid, name, sealed, updated_at) VALUES (9223372036854775807, :n, ?, 1)",
    "UPDATE secret SET rowid = 9223372036854775807 WHERE name = (SELECT max(name) FROM secret)",
    "UPDATE secret SET rowid = :i WHERE name = :n",
    "INSERT INTO secret(name, sealed, updated_at) VALUES (:n, zeroblob(900000000), 1)",
    "UPDATE secret SET sealed = printf('%90000000d', 1) WHERE name = :n",
    "INSERT INTO change(kind, name) VALUES ('secret', :n)",
    "DELETE FROM change",
    "UPDATE change SET rev = 9223372036854775807 WHERE rev = (SELECT max(rev) FROM change)",
    "DELETE FROM op",
    "INSERT INTO op(seq, id, failure, result) VALUES (9223372036854775807, :n, '', x'')",
    "UPDATE applied_entry SET entry = entry + 1000",
    "DELETE FROM applied_entry",
    "DELETE FROM schema_version",
    "INSERT INTO schema_version(version) VALUES (900)",
    "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    "DELETE FROM sqlite_sequence",
    "UPDATE sqlite_schema SET sql = ''",
    "PRAGMA user_version = 7",
    "ATTACH ':memory:' AS other",
    "CREATE TABLE mine(a)",
    "DROP TABLE secret",
    "COMMIT",
    "ROLLBACK TO one",
    "RELEASE one",
    "SAVEPOINT two",
    "VACUUM",
    "ANALYZE",
    "INSERT OR ROLLBACK INTO secret(name, sealed, updated_at) VALUES (:n, x'00', 1)",
    "INSERT OR FAIL INTO secret(name, sealed, updated_at) SELECT name, sealed, 1 FROM secret",
    "INSERT INTO secret(name, sealed, updated_at) VALUES (:n, x'00', 1) RETURNING *",
    "DELETE FROM secret; DELETE FROM host",
    "SELEKT 1",
    "SELECT * FROM nothing",
    "UPDATE secret SET nothing = ?",
    "SELECT ?7, :n",
    "SELECT abs(-9223372036854775808)",
    "SELECT json('{')",
    "SELECT load_extension('x')",
    "SELECT rowid FROM secret WHERE name LIKE :n",
    "",
};

}  // namespace

std::string RandomBatches::name() {
    static const std::array<std::string, 6> kStrange{"", "Ünïcode", "a'b\"c", "%d", std::string(300, 'l'), "\xff\xfe"};
    return pick(30) == 0 ? one_of(kStrange) : fmt::format("{}{}", static_cast<char>('a' + pick(4)), pick(12));
}

std::int64_t RandomBatches::number() {
    constexpr std::array<std::int64_t, 6> kStrange{0,
                                                   -1,
                                                   1LL << 40,
                                                   std::numeric_limits<std::int64_t>::max(),
                                                   std::numeric_limits<std::int64_t>::min(),
                                                   4611686018427387904};
    return pick(15) == 0 ? one_of(kStrange) : static_cast<std::int64_t>(pick(1000));
}

SqlValue RandomBatches::value() {
    switch (pick(8)) {
        case 0: return nullptr;
        case 1: return number();
        case 2: return static_cast<double>(number()) / 7;
        case 3: return pick(2) == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
        case 4: return name();
        case 5: return Blob{std::string(pick(3) == 0 ? 5000 : pick(40), static_cast<char>(pick(256)))};
        default: return Blob{name()};
    }
}

Statement RandomBatches::filled(std::string sql) {
    Statement statement;
    for (std::size_t i = 0; i < sql.size(); ++i) {
        const bool named = sql[i] == ':' && i + 1 < sql.size() && (sql[i + 1] == 'n' || sql[i + 1] == 'i');
        if (sql[i] != '?' && !named) {
            statement.sql += sql[i];
            continue;
        }
        statement.sql += '?';
        if (!named)
            statement.args.push_back(value());
        else if (sql[++i] == 'n')
            statement.args.emplace_back(name());
        else
            statement.args.emplace_back(number());
    }
    if (pick(40) == 0) statement.args.push_back(value());  // one too many
    if (pick(6) == 0) statement.expect = static_cast<std::int64_t>(pick(3));
    return statement;
}

Statement RandomBatches::statement() { return filled(pick(12) == 0 ? one_of(kOdd) : one_of(kOrdinary)); }

Transaction RandomBatches::transaction() {
    if (!sent_.empty() && pick(12) == 0) return one_of(sent_);  // its answer was lost
    Transaction made;
    made.id = fmt::format("id-{}", transactions_++);
    made.routine = pick(5) == 0;
    for (std::size_t i = 0, count = 1 + pick(4); i < count; ++i) made.statements.push_back(statement());
    sent_.push_back(made);
    return made;
}

void RandomBatches::step_schema(Batch& batch) {
    if (version_ < newest_schema_version()) {
        batch = schema_step(++version_);
        return;
    }
    if (version_ > newest_schema_version() && pick(3) == 0) {  // it was proposed twice
        batch.schema_version = version_;
        batch.schema = {"CREATE TABLE twice (a INTEGER)"};
        return;
    }
    batch.schema_version = ++version_;
    batch.schema = {
        fmt::format("CREATE TABLE later_{} (name TEXT PRIMARY KEY, a INTEGER NOT NULL DEFAULT 7)", version_),
        fmt::format("INSERT INTO later_{}(name, a) SELECT name, updated_at FROM secret ORDER BY name", version_),
        fmt::format("ALTER TABLE secret ADD COLUMN added_{} INTEGER NOT NULL DEFAULT {}", version_, version_),
        fmt::format("CREATE INDEX later_{0}_a ON later_{0}(a)", version_),
        fmt::format("CREATE TRIGGER later_{0}_t AFTER INSERT ON secret WHEN length(NEW.name) > 3 BEGIN INSERT "
                    "OR IGNORE INTO later_{0}(name) VALUES (NEW.name || NEW.updated_at); END",
                    version_)};
}

Batch RandomBatches::next() {
    Batch batch;
    if (version_ < newest_schema_version() || pick(60) == 0) step_schema(batch);
    batch.proposer = 1 + pick(3);
    batch.number = random_() >> 1;
    if (pick(20) == 0) batch.forget_operations = static_cast<std::int64_t>(pick(500));
    if (pick(20) == 0) batch.forget_changes = static_cast<std::int64_t>(pick(2000));
    for (std::size_t i = 0, count = pick(8); i < count; ++i) batch.transactions.push_back(transaction());
    return batch;
}

}  // namespace pgedge

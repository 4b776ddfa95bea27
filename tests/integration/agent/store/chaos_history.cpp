#include "tests/integration/agent/store/chaos_history.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

/// Rows that an asker leaves in the store.
constexpr std::size_t kMostRows = 60;
constexpr std::size_t kMostComplaints = 20;

Statement insert_of(const std::string& row, std::string bytes) {
    return {.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, ?, 0)",
            .args = {row, Blob{std::move(bytes)}}};
}

Statement raise_of(const std::string& row) {
    return {.sql = "UPDATE secret SET updated_at = updated_at + 1 WHERE name = ?", .args = {row}, .expect = 1};
}

}  // namespace

void History::note(const std::string& row, Known known) {
    if (known != Known::maybe) ++acknowledged_;
    const std::lock_guard lock(mutex_);
    rows_[row] = known;
}

void History::raised(int counter, std::int64_t value, bool acknowledged) {
    if (acknowledged) ++acknowledged_;
    const std::lock_guard lock(mutex_);
    auto& times = raised_[{counter, value}];
    ++(acknowledged ? times.first : times.second);
}

void History::complain(std::string what) {
    const std::lock_guard lock(mutex_);
    if (complaints_.size() < kMostComplaints) complaints_.push_back(std::move(what));
}

std::vector<std::string> History::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
}

void History::check(Store& store) {
    std::set<std::string> there;
    for (const auto& row : store.read({.sql = "SELECT name FROM secret"}, Freshness::leader, Limit(30s)))
        there.insert(row.text(0));
    check_rows(there);
    for (int number = 0; number < kCounters; ++number) {
        const auto rows = store.read({.sql = "SELECT updated_at FROM secret WHERE name = ?", .args = {counter(number)}},
                                     Freshness::leader, Limit(30s));
        check_counter(number, rows.at(0).integer(0));
    }
}

void History::check_rows(const std::set<std::string>& there) {
    for (const auto& [row, known] : rows_) {
        if (known == Known::present && !there.contains(row)) complain(row + " was acknowledged and is not there");
        if (known == Known::absent && there.contains(row)) complain(row + " is there, but must not");
    }
    for (const auto& row : there)
        if (row.starts_with("row/") && !rows_.contains(row)) complain(row + " is there, and nobody wrote it");
}

/// Each step from one value to the next was made by exactly one.
void History::check_counter(int counter, std::int64_t value) {
    for (const auto& [step, times] : raised_) {
        if (step.first != counter) continue;
        if (times.first > 1)
            complain(
                fmt::format("{} were told that they raised counter {} from {}", times.first, counter, step.second));
        if (times.first > 0 && step.second >= value)
            complain(fmt::format("counter {} was raised from {}, and is {}", counter, step.second, value));
    }
    for (std::int64_t step = 0; step < value; ++step)
        if (!raised_.contains({counter, step}))
            complain(fmt::format("nobody raised counter {} from {}, and it is {}", counter, step, value));
}

Asker::Asker(const Agents& agents, int hosts, int number, const Incarnations& incarnations, History& history,
             std::uint64_t seed)
    : hosts_(hosts), number_(number), incarnations_(incarnations), history_(history), random_(seed) {
    for (int host = 1; host <= hosts; ++host) stores_.push_back(agents.at(host));
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Asker::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            const int choice = pick(100);
            if (choice < 40)
                insert();
            else if (choice < 50)
                remove();
            else if (choice < 70)
                raise();
            else if (choice < 78)
                write_what_is_refused();
            else if (choice < 90)
                read_leader();
            else
                read_local();
        } catch (const Error& error) {
            if (!error.transient())
                history_.complain(fmt::format("asker {} got \"{}\" through host {}", number_, error.text(), through_));
            Limit(10ms, stop).pause(10ms);  // nobody leads, or that host is down
        }
        Limit(3ms, stop).pause(3ms);
    }
}

/// Through one host; when the outcome is not known, sometimes through others again, with the same id.
Asker::End Asker::commit(const Transaction& transaction) {
    for (int attempt = 0;; ++attempt) {
        through_ = 1 + pick(hosts_);
        const int incarnation = incarnations_[static_cast<std::size_t>(through_)];
        try {
            const auto result = stores_[static_cast<std::size_t>(through_) - 1].commit(
                transaction, Limit(std::chrono::milliseconds(300 + pick(3000))));
            if (!result.committed) return End::refused;
            told_[through_] = {inserted_, incarnation};
            return End::committed;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::failed || error.kind() == ErrorKind::internal) return End::failed;
            if (!error.transient()) throw;
        }
        if (attempt == 3 || pick(2) == 0) return End::unknown;
        Limit(20ms).pause(20ms);
    }
}

void Asker::insert() {
    const auto row = fmt::format("row/{}/{}", number_, next_row_++);
    Transaction transaction;
    const auto size = pick(20) == 0 ? 150'000 : pick(200);  // snapshots are taken by bytes, too
    transaction.add(insert_of(row, std::string(static_cast<std::size_t>(size), 'x')));
    transaction.add(raise_of(own_count()));
    history_.note(row, History::Known::maybe);
    switch (commit(transaction)) {
        case End::committed:
            history_.note(row, History::Known::present);
            told_[through_].first = ++inserted_;
            present_.push_back(row);
            break;
        case End::unknown:
            ++perhaps_inserted_;
            perhaps_.insert(row);
            break;
        default: history_.complain(fmt::format("{} was refused through host {}", row, through_));
    }
}

void Asker::remove() {
    if (present_.size() < kMostRows / 2 && (present_.empty() || pick(4) != 0)) return;
    do {
        std::swap(present_[static_cast<std::size_t>(pick(static_cast<int>(present_.size())))], present_.back());
        const auto row = present_.back();
        present_.pop_back();
        Transaction transaction;
        transaction.add(Statement{.sql = "DELETE FROM secret WHERE name = ?", .args = {row}, .expect = 1});
        history_.note(row, History::Known::maybe);
        switch (commit(transaction)) {
            case End::committed: history_.note(row, History::Known::absent); break;
            case End::unknown: break;
            default: history_.complain(fmt::format("{} was acknowledged, and could not be deleted", row));
        }
    } while (present_.size() > kMostRows);
}

void Asker::raise() {
    const int number = pick(History::kCounters);
    through_ = 1 + pick(hosts_);
    const auto rows = stores_[static_cast<std::size_t>(through_) - 1].read(
        {.sql = "SELECT updated_at FROM secret WHERE name = ?", .args = {History::counter(number)}},
        pick(2) == 0 ? Freshness::leader : Freshness::local, Limit(2s));
    if (rows.empty()) return;  // a host that comes again may not have it yet
    const auto value = rows[0].integer(0);
    Transaction transaction;
    transaction.add(Statement{.sql = "UPDATE secret SET updated_at = ? WHERE name = ? AND updated_at = ?",
                              .args = {value + 1, History::counter(number), value},
                              .expect = 1});
    const auto end = commit(transaction);
    if (end == End::committed || end == End::unknown) history_.raised(number, value, end == End::committed);
    if (end == End::failed) history_.complain("raising a counter failed");
}

void Asker::write_what_is_refused() {
    const auto row = fmt::format("row/{}/{}", number_, next_row_++);
    Transaction transaction;
    transaction.add(insert_of(row, "never"));
    switch (pick(4)) {
        case 0:  // a guard
            transaction.add(Statement{.sql = "DELETE FROM secret WHERE name = 'nobody'", .expect = 1});
            break;
        case 1:  // a constraint
            transaction.add(insert_of(History::counter(0), "twice"));
            break;
        case 2:  // a function that has another result elsewhere
            transaction.add(Statement{.sql = "UPDATE secret SET updated_at = random()"});
            break;
        default:  // SQL that is none
            transaction.add(Statement{.sql = "UPDATE secret SET nothing = 1"});
    }
    history_.note(row, History::Known::maybe);
    if (commit(transaction) == End::committed) history_.complain(row + " had to be refused, and was acknowledged");
    history_.note(row, History::Known::absent);
}

std::int64_t Asker::count(Store& store, Freshness freshness, const Limit& limit) const {
    const auto rows =
        store.read({.sql = "SELECT updated_at FROM secret WHERE name = ?", .args = {own_count()}}, freshness, limit);
    return rows.empty() ? -1 : rows[0].integer(0);
}

/// What the leader says holds all that this asker was told, through whichever host it was.
void Asker::read_leader() {
    through_ = 1 + pick(hosts_);
    const auto counted = count(stores_[static_cast<std::size_t>(through_) - 1], Freshness::leader, Limit(3s));
    if (counted < inserted_ || counted > inserted_ + perhaps_inserted_)
        history_.complain(
            fmt::format("asker {} was told of {} inserts, perhaps {} more, and read {} of the leader "
                        "through host {}",
                        number_, inserted_, perhaps_inserted_, counted, through_));
}

/// What an agent itself has told, it does not forget while it runs.
void Asker::read_local() {
    through_ = 1 + pick(hosts_);
    const auto [told, incarnation] = told_[through_];
    const auto counted = count(stores_[static_cast<std::size_t>(through_) - 1], Freshness::local, Limit(3s));
    if (incarnation == incarnations_[static_cast<std::size_t>(through_)] && counted < told)
        history_.complain(fmt::format("asker {} was told of {} inserts by host {}, and read {} of it", number_, told,
                                      through_, counted));
}

void Asker::check(Store& store) const {
    std::int64_t expected = inserted_;
    for (const auto& row :
         store.read({.sql = "SELECT name FROM secret WHERE name GLOB ?", .args = {fmt::format("row/{}/*", number_)}},
                    Freshness::leader, Limit(30s)))
        if (perhaps_.contains(row.text(0))) ++expected;
    if (const auto counted = count(store, Freshness::leader, Limit(30s)); counted != expected)
        history_.complain(
            fmt::format("{} inserts of asker {} happened, and {} were counted", expected, number_, counted));
}

}  // namespace pgedge

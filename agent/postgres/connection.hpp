#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/postgres/session.hpp"
#include "common/base/secret.hpp"

struct pg_conn;
struct pg_result;

namespace pgedge {

struct ConnectOptions {
    std::string host;  ///< address, or the directory of a unix socket
    int port = 5432;
    std::string user = "pgedge";
    std::string database = "postgres";
    Secret password;
    std::map<std::string, std::string>
        more;  ///< other libpq options: sslmode, options …; `port` for several hosts wins
};

/// Of a connection string of libpq: "host=a,b port=1,2 dbname=…". Throws Error{invalid_input}.
ConnectOptions options_of_dsn(const std::string& dsn);

/// A session over libpq. Every wait honours its limit; a statement that is given up is cancelled in the server first.
class Connection final : public Session {
public:
    /// Throws Error{unreachable} when the server does not answer or is on its way up, Error{denied} when it refuses us,
    /// Error{timed_out}. The text never holds the password.
    Connection(const ConnectOptions& options, const Limit& limit);
    ~Connection() override;
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;

    using Session::run;
    ResultSet run(const std::string& sql, const std::vector<PgValue>& parameters, const Limit& limit) override;
    void run_script(const std::string& script, const Limit& limit) override;
    /// Runs one command without parameters, as a replication connection takes it, which has no others.
    ResultSet command(const std::string& text, const Limit& limit);
    /// Carries the rows of `out`, a COPY … TO STDOUT of `from`, to `in`, a COPY … FROM STDIN of `to`. `copied` hears
    /// now and then of how many bytes and rows. Returns the number of rows. After an error both sessions are of no use.
    static std::int64_t copy(Connection& from, const std::string& out, Connection& to, const std::string& in,
                             const std::function<void(std::int64_t bytes, std::int64_t rows)>& copied,
                             const Limit& limit);
    std::string identifier(std::string_view name) const override;
    std::string literal(std::string_view text) const override;
    bool in_transaction() const override;
    bool broken() const;                             ///< needs a new connection
    int server_version() const;                      ///< 150020
    pg_conn* handle() const { return conn_.get(); }  ///< for the rest of agent/postgres

private:
    struct Closer {
        void operator()(pg_conn* conn) const;
    };
    void wait_connected(const Limit& limit);
    void wait_socket(bool writable) const;
    ResultSet collect_answers(const Limit& limit);
    void flush_and_collect(const Limit& limit);
    void begin_copy(const std::string& sql, int expected, const Limit& limit);
    void send_row(const char* row, int size, const Limit& limit);
    void flush(const Limit& limit);
    [[noreturn]] void throw_result(const pg_result* result) const;
    [[noreturn]] void throw_unsent() const;
    void give_up(const Limit& limit);

    std::unique_ptr<pg_conn, Closer> conn_;
    std::string where_;
};

}  // namespace pgedge

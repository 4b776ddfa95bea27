#pragma once

#include <memory>
#include <string>

#include "common/base/file.hpp"
#include "common/base/limit.hpp"
#include "common/base/secret.hpp"

namespace pgedge {

/// The user at the terminal, where there is one.
class Prompt {
public:
    virtual ~Prompt() = default;
    virtual bool may_ask() const = 0;
    virtual std::string ask(const std::string& question) = 0;
    virtual Secret ask_secret(const std::string& question) = 0;  ///< what is typed is not shown
    virtual void tell(const std::string& detail) = 0;            ///< for --verbose
};

/// How a program on another host ended.
struct RemoteEnd {
    int exit_code = -1;  ///< -1: it is not known, see `lost`
    std::string errors;  ///< the last part of what it wrote to its standard error
    std::string lost;    ///< why the way to the host ended before the program did; empty: it did not
};

/// A program that runs on another host; ended when this dies.
class RemoteProgram {
public:
    virtual ~RemoteProgram() = default;
    /// A stream socket: what the program prints can be read from it, what is written there is its input, and
    /// shutdown(SHUT_WR) ends that. End of file comes when the program closes its output or the way to it is lost.
    virtual int socket() const = 0;
    virtual Fd take_socket() = 0;
    /// After the end of file.
    virtual RemoteEnd wait(const Limit& limit) = 0;
};

/// A host on which we are logged in. Safe from any thread.
class RemoteHost {
public:
    virtual ~RemoteHost() = default;
    /// `command` is read by the login shell there. A command that cannot be started ends at once, with the reason.
    virtual std::unique_ptr<RemoteProgram> start(const std::string& command) = 0;
    virtual std::string name() const = 0;  ///< for messages: "ssh://root@host-1"
    virtual std::string user() const = 0;
    virtual bool is_alive() const = 0;  ///< false: the way there was lost, and every start() says so
};

struct RemoteResult {
    int exit_code = 0;
    std::string output, errors;
};

/// Runs a command to its end with `input` as its standard input. Throws Error{unreachable} naming the host when the way
/// there is lost, {timed_out}, {cancelled}; {failed} when it prints more than 4 MiB.
RemoteResult run(RemoteHost& host, const std::string& command, std::string_view input, const Limit& limit);

}  // namespace pgedge

#pragma once

#include <filesystem>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/reach/endpoint.hpp"
#include "cli/ssh/remote_host.hpp"
#include "cli/ssh/ssh_address.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// Which of our streams people sit at.
struct TerminalFacts {
    bool in = false, out = false, err = false;
    int columns = 80, rows = 24;
};

/// While it lives, the first SIGINT or SIGTERM asks to stop, and a second one ends the program at once.
class Interrupts {
public:
    virtual ~Interrupts() = default;
    virtual std::stop_token token() const = 0;
    virtual int signal() const = 0;  ///< the one that came; 0: none
};

/// While it lives, the terminal does not show what is typed: an Enter would move what is drawn in place.
class EchoOff {
public:
    virtual ~EchoOff() = default;
};

/// Everything pgedgectl touches outside of itself, so that tests can bring their own.
class World {
public:
    virtual ~World() = default;
    virtual std::istream& in() = 0;
    virtual std::ostream& out() = 0;
    virtual std::ostream& err() = 0;
    virtual TerminalFacts terminal() const = 0;
    virtual std::optional<std::string> environment(const std::string& name) const = 0;
    virtual const Clock& clock() const = 0;
    /// `prompt` asks about keys and passphrases of ssh:// endpoints.
    virtual std::unique_ptr<Transport> connect(const std::string& endpoint, const Target& target,
                                               const std::shared_ptr<Prompt>& prompt) = 0;
    /// Logs in on a host: see SshHosts::at().
    virtual std::shared_ptr<RemoteHost> log_in(const SshAddress& address, Prompt& prompt, const Limit& limit) = 0;
    virtual std::unique_ptr<Interrupts> watch_interrupts() = 0;
    virtual std::unique_ptr<EchoOff> turn_off_echo() = 0;  ///< nothing to do where stdin is no terminal
    /// Becomes another program, with `environment` added to ours; returns only in tests. Throws Error{failed}.
    virtual int become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) = 0;
};

}  // namespace pgedge

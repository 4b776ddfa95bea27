#pragma once

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/world.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/fake_agent.hpp"

namespace pgedge {

/// Interrupts that come when a test says so.
class FakeInterrupts final : public Interrupts {
public:
    explicit FakeInterrupts(int signal) : signal_(signal) {
        if (signal != 0) source_.request_stop();
    }
    std::stop_token token() const override { return source_.get_token(); }
    int signal() const override { return signal_; }

private:
    int signal_;
    std::stop_source source_;
};

/// The world of one run of pgedgectl: streams are texts, endpoints lead to fake agents.
class FakeWorld final : public World {
public:
    std::istringstream input;
    std::ostringstream output, errors;
    std::ostream* results = &output;  ///< where stdout leads
    TerminalFacts facts;
    std::map<std::string, std::string> variables;
    std::map<std::string, FakeAgent*> agents;  ///< by endpoint
    int interrupt_with = 0;                    ///< the signal that waits are interrupted with; 0: none
    std::vector<std::string> became;           ///< argv of the program that would have been run
    std::map<std::string, std::string> became_with;

    std::istream& in() override { return input; }
    std::ostream& out() override { return *results; }
    std::ostream& err() override { return errors; }
    TerminalFacts terminal() const override { return facts; }
    std::optional<std::string> environment(const std::string& name) const override {
        const auto it = variables.find(name);
        return it == variables.end() ? std::nullopt : std::optional(it->second);
    }
    const Clock& clock() const override { return clock_; }
    std::shared_ptr<RemoteHost> log_in(const SshAddress& address, Prompt&, const Limit&) override {
        throw Error(ErrorKind::unreachable, "cannot reach " + to_string(address) + ": connection refused");
    }
    std::unique_ptr<Transport> connect(const std::string& endpoint, const Target&,
                                       const std::shared_ptr<Prompt>&) override {
        const auto it = agents.find(endpoint);
        if (it != agents.end()) return std::make_unique<FakeAgentTransport>(*it->second, endpoint);
        return std::make_unique<Nobody>(endpoint);
    }
    std::unique_ptr<Interrupts> watch_interrupts() override { return std::make_unique<FakeInterrupts>(interrupt_with); }
    std::unique_ptr<EchoOff> turn_off_echo() override { return nullptr; }
    int become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) override {
        became = argv;
        became_with = environment;
        return 0;
    }

private:
    class Nobody final : public Transport {
    public:
        explicit Nobody(std::string endpoint) : endpoint_(std::move(endpoint)) {}
        HttpResponse send(const HttpRequest&, const Limit&) override { refuse(); }
        HttpResponse stream(const HttpRequest&, const Limit&, const std::function<bool(std::string_view)>&) override {
            refuse();
        }
        std::string endpoint() const override { return endpoint_; }

    private:
        [[noreturn]] void refuse() const {
            throw Error(ErrorKind::unreachable, "cannot reach " + endpoint_ + ": connection refused");
        }
        std::string endpoint_;
    };
    class StillClock final : public Clock {
    public:
        WallTime wall() const override { return parse_rfc3339("2026-11-21T10:00:00Z"); }
        std::chrono::nanoseconds monotonic() const override { return {}; }
        std::chrono::nanoseconds boottime() const override { return {}; }
    };
    StillClock clock_;
};

}  // namespace pgedge

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/api/links.hpp"

namespace pgedge {

/// Links that say what a test has put in, and keep a record of what was asked.
class FakeLinks final : public Links {
public:
    LinkSubscriber at_subscriber;
    std::optional<LinkTransaction> waiting;
    std::vector<std::string> asked;  ///< "subscriber sub_n1_n2", "waiting sub_n1_n2 SLOT behind LSN"

    LinkSubscriber subscriber(const LinkPlace& link, const Limit&) override {
        asked.push_back("subscriber " + link.subscription);
        return at_subscriber;
    }
    std::optional<LinkTransaction> first_waiting(const LinkPlace& link, const std::string& slot,
                                                 const std::string& after, const Limit&) override {
        asked.push_back("waiting " + link.subscription + " " + slot + " behind " + after);
        return waiting;
    }
};

}  // namespace pgedge

#pragma once

#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/plan/plan.hpp"

namespace pgedge::plan_text {

/// A resource a line: "name@host needs a b want x=1 y=2 once z" and, for what is known, "missing" or "failed". The kind
/// of all of them is "k", unless the name is written kind::name.
inline ResourceId id_of(const std::string& text) {
    const auto at = text.find("::");
    return at == std::string::npos ? ResourceId{"k", text} : ResourceId{text.substr(0, at), text.substr(at + 2)};
}

inline KnownResource parse_line(const std::string& line) {
    KnownResource known;
    std::istringstream words(line);
    std::string word, part;
    words >> word;
    known.resource.id = id_of(word.substr(0, word.find('@')));
    if (word.find('@') != std::string::npos) known.resource.host_id = word.substr(word.find('@') + 1);
    while (words >> word) {
        if (word == "needs" || word == "want" || word == "once")
            part = word;
        else if (word == "missing")
            known.needs_recreate = true;
        else if (word == "failed")
            known.error = "it did not work";
        else if (part == "needs")
            known.resource.needs.push_back(id_of(word));
        else if (part == "want")
            known.resource.want[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
        else if (part == "once")
            known.resource.ignore_changes_of.push_back(word);
    }
    return known;
}

inline std::vector<KnownResource> parse_lines(const std::string& text) {
    std::vector<KnownResource> resources;
    for (const auto& line : split(text, '\n'))
        if (!trimmed(line).empty()) resources.push_back(parse_line(line));
    return resources;
}

inline Known known(const std::string& text) {
    Known known;
    for (auto& each : parse_lines(text)) known[each.resource.id] = each;
    return known;
}

inline WantedState state(const std::string& text, bool complete = true, const std::string& name = "end state") {
    WantedState state{name, {}, complete};
    for (auto& each : parse_lines(text)) state.resources.push_back(each.resource);
    return state;
}

/// A step a line: "0 create a (does_not_exist) after 0 create b". The kind "k" is left out.
inline std::string short_id(const std::string& id) {
    const auto dot = id.find('.'), last = id.rfind('.');
    std::string name = id.substr(dot + 1, last - dot - 1);
    if (name.starts_with("k::")) name.erase(0, 3);
    return fmt::format("{} {} {}", id.substr(0, dot), id.substr(last + 1), name);
}

inline std::string text_of(const Plan& plan) {
    std::string text;
    for (const auto& step : plan.steps) {
        text += fmt::format("{} ({}{})", short_id(step.id), to_string(step.reason),
                            step.why.empty() ? "" : ": " + step.why);
        std::vector<std::string> after;
        for (const auto& id : step.after) after.push_back(short_id(id));
        if (!after.empty()) text += " after " + joined(after, ", ");
        text += "\n";
    }
    return text;
}

/// What is known after all steps of a plan have been done.
inline Known outcome(Known known, const Plan& plan) {
    for (const auto& step : plan.steps) {
        if (step.action == Action::remove)
            known.erase(step.resource.id);
        else
            known[step.resource.id] = {step.resource, false, {}};
    }
    return known;
}

}  // namespace pgedge::plan_text

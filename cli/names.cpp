#include "cli/names.hpp"

#include <functional>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMostNames = 8;

template <class Answer>
std::vector<std::string> ids_of(const std::vector<Answer>& answers) {
    std::vector<std::string> ids;
    for (const auto& answer : answers) ids.push_back(answer.id);
    return ids;
}

/// `error` with a hint, when the names can be had: the error itself matters more.
Error with_names(const Error& error, const std::string& wanted,
                 const std::function<std::vector<std::string>()>& names) {
    if (error.kind() != ErrorKind::not_found || !error.hint().empty()) return error;
    std::string hint;
    try {
        hint = hint_of_names(wanted, names());
    } catch (const Error&) {
        return error;
    }
    Error hinted(error.kind(), error.text(), hint);
    return error.name() == hinted.name() ? hinted : std::move(hinted).named(error.name());
}

}  // namespace

std::string hint_of_names(const std::string& wanted, std::vector<std::string> names) {
    if (const auto meant = nearest(wanted, names)) return "did you mean " + *meant + "?";
    if (names.empty()) return "";
    const std::size_t more = names.size() > kMostNames ? names.size() - kMostNames : 0;
    names.resize(names.size() - more);
    return "there are: " + joined(names, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

DatabaseAnswer named_database(Session& session, const std::string& id) {
    try {
        return session.api().database(id);
    } catch (const Error& error) {
        throw with_names(error, id, [&] { return ids_of(session.api().databases()); });
    }
}

std::vector<NodeAnswer> named_nodes(Session& session, const std::string& database) {
    try {
        return session.api().nodes(database);
    } catch (const Error& error) {
        throw with_names(error, database, [&] { return ids_of(session.api().databases()); });
    }
}

NodeAnswer named_node(Session& session, const std::string& database, const std::string& node) {
    try {
        return session.api().node(database, node);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) named_database(session, database);
        throw;
    }
}

std::vector<NodeAnswer> chosen_nodes(Session& session, const std::string& database, const std::string& node) {
    if (!node.empty()) return {named_node(session, database, node)};
    auto nodes = named_nodes(session, database);
    std::erase_if(nodes, [](const NodeAnswer& each) { return each.members.size() < 2; });
    if (nodes.empty())
        throw Error(ErrorKind::invalid_input,
                    "no node of " + database + " has replicas: there is no failover to pause");
    return nodes;
}

HostAnswer named_host(Session& session, const std::string& id) {
    try {
        return session.api().host(id);
    } catch (const Error& error) {
        throw with_names(error, id, [&] { return ids_of(session.api().hosts()); });
    }
}

}  // namespace pgedge

#include "common/orchestrate/versions.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/model/instance.hpp"

namespace pgedge {
namespace {

struct Number {
    int major = 0;
    std::optional<int> minor;
    auto operator<=>(const Number&) const = default;
};

/// "15.18" or "15"; anything behind is left out ("17beta1").
Number parse(const std::string& text) {
    Number number;
    const char* end = text.data() + text.size();
    const auto [dot, problem] = std::from_chars(text.data(), end, number.major);
    int minor = 0;
    if (problem == std::errc() && dot != end && *dot == '.' && std::from_chars(dot + 1, end, minor).ec == std::errc())
        number.minor = minor;
    return number;
}

/// Greater versions first, Spock first among equals.
bool better(const PostgresVersion& a, const PostgresVersion& b) {
    const auto left = parse(a.postgres), right = parse(b.postgres);
    return left != right ? left > right : a.dialect > b.dialect;
}

class Choice {
public:
    Choice(const Database& wanted, const Database* stored, const std::map<std::string, Host>& hosts)
        : wanted_(wanted), stored_(stored), hosts_(hosts) {
        if (stored)
            chosen_.dialect = stored->dialect;
        else if (wanted.spec.spock_version)
            chosen_.dialect = "spock";
    }

    ChosenVersions all() {
        // The nodes with a version of their own say nothing about the default, but all must have one dialect.
        choose_default();
        for (std::size_t i = 0; i < wanted_.spec.nodes.size(); ++i) {
            const NodeSpec& node = wanted_.spec.nodes[i];
            for (std::size_t j = 0; j < node.host_ids.size(); ++j)
                choose(node, node.host_ids[j], fmt::format("spec.nodes[{}].host_ids[{}]", i, j));
        }
        return std::move(chosen_);
    }

private:
    std::vector<PostgresVersion> offered(const std::string& host_id) const {
        std::vector<PostgresVersion> versions;
        const auto host = hosts_.find(host_id);
        if (host == hosts_.end()) return versions;
        for (const auto& version : host->second.versions)
            if (usable(version)) versions.push_back(version);
        std::sort(versions.begin(), versions.end(), better);
        return versions;
    }

    bool usable(const PostgresVersion& version) const {
        if (!chosen_.dialect.empty() && version.dialect != chosen_.dialect) return false;
        if (version.dialect != "spock" || !wanted_.spec.spock_version) return true;
        return parse(version.extension).major == parse(*wanted_.spec.spock_version).major;
    }

    std::optional<std::string> asked_for(const NodeSpec& node) const {
        return effective(wanted_.spec, node).postgres_version;
    }

    std::string offers(const std::string& host_id) const {
        const auto host = hosts_.find(host_id);
        std::vector<std::string> texts;
        if (host != hosts_.end())
            for (const auto& version : host->second.versions)
                texts.push_back(fmt::format("{} with {} {}", version.postgres, version.dialect, version.extension));
        return texts.empty() ? "has no PostgreSQL with Spock or pglogical" : "has " + joined(texts, ", ");
    }

    void choose_default() {
        std::vector<std::string> hosts;
        for (const auto& node : wanted_.spec.nodes)
            if (!asked_for(node)) hosts.insert(hosts.end(), node.host_ids.begin(), node.host_ids.end());
        if (hosts.empty()) return;
        for (const auto& candidate : offered(hosts.front())) {
            const bool everywhere = std::all_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
                const auto versions = offered(host);
                return std::any_of(versions.begin(), versions.end(), [&](const PostgresVersion& version) {
                    return version.postgres == candidate.postgres && version.dialect == candidate.dialect;
                });
            });
            if (!everywhere) continue;
            chosen_.default_version = candidate.postgres;
            chosen_.dialect = candidate.dialect;
            return;
        }
        std::vector<std::string> texts;
        for (const auto& host : hosts) texts.push_back(fmt::format("host {} {}", host, offers(host)));
        std::sort(texts.begin(), texts.end());
        texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
        no_common_ = true;
        add_problem("spec.postgres_version", "no PostgreSQL version is common to all hosts: " + joined(texts, "; "),
                    "name a version per node, or install the same packages on all hosts");
    }

    void choose(const NodeSpec& node, const std::string& host_id, const std::string& path) {
        const auto asked = asked_for(node);
        if (!asked && no_common_) return;
        if (!hosts_.contains(host_id)) return;
        const std::string version = asked.value_or(chosen_.default_version);
        const auto versions = offered(host_id);
        const Number number = parse(version);
        const auto same_major = [&](const PostgresVersion& each) { return each.major() == number.major; };
        auto it = std::find_if(versions.begin(), versions.end(), [&](const PostgresVersion& each) {
            return number.minor ? each.postgres == version : same_major(each);
        });
        if (it == versions.end() && was_made_with(node, host_id, version))
            it = std::find_if(versions.begin(), versions.end(), same_major);
        if (it == versions.end()) return refuse(host_id, version, path);
        if (chosen_.dialect.empty()) chosen_.dialect = it->dialect;
        chosen_.by_instance[instance_id(wanted_.id, node.name, host_id)] = *it;
    }

    bool was_made_with(const NodeSpec& node, const std::string& host_id, const std::string& version) const {
        if (!stored_) return false;
        for (const auto& before : stored_->spec.nodes)
            if (before.name == node.name &&
                std::find(before.host_ids.begin(), before.host_ids.end(), host_id) != before.host_ids.end())
                return effective(stored_->spec, before).postgres_version == version;
        return false;
    }

    void refuse(const std::string& host_id, const std::string& version, const std::string& path) {
        std::string combination = "PostgreSQL " + version;
        if (wanted_.spec.spock_version)
            combination += " with spock " + *wanted_.spec.spock_version;
        else if (!chosen_.dialect.empty())
            combination += " with " + chosen_.dialect;
        add_problem(path, fmt::format("host {} does not support version combination {}", host_id, combination),
                    fmt::format("it {}", offers(host_id)));
    }

    void add_problem(std::string path, std::string text, std::string hint) {
        Problem problem;
        problem.path = std::move(path);
        problem.text = std::move(text);
        problem.hint = std::move(hint);
        chosen_.problems.push_back(std::move(problem));
    }

    const Database& wanted_;
    const Database* stored_;
    const std::map<std::string, Host>& hosts_;
    ChosenVersions chosen_;
    bool no_common_ = false;
};

}  // namespace

ChosenVersions choose_versions(const Database& wanted, const Database* stored,
                               const std::map<std::string, Host>& hosts) {
    return Choice(wanted, stored, hosts).all();
}

}  // namespace pgedge

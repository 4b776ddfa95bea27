#include "common/plan/diff.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLongestValue = 60;
constexpr std::string_view kHidden = "(secret)";

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return result;
}

bool is_secret_reference(const Json& value) {
    return value.is_object() && value.contains("secret") && value.contains("fingerprint");
}

bool is_secret_name(std::string_view name) {
    static constexpr std::array<std::string_view, 6> kEndings{"password", "secret",     "token",
                                                              "_key",     "passphrase", "credential"};
    const std::string word = lower(name);
    return std::any_of(kEndings.begin(), kEndings.end(),
                       [&](std::string_view ending) { return word.ends_with(ending); });
}

/// "password=x", "PASSWORD 'x'": a secret inside a setting or a statement. Not: "password" as a method of pg_hba.
bool holds_secret(std::string_view text) {
    const std::string words = lower(text);
    for (auto at = words.find("password"); at != std::string::npos; at = words.find("password", at + 1)) {
        const auto next = words.find_first_not_of(" \t", at + 8);
        if (next != std::string::npos && (words[next] == '=' || words[next] == '\'')) return true;
    }
    return false;
}

std::string value_text(const Json& value, std::string_view name) {
    if (is_secret_reference(value) || (!value.is_null() && is_secret_name(name))) return std::string(kHidden);
    const std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
    if (holds_secret(text)) return std::string(kHidden);
    return text.empty() ? "\"\"" : shortened(text, kLongestValue);
}

/// What tells the objects of a list apart; empty: nothing does.
std::string key_of(const Json& list) {
    for (const char* key : {"username", "instance_id", "name", "id"}) {
        std::set<std::string> seen;
        const bool tells = std::all_of(list.begin(), list.end(), [&](const Json& item) {
            return item.is_object() && item.contains(key) && item[key].is_string() &&
                   seen.insert(item[key].get<std::string>()).second;
        });
        if (tells) return key;
    }
    return {};
}

class Comparison {
public:
    std::vector<Difference> changes;

    void compare(const Json& before, const Json& after, const std::string& path, const std::string& name) {
        if (before == after) return;
        if (before.is_object() && after.is_object() && !is_secret_reference(before) && !is_secret_reference(after))
            return compare_objects(before, after, path);
        if (before.is_array() && after.is_array()) return compare_lists(before, after, path, name);
        add(path, name, &before, &after);
    }

private:
    void add(const std::string& path, const std::string& name, const Json* before, const Json* after) {
        Difference change{path, {}, {}, false};
        // null and absent say the same to people: there is none.
        if (before && !before->is_null()) change.before = value_text(*before, name);
        if (after && !after->is_null()) change.after = value_text(*after, name);
        if (change.before || change.after) changes.push_back(std::move(change));
    }

    void compare_objects(const Json& before, const Json& after, const std::string& path) {
        std::set<std::string> names;
        for (const auto& [name, value] : before.items()) names.insert(name);
        for (const auto& [name, value] : after.items()) names.insert(name);
        for (const auto& name : names) {
            const std::string inner = path.empty() ? name : path + "." + name;
            if (!before.contains(name))
                add(inner, name, nullptr, &after[name]);
            else if (!after.contains(name))
                add(inner, name, &before[name], nullptr);
            else
                compare(before[name], after[name], inner, name);
        }
    }

    void compare_lists(const Json& before, const Json& after, const std::string& path, const std::string& name) {
        const std::size_t so_far = changes.size();
        std::string key = key_of(before.empty() ? after : before);
        if (!before.empty() && !after.empty() && key_of(after) != key) key.clear();
        if (!key.empty())
            compare_by_key(before, after, path, key);
        else
            compare_members(before, after, path, name);
        if (changes.size() == so_far) changes.push_back({path, "order", "order", false});
    }

    void compare_by_key(const Json& before, const Json& after, const std::string& path, const std::string& key) {
        std::map<std::string, std::pair<const Json*, const Json*>> pairs;
        for (const Json& item : before) pairs[item[key].get<std::string>()].first = &item;
        for (const Json& item : after) pairs[item[key].get<std::string>()].second = &item;
        for (const auto& [name, pair] : pairs) {
            const std::string inner = fmt::format("{}[{}]", path, shortened(name, kLongestValue));
            if (pair.first && pair.second)
                compare(*pair.first, *pair.second, inner, name);
            else
                changes.push_back(pair.first ? Difference{path, shortened(name, kLongestValue), {}, true}
                                             : Difference{path, {}, shortened(name, kLongestValue), true});
        }
    }

    void compare_members(const Json& before, const Json& after, const std::string& path, const std::string& name) {
        const auto missing_in = [](const Json& list, const Json& item) {
            return std::find(list.begin(), list.end(), item) == list.end();
        };
        for (const Json& item : before)
            if (missing_in(after, item)) changes.push_back({path, value_text(item, name), {}, true});
        for (const Json& item : after)
            if (missing_in(before, item)) changes.push_back({path, {}, value_text(item, name), true});
    }
};

/// Settings are known to everybody by their own name: no need to tell in which part of a want they stand.
std::string without_container(const std::string& path) {
    for (std::string_view container : {"settings.", "restart_settings."})
        if (path.starts_with(container)) return path.substr(container.size());
    return path;
}

Json compared_want(const Resource& resource, const std::vector<std::string>& ignored) {
    Json want = resource.want;
    for (const auto& name : ignored) want.erase(name);
    return want;
}

Json texts_of(const std::vector<ResourceId>& ids) {
    std::set<std::string> texts;  // a set: their order means nothing
    for (const auto& id : ids) texts.insert(id.text());
    return texts;
}

}  // namespace

std::string Difference::text() const {
    if (before && after && *before == *after) return path + " changed";  // secrets, and what was cut to the same text
    if (before && after) return fmt::format("{} {} -> {}", path, *before, *after);
    if (in_list) return fmt::format("{} {} {}", path, after ? "gains" : "loses", after ? *after : before.value_or(""));
    if (after) return fmt::format("{} set to {}", path, *after);
    return fmt::format("{} removed (was {})", path, before.value_or("nothing"));
}

std::vector<Difference> differences(const Json& before, const Json& after) {
    Comparison comparison;
    comparison.compare(before, after, "", "");
    std::vector<Difference> changes;
    for (auto& change : comparison.changes) {
        change.path = without_container(change.path);
        // A port stands in a want and in its settings: one change for people.
        if (std::find(changes.begin(), changes.end(), change) == changes.end()) changes.push_back(std::move(change));
    }
    return changes;
}

std::vector<Difference> differences(const Resource& now, const Resource& wanted) {
    std::vector<Difference> changes;
    if (now.host_id != wanted.host_id) changes.push_back({"host", now.host_id, wanted.host_id, false});
    const auto& once = wanted.ignore_changes_of;
    for (auto& change : differences(compared_want(now, once), compared_want(wanted, once)))
        changes.push_back(std::move(change));
    for (auto& change : differences(Json{{"needs", texts_of(now.needs)}}, Json{{"needs", texts_of(wanted.needs)}}))
        changes.push_back(std::move(change));
    return changes;
}

std::string in_words(const std::vector<Difference>& changes, std::size_t at_most) {
    std::vector<std::string> words;
    for (const auto& change : changes) {
        if (words.size() == at_most) {
            words.push_back(fmt::format("and {} more", changes.size() - at_most));
            break;
        }
        words.push_back(change.text());
    }
    return joined(words, ", ");
}

}  // namespace pgedge

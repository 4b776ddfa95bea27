#include "cli/generate/completion.hpp"

#include <doctest/doctest.h>

#include "cli/commands/commands.hpp"
#include "cli/generate/completion_scripts.hpp"

namespace pgedge {
namespace {

std::vector<Candidate> names(Completes what, const std::vector<std::string>& arguments) {
    if (what == Completes::nodes && arguments == std::vector<std::string>{"storefront"})
        return {{"n1", ""}, {"n2", ""}};
    if (what == Completes::instances && arguments == std::vector<std::string>{"storefront", "n2"})
        return {{"storefront-n2-9ptayhma", "primary"}};
    if (what == Completes::databases) return {{"storefront", "available"}, {"billing", "failed"}};
    return {};
}

Completion complete_line(const std::vector<std::string>& words) {
    GlobalOptions options;
    const auto root = make_command_tree(options);
    return complete(*root, words, words.size() - 1, names);
}

std::vector<std::string> words_for(const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const auto& candidate : complete_line(words).candidates) found.push_back(candidate.word);
    return found;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("commands are completed at every depth, hidden ones are not") {
    CHECK(words_for({"st"}) == List{"status"});
    CHECK(words_for({"db", "s"}) == List{"show"});
    CHECK(words_for({"-o", "json", "cluster", "i"}) == List{"init", "info"});
    CHECK(words_for({"__"}).empty());
    CHECK(words_for({"nonsense", ""}).size() > 5);
}

TEST_CASE("help is completed with the commands that its words lead to") {
    CHECK(words_for({"help", "ta"}) == List{"task"});
    CHECK(words_for({"help", "db", "s"}) == List{"show"});
    CHECK(words_for({"help", "db", "show", ""}).empty());
}

TEST_CASE("a command that has commands and works alone is completed with both, and keeps its options to itself") {
    CHECK(words_for({"plan", ""}) == List{"show"});
    CHECK(words_for({"plan", "--ou"}) == List{"--out", "--output"});
    CHECK(words_for({"plan", "show", "--ou"}) == List{"--output"});
    CHECK(complete_line({"plan", "show", ""}).files);
}

TEST_CASE("arguments are completed with live names") {
    CHECK(words_for({"db", "show", ""}) == List{"storefront", "billing"});
    CHECK(words_for({"psql", "st"}) == List{"storefront"});
    CHECK(words_for({"db", "show", "storefront", ""}).empty());
    CHECK(words_for({"db", "delete", "x", "--confirm", "b"}) == List{"billing"});
}

TEST_CASE("nodes and instances are completed with those of the database and the node before them") {
    CHECK(words_for({"node", "show", "storefront", ""}) == List{"n1", "n2"});
    CHECK(words_for({"switchover", "storefront", "n"}) == List{"n1", "n2"});
    CHECK(words_for({"switchover", "storefront", "n2", "--to", ""}) == List{"storefront-n2-9ptayhma"});
    CHECK(words_for({"failover", "--yes", "storefront", "n2", "--to=storefront-n2"}) ==
          List{"--to=storefront-n2-9ptayhma"});
    CHECK(words_for({"switchover", "storefront", "--to", ""}).empty());
    CHECK(words_for({"psql", "storefront", "--node", "n"}) == List{"n1", "n2"});
}

TEST_CASE("options and their values are completed") {
    CHECK(words_for({"plan", "--exit"}) == List{"--exit-code"});
    CHECK(words_for({"db", "list", "-o", "j"}) == List{"json"});
    CHECK(words_for({"db", "list", "--output=y"}) == List{"--output=yaml"});
    CHECK(words_for({"completion", ""}) == List{"bash", "zsh", "fish"});
    CHECK(complete_line({"plan", "-f", ""}).files);
    CHECK_FALSE(complete_line({"db", "show", ""}).files);
}

TEST_CASE("nothing that names hold can forge a line for the shell") {
    Completion completion;
    completion.candidates = {{"a\nb\tc", "d\ne"}};
    CHECK(to_lines(completion) == "a b c\td e\n:none\n");
}

TEST_CASE("there is a script for each shell") {
    for (const char* shell : {"bash", "zsh", "fish"})
        CHECK(completion_script(shell).find("__complete") != std::string_view::npos);
}

}  // namespace pgedge

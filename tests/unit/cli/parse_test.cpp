#include "cli/parse.hpp"

#include <doctest/doctest.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_codes.hpp"

namespace pgedge {
namespace {

class Words final : public CliCommand {
public:
    Words() : CliCommand("words", "Takes words") {
        argument("first", first, "One").required();
        argument("rest", rest, "Others");
        option("-f,--file", "FILE", files, "Files");
        option("--count", "COUNT", count, 1, 9, "How many");
        flag("-l,--long", is_long, "Long");
    }
    int run(Session&) override { return 0; }
    std::string first;
    std::vector<std::string> rest, files;
    int count = 1;
    bool is_long = false;
};

struct Tree {
    GlobalOptions options;
    CliCommand root{"pgedgectl", "Root"};
    Words* words;
    Tree() {
        add_global_options(root, options);
        CliCommand& group = root.add(std::make_unique<CliCommand>("db", "Group"));
        words = static_cast<Words*>(&group.add(std::make_unique<Words>()));
        root.add(std::make_unique<CliCommand>("plan", "Another"));
    }
    CliCommand& take(const std::vector<std::string>& all) { return parse(root, all); }
};

std::string refusal(Tree& tree, const std::vector<std::string>& words) {
    try {
        check_complete(tree.take(words));
        return "taken";
    } catch (const UsageError& error) {
        return error.text() + (error.hint().empty() ? "" : " | " + error.hint());
    }
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("words go to the parameters they belong to, with global options anywhere") {
    Tree tree;
    CHECK(&tree.take({"-o", "json", "db", "words", "a", "-f", "x", "--file=y", "b", "c", "-l", "-q", "--count", "3",
                      "--endpoint", "http://h"}) == tree.words);
    CHECK(tree.words->first == "a");
    CHECK(tree.words->rest == List{"b", "c"});
    CHECK(tree.words->files == List{"x", "y"});
    CHECK(tree.words->count == 3);
    CHECK(tree.words->is_long);
    CHECK(tree.options.output == "json");
    CHECK(tree.options.quiet);
    CHECK(tree.options.endpoints == List{"http://h"});
}

TEST_CASE("an argument may be called like a command, and begin or look like anything behind --") {
    Tree tree;
    tree.take({"db", "words", "plan", "db"});
    CHECK(tree.words->first == "plan");
    CHECK(tree.words->rest == List{"db"});

    Tree other;
    other.take({"db", "words", "a", "--", "-c", "SELECT '[1,2]'", "[1,2]", "++", "--", "-l"});
    CHECK(other.words->rest == List{"-c", "SELECT '[1,2]'", "[1,2]", "++", "--", "-l"});
    CHECK_FALSE(other.words->is_long);
}

TEST_CASE("an empty value is a value") {
    Tree tree;
    tree.take({"--context", "", "db", "words", ""});
    REQUIRE(tree.options.context);
    CHECK(tree.options.context->empty());
    CHECK(tree.words->first.empty());
}

TEST_CASE("mistyped words are refused with what was meant") {
    Tree tree;
    CHECK(refusal(tree, {"pln"}) == "pgedgectl has no command 'pln' | did you mean plan?");
    CHECK(refusal(tree, {"db", "wrds"}) == "pgedgectl db has no command 'wrds' | did you mean words?");
    CHECK(refusal(tree, {"db", "words", "a", "--fiel", "x"}) ==
          "pgedgectl db words has no option --fiel | did you mean --file?");
    CHECK(refusal(tree, {"db", "words", "a", "-x"}) ==
          "pgedgectl db words has no option -x | see what it takes: pgedgectl db words --help");
    CHECK(refusal(tree, {"db", "words", "a", "-o", "jsn"}) ==
          "--output takes table, json, yaml, name, not 'jsn' | did you mean json?");
}

TEST_CASE("what is missing or out of bounds is named") {
    Tree tree;
    CHECK(refusal(tree, {"db"}).starts_with("pgedgectl db needs a command: words"));
    CHECK(refusal(tree, {"db", "words"}).starts_with("pgedgectl db words needs FIRST: One"));
    CHECK(refusal(tree, {"db", "words", "a", "--file"}) == "--file needs a value");
    CHECK(refusal(tree, {"db", "words", "a", "--count", "10"}) == "--count takes a whole number from 1 to 9, not '10'");
    CHECK(refusal(tree, {"db", "words", "a", "--long=yes"}) != "taken");
}

TEST_CASE("durations have units and bounds") {
    using namespace std::chrono_literals;
    CHECK(parse_duration("90s") == 90s);
    CHECK(parse_duration("15m") == 15min);
    CHECK(parse_duration("2h") == 2h);
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("7") == 7s);
    for (const char* bad : {"", "s", "-1s", "0", "1.5h", "1w", "99999999999999s", "1 s"})
        CHECK_THROWS_AS(parse_duration(bad), UsageError);
}

TEST_CASE("every command has a summary, an example and help for each parameter, and no name twice") {
    GlobalOptions options;
    const auto root = make_command_tree(options);
    std::vector<const CliCommand*> todo{root.get()};
    std::size_t seen = 0;
    while (!todo.empty()) {
        const CliCommand& command = *todo.back();
        todo.pop_back();
        ++seen;
        CAPTURE(command.full_name());
        CHECK(!command.summary().empty());
        CHECK_FALSE(command.summary().ends_with("."));
        CHECK((command.is_hidden() || !command.examples().empty()));
        for (const auto& parameter : command.parameters()) {
            CHECK(!parameter->help.empty());
            CHECK_FALSE(parameter->help.ends_with("."));
            if (command.parent() && !parameter->is_argument)
                for (const auto& name : parameter->all_names())
                    for (const auto& global : root->parameters())
                        CHECK_FALSE(("," + global->names + ",").find("," + name + ",") != std::string::npos);
        }
        for (const auto& example : command.examples()) CHECK(example.line.find("pgedgectl") != std::string::npos);
        for (const auto& child : command.commands()) {
            CHECK(command.find(child->name()) == child.get());
            todo.push_back(child.get());
        }
    }
    CHECK(seen > 35);
}

TEST_CASE("the examples of every command can be parsed") {
    GlobalOptions unused;
    const auto tree = make_command_tree(unused);
    std::vector<const CliCommand*> todo{tree.get()};
    while (!todo.empty()) {
        const CliCommand& command = *todo.back();
        todo.pop_back();
        for (const auto& child : command.commands()) todo.push_back(child.get());
        for (const auto& example : command.examples()) {
            CAPTURE(example.line);
            std::string line = example.line.substr(example.line.find("pgedgectl") + 10);
            line = line.substr(0, line.find_first_of("|>;)"));
            std::vector<std::string> words;
            std::string word;
            bool quoted = false;
            for (const char c : line + " ") {
                if (c == '\'')
                    quoted = !quoted;
                else if (c != ' ' || quoted)
                    word += c;
                else if (!word.empty())
                    words.push_back(std::exchange(word, ""));
            }
            GlobalOptions options;
            const auto root = make_command_tree(options);
            CHECK_NOTHROW(check_complete(parse(*root, words)));
        }
    }
}

}  // namespace pgedge

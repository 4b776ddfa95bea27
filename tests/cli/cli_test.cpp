// Runs every folder of tests/cli/cases: `cmd` holds command lines (one a line, run one after the other against the same
// fake agent), `stdout`, `stderr` and `exit` what they must print and how the last one must end; a missing file means
// nothing and 0. Optional: `stdin`; `agent`, JSON with fields of FakeAgent to set; `env`, NAME=VALUE lines; every other
// file is there in the working directory. PGEDGE_CLI_WRITE=1 writes stdout, stderr and exit instead of comparing: look
// at the diff before you commit it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cli/run.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_agent.hpp"
#include "tests/fakes/fake_world.hpp"

namespace pgedge {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) { return read_file_if_there(file).value_or(""); }

/// Words as a shell divides them; '…' and "…" keep blanks.
std::vector<std::string> words_of(const std::string& line) {
    std::vector<std::string> words;
    std::string word;
    bool begun = false;
    char quote = 0;
    for (const char c : line) {
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? 0 : c;
            begun = true;
        } else if (c == ' ' && !quote) {
            if (begun) words.push_back(word);
            word.clear();
            begun = false;
        } else {
            word += c;
            begun = true;
        }
    }
    if (begun) words.push_back(word);
    return words;
}

void set_up(FakeAgent& agent, const Json& wanted) {
    for (const auto& [name, value] : wanted.items()) {
        if (name == "databases")
            agent.databases = value.get<std::map<std::string, Json>>();
        else if (name == "initialized")
            agent.initialized = value;
        else if (name == "fail_next")
            agent.fail_next = value;
        else if (name == "hang_next")
            agent.hang_next = value;
        else if (name == "cancel_next")
            agent.cancel_next = value;
        else if (name == "refuse_plan")
            agent.refuse_plan = value;
        else if (name == "unreachable_calls")
            agent.unreachable_calls = value;
        else if (name == "break_follow_after")
            agent.break_follow_after = value;
        else if (name == "late_looks")
            agent.late_looks = value;
        else if (name == "instance_logs")
            agent.instance_logs = value;
        else
            FAIL("the file `agent` has an unknown field: ", name);
    }
}

/// A directory for one case, entered while it lives.
class Workplace {
public:
    explicit Workplace(const fs::path& from)
        : before_(fs::current_path()), path_(fs::temp_directory_path() / ("pgedge-cli-" + random_hex(8))) {
        fs::copy(from, path_, fs::copy_options::recursive);
        fs::current_path(path_);
    }
    ~Workplace() {
        fs::current_path(before_);
        fs::remove_all(path_);
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    std::string path() const { return path_.string(); }

private:
    fs::path before_, path_;
};

struct Ended {
    std::string out, err;
    int exit_code = 0;
};

std::string without(std::string text, const std::string& what, const std::string& instead) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at))
        text.replace(at, what.size(), instead);
    return text;
}

Ended run_case(const fs::path& folder) {
    const Workplace place(folder);
    FakeAgent agent, newcomer;
    newcomer.initialized = false;
    if (const auto wanted = text_of("agent"); !wanted.empty()) set_up(agent, Json::parse(wanted));
    Ended ended;
    for (const auto& line : split(trimmed(text_of("cmd")), '\n')) {
        FakeWorld world;
        world.agents = {{"http://127.0.0.1:3000", &agent},
                        {"http://127.17.0.1:3000", &agent},
                        {"http://127.17.0.2:3000", &newcomer}};
        world.input.str(text_of("stdin"));
        world.facts.columns = 100;
        world.variables = {{"HOME", place.path()}, {"USER", "tester"}};
        for (const auto& setting : split(trimmed(text_of("env")), '\n'))
            if (const auto equals = setting.find('='); equals != std::string::npos) {
                if (setting.substr(0, equals) == "TERMINAL")
                    world.facts.in = world.facts.err = true;
                else if (setting.substr(0, equals) == "INTERRUPT")
                    world.interrupt_with = 2;
                else
                    world.variables[setting.substr(0, equals)] = setting.substr(equals + 1);
            }
        auto words = words_of(line);
        REQUIRE_MESSAGE((!words.empty() && words[0] == "pgedgectl"), "a line of `cmd` begins with pgedgectl: ", line);
        words.erase(words.begin());
        ended.exit_code = run_pgedgectl(world, words);
        ended.out += without(world.output.str(), place.path(), "HERE");
        ended.err += without(world.errors.str(), place.path(), "HERE");
        if (!world.became.empty()) {
            ended.out += "becomes: " + joined(world.became, " ") + "\n";
            for (const auto& [name, value] : world.became_with) ended.out += "  " + name + "=" + value + "\n";
        }
    }
    return ended;
}

void write_expected(const fs::path& folder, const Ended& ended) {
    const auto write = [&](const char* name, const std::string& text, bool is_default) {
        fs::remove(folder / name);
        if (!is_default) std::ofstream(folder / name) << text;
    };
    write("stdout", ended.out, ended.out.empty());
    write("stderr", ended.err, ended.err.empty());
    write("exit", std::to_string(ended.exit_code) + "\n", ended.exit_code == 0);
}

}  // namespace

TEST_CASE("every folder of tests/cli/cases prints and ends as it says") {
    const bool writes = std::getenv("PGEDGE_CLI_WRITE") != nullptr;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(fs::path(PGEDGE_SOURCE_DIR) / "tests/cli/cases"))
        if (entry.is_directory()) folders.push_back(entry.path());
    REQUIRE(folders.size() > 20);
    for (const auto& folder : folders) {
        CAPTURE(folder.filename().string());
        const Ended ended = run_case(folder);
        if (writes) {
            write_expected(folder, ended);
            continue;
        }
        const std::string wanted_exit(trimmed(text_of(folder / "exit")));
        CHECK(ended.out == text_of(folder / "stdout"));
        CHECK(ended.err == text_of(folder / "stderr"));
        CHECK(std::to_string(ended.exit_code) == (wanted_exit.empty() ? "0" : wanted_exit));
    }
}

}  // namespace pgedge

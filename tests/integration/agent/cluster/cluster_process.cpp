// An agent's membership in a process of its own, to be killed: `cluster_process NUMBER DIRECTORY init|TOKEN`.
// Says "done" when it is a member, and goes on until its standard input ends.
#include <iostream>

#include "tests/integration/agent/cluster/test_agent.hpp"

int main(int argc, char** argv) {
    using namespace pgedge;
    using namespace pgedge::testing;
    if (argc != 4) return 2;
    try {
        TestAgent agent(std::stoi(argv[1]), argv[2]);
        const std::string what = argv[3];
        if (!agent.cluster->initialized()) {
            if (what == "init")
                agent.cluster->init("test", Limit(60s));
            else
                agent.cluster->join({what, {"http://127.13.0.1:3000"}}, Limit(60s));
        }
        std::cout << "done" << std::endl;
        std::string line;
        std::getline(std::cin, line);
        return 0;
    } catch (const std::exception& error) {
        std::cout << error.what() << std::endl;
        return 1;
    }
}

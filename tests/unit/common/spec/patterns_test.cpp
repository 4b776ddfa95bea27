#include "common/spec/patterns.hpp"

#include <regex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("each form of a text and its regular expression say the same") {
    const std::vector<std::string> samples{"",
                                           "a",
                                           "-",
                                           "a-",
                                           "-a",
                                           "a-b",
                                           "a--b",
                                           "A",
                                           "ab1",
                                           "1",
                                           "a_b",
                                           "a.b",
                                           "n1",
                                           "n12",
                                           "n",
                                           "xn1",
                                           "n1x",
                                           "N1",
                                           "n1 ",
                                           " n1",
                                           "n1\n",
                                           "n01",
                                           "17",
                                           "17.1",
                                           "17.10",
                                           "17.100",
                                           "7.1",
                                           "17.",
                                           ".17",
                                           "17.x",
                                           "117.1",
                                           "5",
                                           "55",
                                           "0.5",
                                           "0.0005",
                                           "500m",
                                           "0.5m",
                                           "m",
                                           "1.",
                                           ".5",
                                           "1.234",
                                           "1e3",
                                           "-1",
                                           "+1",
                                           "1.2.3",
                                           "1.2",
                                           "1.2.3.4",
                                           "latest",
                                           "Latest",
                                           "1..2",
                                           "docs",
                                           "_docs",
                                           "-docs",
                                           "do-cs",
                                           "do cs",
                                           "döcs",
                                           "1docs",
                                           "DOCS",
                                           std::string(36, 'a'),
                                           std::string(37, 'a'),
                                           "a" + std::string(34, '-') + "a",
                                           std::string(200, '9')};
    for (const Pattern* pattern :
         {&kIdentifier, &kNodeName, &kPostgresVersion, &kSpockVersion, &kCpus, &kServiceVersion, &kPipelineName}) {
        const std::regex regex{std::string(pattern->regex)};
        for (const auto& sample : samples) {
            CAPTURE(pattern->regex);
            CAPTURE(sample);
            CHECK(pattern->matches(sample) == std::regex_match(sample, regex));
        }
    }
}

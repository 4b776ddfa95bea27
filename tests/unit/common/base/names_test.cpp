#include "common/base/names.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

enum class Fruit { apple, pear, unnamed };
constexpr NameTable<Fruit, 2> kFruits{"fruit", {{{Fruit::apple, "apple"}, {Fruit::pear, "pear"}}}};

}  // namespace

TEST_CASE("one table prints and reads the words of an enum") {
    for (const auto fruit : {Fruit::apple, Fruit::pear}) CHECK(kFruits.value_of(kFruits.name_of(fruit)) == fruit);
}

TEST_CASE("a word that the table lacks is the reader's mistake, a value that it lacks is ours") {
    try {
        kFruits.value_of("Apple");
        FAIL("was found");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        CHECK(error.text() == "no fruit is called \"Apple\"");
    }
    try {
        kFruits.name_of(Fruit::unnamed);
        FAIL("was found");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::internal);
    }
}

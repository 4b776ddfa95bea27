#include "common/base/size_text.hpp"

#include <iterator>

#include <fmt/format.h>

namespace pgedge {

std::string size_text(std::int64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
    if (unit == 0) return fmt::format("{}B", bytes);
    std::string number = fmt::format("{:.1f}", size);
    if (number == "1024.0" && unit + 1 < std::size(kUnits)) {  // 1023.96 is rounded to the next unit
        number = "1";
        ++unit;
    }
    if (number.ends_with(".0")) number.resize(number.size() - 2);
    return number + kUnits[unit];
}

}  // namespace pgedge

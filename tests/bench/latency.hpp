#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace pgedge::bench {

using Milliseconds = std::chrono::duration<double, std::milli>;

/// Times of the same thing done many times.
struct Latencies {
    std::vector<double> ms;        ///< sorted
    double at(double part) const;  ///< 0.5: median, 0.99: the 99th percentile
    /// "1.23 4.56": median and 99th percentile in milliseconds, for scripts.
    std::string line() const;
};

/// Does it `count` times, after some that do not count.
Latencies measure(int count, const std::function<void()>& work);

}  // namespace pgedge::bench

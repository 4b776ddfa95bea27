#include "tests/bench/latency.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace pgedge::bench {

double Latencies::at(double part) const {
    const auto place = static_cast<std::size_t>(part * static_cast<double>(ms.size()));
    return ms.at(std::min(place, ms.size() - 1));
}

std::string Latencies::line() const { return fmt::format("{:.2f} {:.2f}", at(0.5), at(0.99)); }

Latencies measure(int count, const std::function<void()>& work) {
    for (int i = 0; i < count / 10 + 1; ++i) work();
    Latencies latencies;
    for (int i = 0; i < count; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        latencies.ms.push_back(Milliseconds(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(latencies.ms.begin(), latencies.ms.end());
    return latencies;
}

}  // namespace pgedge::bench

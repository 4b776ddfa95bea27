#include "agent/postgres/link_log.hpp"

#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "agent/postgres/log_line.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLongestError = 500;

/// A server writes what clients gave it in their own encoding.
std::string as_utf8(std::string_view text) {
    std::string clean(text);
    if (first_bad_utf8(clean))
        for (auto& byte : clean)
            if (static_cast<unsigned char>(byte) >= 0x80) byte = '?';
    return clean;
}

/// "8490" of "2026-11-29 19:26:04.055 UTC [8490] "; empty: there is none.
std::string process_of(std::string_view prefix) {
    const auto end = prefix.rfind(']');
    const auto begin = end == std::string_view::npos ? end : prefix.rfind('[', end);
    if (begin == std::string_view::npos) return {};
    const auto inside = prefix.substr(begin + 1, end - begin - 1);
    const bool number = !inside.empty() && inside.find_first_not_of("0123456789") == std::string_view::npos;
    return number ? std::string(inside) : std::string();
}

/// What stands in `text` behind `before` and in front of `behind`.
std::string between(std::string_view text, std::string_view before, std::string_view behind) {
    const auto begin = text.find(before);
    if (begin == std::string_view::npos) return {};
    const auto from = begin + before.size();
    const auto end = text.find(behind, from);
    return end == std::string_view::npos ? std::string() : std::string(text.substr(from, end - from));
}

/// "apply INSERT from remote relation public.lk in commit before 0/1973F60, xid 734 committed at 2026-… (action #3)
/// from node replorigin 1"
void read_context(const std::string& context, ApplyFailure& failure) {
    const auto begin = context.rfind("apply ");
    if (begin == std::string::npos) return;
    const std::string_view own = std::string_view(context).substr(begin);
    if (own.find(" in commit before ") == std::string_view::npos) return;
    failure.commit_lsn = between(own, " in commit before ", ",");
    failure.xid = between(own, ", xid ", " committed at ");
    failure.committed_at = between(own, " committed at ", " (action #");
    constexpr std::string_view kNode = "from node replorigin ";
    if (const auto node = own.find(kNode); node != std::string_view::npos) {
        const auto digits = own.substr(node + kNode.size());
        failure.origin_id = std::string(digits.substr(0, digits.find_first_not_of("0123456789")));
    }
    const auto what = between(own, "apply ", " in commit before ");
    if (const auto relation = what.find(" from remote relation "); relation != std::string::npos)
        failure.action = fmt::format("{} {} {}", what.substr(0, relation),
                                     what.starts_with("INSERT")   ? "into"
                                     : what.starts_with("DELETE") ? "from"
                                                                  : "of",
                                     what.substr(relation + std::string_view(" from remote relation ").size()));
    else
        failure.action = what;
    failure.action = shortened(as_utf8(failure.action), kLongestError);
    failure.committed_at = as_utf8(failure.committed_at);
}

class Reader {
public:
    void take(const std::string& line) {
        const auto parsed = parse_log_line(line);
        if (!parsed) {
            if (!line.empty() && line.front() == '\t' && in_context_) context_ += " " + line.substr(1);
            return;
        }
        const bool part = parsed->severity == "DETAIL" || parsed->severity == "HINT" || parsed->severity == "CONTEXT" ||
                          parsed->severity == "STATEMENT";
        if (part && open_ && parsed->prefix == open_->at) {
            in_context_ = parsed->severity == "CONTEXT";
            if (in_context_) context_ = parsed->text;
            return;
        }
        close();
        if (parsed->severity == "ERROR" || parsed->severity == "FATAL") {
            open_.emplace();
            open_->at = parsed->prefix;
            open_->error = shortened(as_utf8(trimmed(parsed->text)), kLongestError);
        } else if (parsed->severity == "LOG") {
            read_log(*parsed);
        }
    }

    std::vector<ApplyFailure> failures() {
        close();
        return std::move(found_);
    }

private:
    void close() {
        in_context_ = false;
        if (!open_) return;
        read_context(context_, *open_);
        const auto process = process_of(open_->at);
        if (const auto worker = workers_.find(process); !process.empty() && worker != workers_.end())
            open_->subscription = worker->second;
        // An error of a client may carry any text; that of a worker is followed by the worker's end.
        if (process.empty()) {
            if (!open_->commit_lsn.empty()) found_.push_back(*open_);
        } else {
            waiting_[process] = *open_;
        }
        open_.reset();
        context_.clear();
    }

    void read_log(const LogLine& line) {
        constexpr std::string_view kStarts = "starting apply for subscription ", kEnds = "exiting with error";
        const auto process = process_of(line.prefix);
        if (process.empty()) return;
        if (line.text.starts_with(kStarts)) {
            workers_[process] = as_utf8(trimmed(std::string_view(line.text).substr(kStarts.size())));
            waiting_.erase(process);
        } else if (line.text.starts_with("apply worker [" + process + "]") && line.text.ends_with(kEnds)) {
            if (const auto error = waiting_.find(process); error != waiting_.end()) found_.push_back(error->second);
            waiting_.erase(process);
            workers_.erase(process);
        }
    }

    std::optional<ApplyFailure> open_;
    std::string context_;
    bool in_context_ = false;
    std::map<std::string, std::string> workers_;   ///< process to subscription
    std::map<std::string, ApplyFailure> waiting_;  ///< by process, until its end is read
    std::vector<ApplyFailure> found_;
};

}  // namespace

std::vector<ApplyFailure> apply_failures(const std::vector<std::string>& lines) {
    Reader reader;
    for (const auto& line : lines) reader.take(line);
    return reader.failures();
}

}  // namespace pgedge

#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/document.hpp"
#include "common/spec/scalars.hpp"
#include "common/spec/text_place.hpp"

namespace pgedge {
namespace {

/// The library's places are 0-based lines and bytes; ours are 1-based lines and characters.
class LineTable {
public:
    explicit LineTable(std::string_view text) : text_(text) {
        for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
            starts_.push_back(at + 1);
    }
    Position position(const YAML::Mark& mark) {
        if (mark.is_null() || mark.line < 0) return {};
        const auto byte = static_cast<std::size_t>(mark.column);
        if (mark.line != last_line_ || byte < last_byte_) {
            last_line_ = mark.line;
            last_byte_ = last_characters_ = 0;
        }
        // Counted on from the last place: a hostile text may be one long line with a place in every second byte.
        last_characters_ += length_of(line(mark.line).substr(last_byte_).substr(0, byte - last_byte_));
        last_byte_ = std::min(byte, line(mark.line).size());
        return {mark.line + 1, static_cast<int>(last_characters_) + 1};
    }
    std::string_view line(int index) const {
        const auto at = static_cast<std::size_t>(index);
        if (at >= starts_.size()) return {};
        const auto end = at + 1 < starts_.size() ? starts_[at + 1] - 1 : text_.size();
        return text_.substr(starts_[at], end - starts_[at]);
    }

    /// True when the scalar at `mark`, behind its anchor and tag, begins with a quote that nothing closes: the library
    /// takes the rest of the text for the scalar then, so half a file would be read as a whole one.
    bool is_open_quote(const YAML::Mark& mark) const {
        const auto at = static_cast<std::size_t>(mark.line);
        if (mark.is_null() || at >= starts_.size()) return false;
        auto next = std::min(starts_[at] + static_cast<std::size_t>(mark.column), text_.size());
        constexpr std::string_view kBlank = " \t\r\n";
        while (next < text_.size() && (text_[next] == '&' || text_[next] == '!'))
            next = text_.find_first_not_of(kBlank, std::min(text_.find_first_of(kBlank, next), text_.size()));
        if (next >= text_.size() || (text_[next] != '\'' && text_[next] != '"')) return false;
        const char quote = text_[next];
        for (++next; next < text_.size(); ++next) {
            if (quote == '"' && text_[next] == '\\')
                ++next;
            else if (text_[next] == quote && quote == '\'' && next + 1 < text_.size() && text_[next + 1] == quote)
                ++next;
            else if (text_[next] == quote)
                return false;
        }
        return true;
    }

private:
    std::string_view text_;
    std::vector<std::size_t> starts_{0};
    int last_line_ = -1;
    std::size_t last_byte_ = 0, last_characters_ = 0;
};

/// Builds trees from the parser's events. Keeps every bound while building, so that nothing large comes to be first.
class TreeBuilder final : public YAML::EventHandler {
public:
    explicit TreeBuilder(LineTable& lines) : lines_(lines) {}
    Documents documents;
    /// Where building stopped with an Error.
    Position stopped_at;

    void OnDocumentStart(const YAML::Mark&) override {
        open_.clear();
        anchors_.clear();
        root_ = Value();
    }
    void OnDocumentEnd() override {
        if (root_.kind != Value::Kind::null) documents.roots.push_back(std::move(root_));
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        finish(start(mark, Value::Kind::null), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) stop(mark, "an alias refers to the value it stands in");
        count(mark, known->second.values, known->second.bytes);
        if (open_.size() + known->second.depth > kMaxDepth)
            stop(mark, fmt::format("nested deeper than {} levels", kMaxDepth));
        if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, known->second.depth + 1);
        place(known->second.value);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        const bool is_text = tag == "!" || tag == "tag:yaml.org,2002:str";
        if (!is_text && tag != "?" && !tag.empty())
            complain(lines_.position(mark), "the tag " + shortened(tag, 60) + " is not known", "remove it");
        if (tag == "!" && lines_.is_open_quote(mark)) stop(mark, "a quote is not closed");
        count(mark, 0, text.size());
        Value value = start(mark, is_text ? Value::Kind::quoted : Value::Kind::plain);
        value.text = text;
        finish(std::move(value), anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, Value::Kind::list, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, Value::Kind::map, anchor);
    }
    void OnMapEnd() override { close(); }

    void complain(Position at, std::string text, std::string hint = {}) {
        documents.problems.push_back({.line = at.line,
                                      .column = at.column,
                                      .text = std::move(text),
                                      .hint = std::move(hint),
                                      .name = "decode_payload"});
    }

private:
    /// A list or map that has begun and not ended.
    struct Open {
        Value value;
        YAML::anchor_t anchor = 0;
        std::size_t values_before = 0, bytes_before = 0;
        std::size_t depth = 1;  ///< levels inside, itself included
        std::set<std::string> names;
        bool has_key = false;  ///< of a map: the next event is a value
        bool keep = true;      ///< of a map: false when the key was refused
        Value::Entry entry;
    };
    struct Anchored {
        Value value;
        std::size_t values = 0, bytes = 0, depth = 0;
    };

    Value start(const YAML::Mark& mark, Value::Kind kind) {
        count(mark, 1, 0);
        Value value;
        value.kind = kind;
        value.at = lines_.position(mark);
        return value;
    }

    void open(const YAML::Mark& mark, Value::Kind kind, YAML::anchor_t anchor) {
        if (open_.size() >= kMaxDepth) stop(mark, fmt::format("nested deeper than {} levels", kMaxDepth));
        Open fresh;
        fresh.values_before = values_;
        fresh.bytes_before = bytes_;
        fresh.value = start(mark, kind);
        fresh.anchor = anchor;
        open_.push_back(std::move(fresh));
    }

    void close() {
        Open done = std::move(open_.back());
        open_.pop_back();
        if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, done.depth + 1);
        if (done.anchor != 0)
            anchors_[done.anchor] = {done.value, values_ - done.values_before, bytes_ - done.bytes_before, done.depth};
        place(std::move(done.value));
    }

    void finish(Value value, YAML::anchor_t anchor) {
        if (anchor != 0) anchors_[anchor] = {value, 1, value.text.size(), 0};
        place(std::move(value));
    }

    /// Puts a whole value where it belongs: root, item of a list, key or value of a map.
    void place(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        Open& top = open_.back();
        if (top.value.kind == Value::Kind::list)
            top.value.items.push_back(std::move(value));
        else if (!top.has_key)
            take_key(top, value);
        else
            take_entry(top, std::move(value));
    }

    void take_key(Open& map, const Value& key) {
        map.has_key = true;
        map.entry = {key.text, key.at, {}};
        map.keep = false;
        if (!key.is_scalar() || (key.kind == Value::Kind::plain && !is_plain_text(key.text)))
            complain(key.at, "a key has to be a text",
                     key.is_scalar() ? "write it in quotes: \"" + shortened(key.text, 60) + "\"" : "");
        else if (key.kind == Value::Kind::plain && key.text == "<<")
            complain(key.at, "merge keys (<<) are not part of YAML 1.2",
                     "repeat the values, or use an alias for the whole value");
        else if (!map.names.insert(key.text).second)
            complain(key.at, "the key \"" + shortened(key.text, 60) + "\" stands twice in one map");
        else
            map.keep = true;
    }

    void take_entry(Open& map, Value value) {
        map.has_key = false;
        if (!map.keep) return;
        if (value.kind == Value::Kind::null)
            value.at = map.entry.at;  // "key:" alone: the library points at the next line
        map.entry.value = std::move(value);
        map.value.entries.push_back(std::move(map.entry));
    }

    void count(const YAML::Mark& mark, std::size_t values, std::size_t bytes) {
        constexpr std::size_t kMaxBytes = 4 << 20;  // aliases may repeat long texts
        values_ += values;
        bytes_ += bytes;
        if (values_ > kMaxValues) stop(mark, fmt::format("there are more than {} values", kMaxValues));
        if (bytes_ > kMaxBytes) stop(mark, "the texts that aliases repeat are too large");
    }

    [[noreturn]] void stop(const YAML::Mark& mark, std::string text) {
        stopped_at = lines_.position(mark);
        throw Error(ErrorKind::invalid_input, std::move(text));
    }

    LineTable& lines_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    Value root_;
    std::size_t values_ = 0, bytes_ = 0;
};

/// What YAML does not allow and the library lets through: U+0004 even ends the text there without a word.
std::optional<std::size_t> first_bad_character(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) return at;
    }
    return std::nullopt;
}

bool is_indented_by_tab(std::string_view line) {
    const auto blank = line.substr(0, line.find_first_not_of(" \t"));
    return blank.find('\t') != std::string_view::npos;
}

Documents refused(Position at, std::string text) {
    return {{}, {{.line = at.line, .column = at.column, .text = std::move(text), .name = "decode_payload"}}};
}

}  // namespace

Documents parse_yaml(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
    if (const auto bad = first_bad_utf8(text)) return refused(position_of(text, *bad), "this is not UTF-8");
    if (const auto bad = first_bad_character(text))
        return refused(position_of(text, *bad), "a control character stands here");
    LineTable lines(text);
    TreeBuilder builder(lines);
    try {
        std::istringstream input{std::string(text)};
        YAML::Parser parser(input);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& error) {
        if (!error.mark.is_null() && is_indented_by_tab(lines.line(error.mark.line)))
            builder.complain(lines.position(error.mark), "a tab cannot indent YAML", "use spaces");
        else
            builder.complain(lines.position(error.mark), "not valid YAML: " + error.msg);
    } catch (const Error& error) {
        builder.complain(builder.stopped_at, error.text());
    }
    return std::move(builder.documents);
}

}  // namespace pgedge

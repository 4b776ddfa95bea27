#pragma once

#include <string>
#include <vector>

#include "common/spec/document.hpp"
#include "common/spec/fields.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// Who wrote what is read, and so how strictly it is taken.
enum class Origin {
    body,    ///< an API client: JSON's types, secrets are literals, bounds are checked
    file,    ///< a spec file: scalars are taken as the field wants them, secrets are references
    stored,  ///< ourselves: secrets are references to the store, bounds were checked before
    shown,   ///< a server, maybe a newer one: unknown fields are left out, secrets are missing
};

/// Fills structs from trees by the fields table and notes everything that is wrong.
class Reader {
public:
    explicit Reader(Origin origin, bool literals_are_problems = false)
        : origin_(origin), literals_are_problems_(literals_are_problems) {}

    /// `object` is the struct that `type` describes. `path` is that of `value`; empty for a document.
    void read(const Value& value, const Type& type, void* object, const std::string& path = {});

    std::vector<Problem> problems, warnings;  ///< as add_problem() keeps them

private:
    struct Target {
        void* object = nullptr;  ///< the struct of the field's type, or
        Json* json = nullptr;    ///< the object of a service's config
    };
    void read_map(const Value& value, const Type& type, Target target, const std::string& path);
    void read_field(const Value& value, const Field& field, Target target, const std::string& path);
    void read_text(const Value& value, const Field& field, Target target, const std::string& path);
    void read_integer(const Value& value, const Field& field, Target target, const std::string& path);
    void read_number(const Value& value, const Field& field, Target target, const std::string& path);
    void read_boolean(const Value& value, const Field& field, Target target, const std::string& path);
    void read_secret(const Value& value, const Field& field, Target target, const std::string& path);
    void read_settings(const Value& value, const Field& field, Target target, const std::string& path);
    void read_texts(const Value& value, const Field& field, Target target, const std::string& path);
    void read_objects(const Value& value, const Field& field, Target target, const std::string& path);
    void read_config(const Value& service, const Field& field, Target target, const std::string& path);

    std::optional<std::string> text_of(const Value& value, const std::string& path);
    void check_text(const std::string& text, const Field& field, const Value& value, const std::string& path);
    void check_count(std::size_t count, const Field& field, const Value& value, const std::string& path);
    void check_secret_text(const std::string& text, const Field& field, const Value& value, const std::string& path);
    bool expect(Value::Kind kind, const Value& value, const std::string& path);
    bool full() const { return problems.size() >= kMaxProblems; }
    bool bounded() const { return origin_ == Origin::body || origin_ == Origin::file; }
    void complain(const Position& at, const std::string& path, std::string_view name, std::string text,
                  std::string hint = {});

    Origin origin_;
    bool literals_are_problems_;
};

/// "between 1 and 9", "at least 1", "at most 9"; with a noun: "at least 1 item", "between 1 and 9 items".
std::string bounds_text(const Bounds& bounds, std::string_view noun = {});

}  // namespace pgedge

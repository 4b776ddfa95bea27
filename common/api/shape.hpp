#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/api/answer_fields.hpp"
#include "common/api/schema_words.hpp"
#include "common/base/clock.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// A shape is the table of an object's fields: name, type, text for people, where its value comes from in the agent,
/// and where a client keeps it. The answer, its schema in the OpenAPI document and its decoding are all made from it.
///
///     Shape<Task, TaskAnswer> shape("Task", "task");
///     shape.must("task_id", uuid_text(), &Task::id, needed(&TaskAnswer::id))   // always there
///          .may("error", text("Why it failed"), &Task::error, &TaskAnswer::error);  // left out when empty
///
/// must() is a promise to clients: `required` in the document. The order of the rows is that of the answer.
/// `out` is a member of From, or of what From converts to, or a function of From: text, number, boolean, time, list,
/// Json, an enum with to_string(), or an optional of these (never null: left out when empty, and else there even as an
/// empty text). `in` is a member of Into, or a function of AnswerFields and Into; the client ignores a field without.

/// For a field that is described and not written, or not read.
struct NoValue {};

/// A client cannot do without this text.
template <class Into>
struct Needed {
    std::string Into::*member;
};
template <class Into>
Needed<Into> needed(std::string Into::*member) {
    return {member};
}

/// For a field that is not promised and there all the same, even as an empty text.
template <class Class, class Member>
auto always(Member Class::*member) {
    return [member](const Class& from) { return std::optional<Member>(from.*member); };
}

namespace shape_detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// The value of a getter: `member` may be one of what From converts to.
template <class From, class Class, class Member>
const Member& value_of(const From& from, Member Class::*member) {
    return static_cast<const Class&>(from).*member;
}
template <class From, class Getter>
requires std::is_invocable_v<const Getter&, const From&>
decltype(auto) value_of(const From& from, const Getter& getter) { return getter(from); }

template <class Value>
void put(OrderedJson& to, const std::string& name, const Value& value, bool even_if_empty) {
    if constexpr (std::is_same_v<Value, std::string>) {
        if (even_if_empty || !value.empty()) to[name] = value;
    } else if constexpr (std::is_same_v<Value, WallTime>) {
        to[name] = to_rfc3339(value);
    } else if constexpr (std::is_enum_v<Value>) {
        to[name] = to_string(value);
    } else if constexpr (IsOptional<Value>::value || std::is_pointer_v<Value>) {
        if (value) put(to, name, *value, true);
    } else {
        to[name] = value;
    }
}

template <class Into, class Class, class Member>
void take(const AnswerFields& fields, const char* name, Into& into, Member Class::*member) {
    Member& at = static_cast<Class&>(into).*member;
    if constexpr (std::is_same_v<Member, std::string>)
        at = fields.text(name);
    else if constexpr (std::is_same_v<Member, bool>)
        at = fields.flag(name);
    else if constexpr (std::is_same_v<Member, std::vector<std::string>>)
        at = fields.texts(name);
    else if constexpr (std::is_same_v<Member, std::map<std::string, std::string>>)
        at = fields.text_map(name);
    else if constexpr (std::is_same_v<Member, Json>)
        at = fields.object(name);
    else if constexpr (std::is_integral_v<Member>)
        at = static_cast<Member>(fields.number(name).value_or(0));
    else if (const auto number = fields.number(name))  // an optional number
        at = static_cast<typename Member::value_type>(*number);
}
template <class Into, class Class>
void take(const AnswerFields& fields, const char* name, Into& into, Needed<Class> in) {
    static_cast<Class&>(into).*in.member = fields.needed(name);
}
template <class Into, class Reader>
requires std::is_invocable_v<const Reader&, const AnswerFields&, Into&>
void take(const AnswerFields& fields, const char*, Into& into, const Reader& in) { in(fields, into); }

}  // namespace shape_detail

template <class From, class Into>
class Shape {
public:
    /// `name`: of the schema, "Task". `what`: for messages of a client, "task".
    Shape(std::string name, std::string what) : name_(std::move(name)), what_(std::move(what)) {}

    template <class Out = NoValue, class In = NoValue>
    Shape& must(const char* name, OrderedJson schema, Out out = {}, In in = {}) {
        return add(schema::must(name, std::move(schema)), writer(name, out, true), reader(name, in));
    }
    template <class Out = NoValue, class In = NoValue>
    Shape& may(const char* name, OrderedJson schema, Out out = {}, In in = {}) {
        return add(schema::may(name, std::move(schema)), writer(name, out, false), reader(name, in));
    }

    /// A second place of a field described above, for answers in which it was not written there.
    template <class Out>
    Shape& or_here(const char* name, Out out) {
        const auto write = writer(name, out, false);
        fields_.push_back({std::nullopt,
                           [name, write](const From& from, OrderedJson& to) {
                               if (!to.contains(name)) write(from, to);
                           },
                           [](const AnswerFields&, Into&) {}});
        return *this;
    }

    /// An object of another shape that stands in the same From and Into: its fields are a part of ours in all but the
    /// document. `out` gives what it is written from: a value, or a pointer or optional that is empty when it is
    /// absent.
    template <class Inner, class Out>
    Shape& object(bool required, const char* name, const Shape<Inner, Into>& inner, Out out) {
        part(inner);
        return add(
            {name, schema::ref(inner.name()), required},
            [name, &inner, out](const From& from, OrderedJson& to) {
                decltype(auto) value = shape_detail::value_of(from, out);
                using Value = std::decay_t<decltype(value)>;
                if constexpr (std::is_pointer_v<Value> || shape_detail::IsOptional<Value>::value) {
                    if (value) to[name] = inner.write(*value);
                } else {
                    to[name] = inner.write(value);
                }
            },
            [name, &inner](const AnswerFields& fields, Into& into) { inner.read_into(fields.object(name), into); });
    }

    /// A list of objects of another shape.
    template <class Inner, class Item, class Out, class In = NoValue>
    Shape& list(bool required, const char* name, const Shape<Inner, Item>& inner, Out out, In in = {}) {
        part(inner);
        return add(
            {name, schema::list_of(schema::ref(inner.name())), required},
            [name, &inner, out](const From& from, OrderedJson& to) {
                OrderedJson& list = to[name] = OrderedJson::array();
                for (const auto& item : shape_detail::value_of(from, out)) list.push_back(inner.write(item));
            },
            list_reader(name, inner, in));
    }

    /// All fields of another shape, as our own. From and Into convert to what it is made for.
    template <class OtherFrom, class OtherInto>
    Shape& include(const Shape<OtherFrom, OtherInto>& other) {
        parts_.insert(other.parts().begin(), other.parts().end());
        for (const auto& field : other.fields())
            fields_.push_back({field.schema,
                               [write = field.write](const From& from, OrderedJson& to) {
                                   write(static_cast<const OtherFrom&>(from), to);
                               },
                               [read = field.read](const AnswerFields& fields, Into& into) {
                                   read(fields, static_cast<OtherInto&>(into));
                               }});
        return *this;
    }

    /// Another shape that the schema refers to, where object() and list() do not say so.
    template <class Inner, class Other>
    Shape& part(const Shape<Inner, Other>& inner) {
        parts_.merge(inner.definitions());
        return *this;
    }

    const std::string& name() const { return name_; }
    /// Schemas by name: ours and those of all that we hold.
    std::map<std::string, OrderedJson> definitions() const {
        auto all = parts_;
        all.emplace(name_, schema());
        return all;
    }
    OrderedJson schema() const {
        std::vector<schema::SchemaField> all;
        for (const auto& field : fields_)
            if (field.schema) all.push_back(*field.schema);
        return schema::object_of(all);
    }
    OrderedJson write(const From& from) const {
        OrderedJson json = OrderedJson::object();
        for (const auto& field : fields_) field.write(from, json);
        return json;
    }
    /// Throws Error{failed} naming a field that is missing or of a wrong type. Into::json, if any, becomes `json`.
    Into read(const Json& json) const {
        Into into;
        read_into(json, into);
        if constexpr (requires { into.json = json; }) into.json = json;
        return into;
    }
    void read_into(const Json& json, Into& into) const {
        const AnswerFields fields(json, what_);
        for (const auto& field : fields_) field.read(fields, into);
    }

    struct Field {
        std::optional<schema::SchemaField> schema;  ///< none: described by an earlier row
        std::function<void(const From&, OrderedJson&)> write;
        std::function<void(const AnswerFields&, Into&)> read;
    };
    const std::vector<Field>& fields() const { return fields_; }
    const std::map<std::string, OrderedJson>& parts() const { return parts_; }  ///< schemas of all that we hold

private:
    Shape& add(schema::SchemaField schema, std::function<void(const From&, OrderedJson&)> write,
               std::function<void(const AnswerFields&, Into&)> read) {
        fields_.push_back({std::move(schema), std::move(write), std::move(read)});
        return *this;
    }
    template <class Out>
    static std::function<void(const From&, OrderedJson&)> writer(const char* name, Out out, bool even_if_empty) {
        if constexpr (std::is_same_v<Out, NoValue>)
            return [](const From&, OrderedJson&) {};
        else
            return [name, out, even_if_empty](const From& from, OrderedJson& to) {
                shape_detail::put(to, name, shape_detail::value_of(from, out), even_if_empty);
            };
    }
    template <class In>
    static std::function<void(const AnswerFields&, Into&)> reader(const char* name, In in) {
        if constexpr (std::is_same_v<In, NoValue>)
            return [](const AnswerFields&, Into&) {};
        else
            return [name, in](const AnswerFields& fields, Into& into) { shape_detail::take(fields, name, into, in); };
    }

    template <class Inner, class Item, class In>
    static std::function<void(const AnswerFields&, Into&)> list_reader(const char* name,
                                                                       const Shape<Inner, Item>& inner, In in) {
        if constexpr (std::is_member_object_pointer_v<In>)
            return [name, &inner, in](const AnswerFields& fields, Into& into) {
                for (const Json& item : fields.array(name)) (into.*in).push_back(inner.read(item));
            };
        else
            return reader(name, in);
    }

    std::string name_, what_;
    std::vector<Field> fields_;
    std::map<std::string, OrderedJson> parts_;
};

}  // namespace pgedge

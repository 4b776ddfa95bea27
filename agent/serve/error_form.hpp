#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// Why a request is not answered as it wished, before it has the form of an API.
struct Failure {
    int status = 500;
    std::string name;                             ///< the API's name: "not_found"
    std::string message;                          ///< for people; of an Error with its hint
    OrderedJson details = OrderedJson::object();  ///< more for programs, where the API's form has room for it

    Failure(int its_status, std::string_view its_name, std::string_view its_message)
        : status(its_status), name(its_name), message(its_message) {}
    /// With the status that belongs to the error's name.
    Failure(const Error& error) : Failure(error.http_status(), error.name(), error.text_and_hint()) {}
};

/// How an API says that something went wrong. Safe from any thread.
class ErrorForm {
public:
    virtual ~ErrorForm() = default;
    virtual HttpResponse failure(const Failure& failure) const = 0;
    /// No route has this path. Unless overridden a failure "not_found" with status 404.
    virtual HttpResponse unknown_path(const HttpRequest& request) const;
    /// A route has this path, and none this method. Allow is added by the router. Unless overridden a failure
    /// "method_not_allowed" with status 405.
    virtual HttpResponse wrong_method(const HttpRequest& request) const;
};

/// {"name": …, "message": …} with the name once more in the header `goa-error`; an unknown path is 404 in plain text,
/// as Go's router says it: the form of the pgEdge Control Plane, and of what agents ask each other.
class NamedErrors : public ErrorForm {
public:
    HttpResponse failure(const Failure& failure) const override;
    HttpResponse unknown_path(const HttpRequest& request) const override;
};
const std::shared_ptr<const ErrorForm>& named_errors();

}  // namespace pgedge

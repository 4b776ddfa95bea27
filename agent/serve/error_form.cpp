#include "agent/serve/error_form.hpp"

namespace pgedge {

HttpResponse ErrorForm::unknown_path(const HttpRequest& request) const {
    return failure({404, "not_found", "there is no " + request.path});
}

HttpResponse ErrorForm::wrong_method(const HttpRequest& request) const {
    return failure({405, "method_not_allowed", request.method + " is not allowed here"});
}

HttpResponse NamedErrors::failure(const Failure& failure) const {
    HttpResponse response;
    response.status = failure.status;
    response.headers = {{"Content-Type", "application/json"}, {"goa-error", failure.name}};
    response.body = to_text(OrderedJson{{"name", failure.name}, {"message", failure.message}});
    return response;
}

HttpResponse NamedErrors::unknown_path(const HttpRequest&) const {
    return {.status = 404,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = "404 page not found\n",
            .stream = {}};
}

const std::shared_ptr<const ErrorForm>& named_errors() {
    static const std::shared_ptr<const ErrorForm> form = std::make_shared<NamedErrors>();
    return form;
}

}  // namespace pgedge

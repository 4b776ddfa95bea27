#include "common/net/curl_library.hpp"

#include <dlfcn.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr const char* kLibrary = "libcurl.so.4";

template <class Function>
void find(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(::dlsym(library, name));
    if (!into) throw Error(ErrorKind::failed, std::string(kLibrary) + " has no " + name);
}

CurlLibrary load() {
    void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // for as long as the process lives
    if (!library)
        throw Error(ErrorKind::failed, std::string("libcurl cannot be loaded: ") + ::dlerror(),
                    "install the package libcurl4");
    CurlLibrary all{};
    find(library, "curl_global_init", all.global_init);
    find(library, "curl_slist_append", all.slist_append);
    find(library, "curl_slist_free_all", all.slist_free_all);
    find(library, "curl_easy_init", all.easy_init);
    find(library, "curl_easy_cleanup", all.easy_cleanup);
    find(library, "curl_easy_reset", all.easy_reset);
    find(library, "curl_easy_setopt", all.easy_setopt);
    find(library, "curl_easy_getinfo", all.easy_getinfo);
    find(library, "curl_easy_strerror", all.easy_strerror);
    find(library, "curl_multi_init", all.multi_init);
    find(library, "curl_multi_cleanup", all.multi_cleanup);
    find(library, "curl_multi_setopt", all.multi_setopt);
    find(library, "curl_multi_add_handle", all.multi_add_handle);
    find(library, "curl_multi_remove_handle", all.multi_remove_handle);
    find(library, "curl_multi_perform", all.multi_perform);
    find(library, "curl_multi_poll", all.multi_poll);
    find(library, "curl_multi_wakeup", all.multi_wakeup);
    find(library, "curl_multi_info_read", all.multi_info_read);
    if (all.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw Error(ErrorKind::internal, "libcurl does not start");
    return all;
}

}  // namespace

const CurlLibrary& curl() {
    static const CurlLibrary library = load();
    return library;
}

}  // namespace pgedge

#include <curl/curl.h>
#include <sys/socket.h>

// Variadic in libcurl, so not importable as they are.
static inline CURLcode ccurl_set_number(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_sink(
    CURL *easy, CURLoption function, CURLoption data, size_t (*sink)(char *, size_t, size_t, void *), void *cls) {
    CURLcode code = curl_easy_setopt(easy, function, sink);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, data, cls);
}
static inline long ccurl_status(CURL *easy) {
    long status = 0;
    return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

// This version opens its sockets without it, and a program we execute must not inherit a connection.
static inline curl_socket_t ccurl_open_socket(void *cls, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)cls;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
static inline CURLcode ccurl_close_sockets_on_exec(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &ccurl_open_socket);
}

// What is asked each time a request is about to be sent on a connection.
static inline CURLcode ccurl_set_before_sending(
    CURL *easy, int (*ask)(void *, char *, char *, int, int), void *cls) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, ask);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_PREREQDATA, cls);
}

static inline CURLMcode ccurl_set_most_connections(CURLM *multi, long most) {
    return curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
}

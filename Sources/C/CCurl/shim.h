#include <curl/curl.h>

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

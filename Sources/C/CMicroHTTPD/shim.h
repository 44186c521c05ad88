#include <microhttpd.h>

// Variadic in libmicrohttpd, so not importable as they are.

// Leaves the target as it was sent: %2F in a path segment must not become a separator before anyone has looked.
static inline size_t cmhd_keep_escapes(void *cls, struct MHD_Connection *connection, char *text) {
    size_t count = 0;
    (void)cls;
    (void)connection;
    while (text[count] != 0) count++;
    return count;
}

// A thread a connection, no listening socket of its own: connections arrive by MHD_add_connection.
static inline struct MHD_Daemon *cmhd_start(
    size_t pool_bytes, size_t stack_bytes, MHD_AccessHandlerCallback access,
    void *(*target)(void *, const char *, struct MHD_Connection *), MHD_RequestCompletedCallback completed,
    MHD_NotifyConnectionCallback connection, void *cls) {
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_NO_LISTEN_SOCKET
            | MHD_USE_ITC,
        0, NULL, NULL, access, cls,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes,
        MHD_OPTION_THREAD_STACK_SIZE, stack_bytes,
        MHD_OPTION_CONNECTION_LIMIT, 1u << 20,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, &cmhd_keep_escapes, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, target, cls,
        MHD_OPTION_NOTIFY_COMPLETED, completed, cls,
        MHD_OPTION_NOTIFY_CONNECTION, connection, cls,
        MHD_OPTION_END);
}

static inline int cmhd_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

// What the connection callback stored when the connection began.
static inline void *cmhd_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// The status of the answer that is being sent; 0 where there is none.
static inline unsigned cmhd_status(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    return info ? info->http_status : 0;
}

// The shape that was not chosen: an epoll pool, answering at once or from a worker after suspending. Measured by
// `postern-bench shape` only.
static inline struct MHD_Daemon *cmhd_start_pool(
    int listening, unsigned threads, size_t pool_bytes, MHD_AccessHandlerCallback access, void *cls) {
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, access, cls,
        MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes,
        MHD_OPTION_CONNECTION_LIMIT, 4096u,
        MHD_OPTION_END);
}

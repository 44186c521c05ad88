import CCurl

/// What libcurl keeps from one call to the next when it is let: certificates it has parsed and, unless a call forbids
/// it, open connections. Each call has a handle of its own, so nothing else of it is left. Used by one thread at a time.
@safe final class Connections: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    init?() {
        guard Easy.ready, let made = unsafe curl_multi_init() else { return nil }
        unsafe handle = made
    }

    deinit { unsafe curl_multi_cleanup(handle) }

    /// At most so many connections wait for the next call.
    func keep(atMost count: Int) { unsafe ccurl_set_most_connections(handle, count) }

    /// The same, and while nothing happens `watched` is looked at too: the transfer is given up when it can be read, or
    /// when `goesOn` says no, which is asked at least four times a second.
    @unsafe func run(
        _ easy: UnsafeMutableRawPointer, watching watched: () -> Int32?, _ goesOn: () -> Bool
    ) -> CURLcode {
        guard unsafe curl_multi_add_handle(handle, easy) == CURLM_OK else { return CURLE_FAILED_INIT }
        defer { unsafe curl_multi_remove_handle(handle, easy) }
        var running: Int32 = 1
        while true {
            guard unsafe curl_multi_perform(handle, &running) == CURLM_OK else { return CURLE_FAILED_INIT }
            guard running > 0 else { return unsafe result() }
            var other = curl_waitfd(fd: watched() ?? -1, events: Int16(CURL_WAIT_POLLIN), revents: 0)
            var ready: Int32 = 0
            guard unsafe curl_multi_poll(handle, &other, other.fd < 0 ? 0 : 1, 250, &ready) == CURLM_OK else {
                return CURLE_FAILED_INIT
            }
            guard other.revents == 0, goesOn() else { return CURLE_ABORTED_BY_CALLBACK }
        }
    }

    /// What `curl_easy_perform` does, with this as its memory: returns when the transfer has ended.
    @unsafe func run(_ easy: UnsafeMutableRawPointer) -> CURLcode {
        guard unsafe curl_multi_add_handle(handle, easy) == CURLM_OK else { return CURLE_FAILED_INIT }
        defer { unsafe curl_multi_remove_handle(handle, easy) }
        var running: Int32 = 1
        while running > 0 {
            guard unsafe curl_multi_perform(handle, &running) == CURLM_OK else { return CURLE_FAILED_INIT }
            // Wakes for the transfer's own timeouts by itself.
            if running > 0, unsafe curl_multi_poll(handle, nil, 0, 1000, nil) != CURLM_OK { return CURLE_FAILED_INIT }
        }
        return unsafe result()
    }

    @unsafe private func result() -> CURLcode {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(handle, &left) {
            if unsafe message.pointee.msg == CURLMSG_DONE { return unsafe message.pointee.data.result }
        }
        return CURLE_FAILED_INIT
    }
}

import CCurl

/// A libcurl handle, for one call.
@safe final class Easy {
    let handle: UnsafeMutableRawPointer

    /// libcurl's own start, once a process.
    static let ready = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init?() {
        guard Self.ready, let made = unsafe curl_easy_init() else { return nil }
        unsafe handle = made
    }

    deinit { unsafe curl_easy_cleanup(handle) }

    func perform(
        _ request: HTTPClient.Request, over connections: Connections, reusing: Bool, proxy: String,
        certificates: String?, events: HTTPClient.Events? = nil
    ) throws(HTTPClient.Failure) -> HTTPClient.Answer {
        let url = try Address(request)
        let fields = try FieldList(request)
        let sink = Sink(limit: request.answerLimit, events: events)
        let code = unsafe request.body.withUnsafeBytes { body in
            configure(request, proxy, certificates)
            if let events {
                unsafe ccurl_set_number(handle, CURLOPT_TIMEOUT_MS, 0)
                unsafe ccurl_set_number(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
                unsafe ccurl_set_number(handle, CURLOPT_LOW_SPEED_TIME, max(1, events.silence))
            }
            if !reusing {
                for (option, value) in [
                    (CURLOPT_FRESH_CONNECT, 1), (CURLOPT_FORBID_REUSE, 1), (CURLOPT_SSL_SESSIONID_CACHE, 0),
                ] { unsafe ccurl_set_number(handle, option, value) }
            }
            unsafe ccurl_set_pointer(handle, CURLOPT_CURLU, UnsafeRawPointer(url.handle))
            unsafe ccurl_set_pointer(handle, CURLOPT_HTTPHEADER, fields.list)
            unsafe send(body, of: request)
            receive(into: sink)
            return unsafe connections.run(handle)
        }
        guard code == CURLE_OK else { throw failure(code, sink) }
        return HTTPClient.Answer(status: unsafe ccurl_status(handle), headers: sink.headers, body: sink.body)
    }

    /// A body that is there as a whole. The memory is lent until the transfer ends.
    @unsafe func send(_ body: UnsafeRawBufferPointer, of request: HTTPClient.Request) {
        if body.count > 0 {
            unsafe ccurl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, body.count)
            unsafe ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress)
        } else if ["POST", "PUT", "PATCH"].contains(request.method) {
            // Says Content-Length: 0, as RFC 9110, section 8.6, wants of these.
            unsafe ccurl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, 0)
            unsafe ccurl_set_text(handle, CURLOPT_COPYPOSTFIELDS, "")
        }
        setMethod(of: request)
    }

    /// After the body, which by itself would make it a POST.
    func setMethod(of request: HTTPClient.Request) {
        unsafe ccurl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
        if request.method == "HEAD" { unsafe ccurl_set_number(handle, CURLOPT_NOBODY, 1) }
    }

    func receive(into sink: Sink) {
        let target = unsafe Unmanaged.passUnretained(sink).toOpaque()
        unsafe ccurl_set_sink(handle, CURLOPT_WRITEFUNCTION, CURLOPT_WRITEDATA, bodyArrived, target)
        unsafe ccurl_set_sink(handle, CURLOPT_HEADERFUNCTION, CURLOPT_HEADERDATA, headerArrived, target)
    }

    var status: Int { unsafe ccurl_status(handle) }

    func configure(_ request: HTTPClient.Request, _ proxy: String, _ certificates: String?) {
        let numbers: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_SSL_VERIFYPEER, 1),
            (CURLOPT_SSL_VERIFYHOST, 2), (CURLOPT_HTTP_CONTENT_DECODING, 1), (CURLOPT_PATH_AS_IS, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, max(1, request.connectTimeout)), (CURLOPT_TIMEOUT_MS, max(1, request.timeout)),
            (CURLOPT_NETRC, 0),
        ]
        for (option, value) in numbers { unsafe ccurl_set_number(handle, option, value) }
        unsafe ccurl_close_sockets_on_exec(handle)
        unsafe ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        unsafe ccurl_set_text(handle, CURLOPT_PROXY, proxy)
        // The directory holds what the file holds, and with it libcurl would read the file anew for each connection.
        unsafe ccurl_set_pointer(handle, CURLOPT_CAPATH, nil)
        if let certificates { unsafe ccurl_set_text(handle, CURLOPT_CAINFO, certificates) }
        if let path = request.unixSocket { unsafe ccurl_set_text(handle, CURLOPT_UNIX_SOCKET_PATH, path) }
    }

    func failure(_ code: CURLcode, _ sink: Sink) -> HTTPClient.Failure {
        if sink.overflowed { return HTTPClient.Failure(.tooLarge, "the answer is over its limit") }
        let kind: HTTPClient.Failure.Kind =
            switch code {
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
            case CURLE_COULDNT_CONNECT: .connect
            case CURLE_OPERATION_TIMEDOUT: .timeout
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
                .tls
            case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_BAD_FUNCTION_ARGUMENT: .internal
            case CURLE_URL_MALFORMAT: .refused
            // With CURLE_UNSUPPORTED_PROTOCOL, which here says that the answer was no HTTP: the request had left.
            default: .closed
            }
        return HTTPClient.Failure(kind, unsafe String(cString: curl_easy_strerror(code)))
    }
}

/// What has come of an answer.
class Sink {
    private(set) var headers: [HTTPClient.Header] = []
    private(set) var body: [UInt8] = []
    final var overflowed = false
    private let limit: Int
    private var headerBytes = 0
    private let events: HTTPClient.Events?
    private var isSuccess = false

    init(limit: Int, events: HTTPClient.Events? = nil) {
        self.limit = limit
        self.events = events
    }

    func take(body bytes: UnsafeRawBufferPointer) -> Bool {
        if isSuccess, let events { return unsafe events.take([UInt8](bytes)) }
        guard body.count + bytes.count <= limit else {
            overflowed = true
            return false
        }
        unsafe body.append(contentsOf: bytes)
        return true
    }

    /// One line with its end: a status line, a field or the empty line.
    func take(header bytes: UnsafeRawBufferPointer) -> Bool {
        headerBytes += bytes.count
        guard headerBytes <= 64 * 1024 else {
            overflowed = true
            return false
        }
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            headers = []
            isSuccess = line.split(separator: " ").dropFirst().first?.hasPrefix("2") ?? false
        } else if line == "\r\n" || line == "\n" {
            if isSuccess { events?.opened() }
        } else if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
            headers.append(
                HTTPClient.Header(
                    String(line[..<colon]), Self.trimmed(line.utf8[line.utf8.index(after: colon)...])))
        }
        return true
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(Substring(text))
    }
}

private let bodyArrived: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, cls in
    guard let cls = unsafe cls else { return 0 }
    let sink = unsafe Unmanaged<Sink>.fromOpaque(cls).takeUnretainedValue()
    return unsafe sink.take(body: UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}

private let headerArrived: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, cls in
    guard let cls = unsafe cls else { return 0 }
    let sink = unsafe Unmanaged<Sink>.fromOpaque(cls).takeUnretainedValue()
    return unsafe sink.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}

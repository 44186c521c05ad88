import CCurl

/// Calls one after the other over connections that are kept from one to the next, their bodies passed on piece by piece.
/// Used by one thread.
///
/// HTTP/1.1 only: one call at a time has nothing of HTTP/2, whose tables would remember headers.
@safe package final class Line {
    /// A request body that comes while it is sent.
    package struct Upload {
        /// Bytes in all; nil is sent in chunks (RFC 9112, section 7.1).
        let length: Int?
        let pull: (inout MutableSpan<UInt8>) -> Int?

        /// `pull` fills what it is lent and says how much, 0 at the end, nil to give up; it may block.
        package init(length: Int?, pull: @escaping (inout MutableSpan<UInt8>) -> Int?) {
            self.length = length
            self.pull = pull
        }
    }

    /// What becomes of the answer; whoever says false ends the call.
    package struct Receiver {
        let head: (Int, [HTTPClient.Header]) -> Bool
        let piece: (Span<UInt8>) -> Bool
        let goesOn: () -> Bool

        /// `head` once, then `piece` as often as bytes arrive, which may block; `goesOn` at least four times a second while
        /// neither blocks.
        package init(
            head: @escaping (Int, [HTTPClient.Header]) -> Bool, piece: @escaping (Span<UInt8>) -> Bool,
            goesOn: @escaping () -> Bool
        ) {
            self.head = head
            self.piece = piece
            self.goesOn = goesOn
        }
    }

    private let connections: Connections
    private let certificates: String?

    /// Connections that wait for the next call.
    private static let most = 4
    /// Seconds a connection may have waited. A server may be about to close one that it finds idle; what must not be
    /// sent twice goes only over a connection that was used a moment ago.
    private static let (usualAge, briefAge) = (15, 4)

    /// `certificates`: a file of trusted certificates (PEM) instead of the system's. nil where libcurl does not start.
    package init?(certificates: String? = nil) {
        guard let connections = Connections() else { return nil }
        connections.keep(atMost: Self.most)
        self.connections = connections
        self.certificates = certificates
    }

    /// Makes one call; returns when the answer is complete.
    ///
    /// - Parameters:
    ///   - request: its `timeout` is for everything; its `answerLimit` is not looked at.
    ///   - mayRepeat: libcurl may send it once more over a new connection when a kept one had died before anything came
    ///     back. Where not, nothing of it is ever sent twice: `.closed`.
    ///   - watching: a descriptor of whoever waits for the answer; the call ends when it can be read, `.closed`.
    package func perform(
        _ request: HTTPClient.Request, upload: Upload? = nil, mayRepeat: Bool, watching: Int32, _ receiver: Receiver
    ) throws(HTTPClient.Failure) {
        guard let easy = Easy() else { throw HTTPClient.Failure(.internal, "libcurl did not start") }
        let url = try Address(request)
        let fields = try FieldList(request)
        let sink = PassingSink(receiver, upload, mayRepeat: mayRepeat) { easy.status }
        let code = unsafe request.body.withUnsafeBytes { body in
            easy.configure(request, "", certificates)
            for (option, value) in [
                (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
                (CURLOPT_MAXAGE_CONN, mayRepeat ? Self.usualAge : Self.briefAge),
                (CURLOPT_LOW_SPEED_LIMIT, 1), (CURLOPT_LOW_SPEED_TIME, 60),
            ] { unsafe ccurl_set_number(easy.handle, option, value) }
            unsafe ccurl_set_pointer(easy.handle, CURLOPT_CURLU, UnsafeRawPointer(url.handle))
            unsafe ccurl_set_pointer(easy.handle, CURLOPT_HTTPHEADER, fields.list)
            let target = unsafe Unmanaged.passUnretained(sink).toOpaque()
            if let upload {
                unsafe ccurl_set_number(easy.handle, CURLOPT_UPLOAD, 1)
                unsafe ccurl_set_size(easy.handle, CURLOPT_INFILESIZE_LARGE, upload.length ?? -1)
                unsafe ccurl_set_sink(easy.handle, CURLOPT_READFUNCTION, CURLOPT_READDATA, bodyWanted, target)
                easy.setMethod(of: request)
            } else {
                unsafe easy.send(body, of: request)
            }
            unsafe ccurl_set_before_sending(easy.handle, aboutToSend, target)
            easy.receive(into: sink)
            return unsafe connections.run(
                easy.handle, watching: { sink.isSending ? nil : watching }, receiver.goesOn)
        }
        guard code == CURLE_OK else { throw easy.failure(code, sink) }
    }
}

/// Passes on what comes of an answer, and fetches what is to be sent.
final class PassingSink: Sink {
    private let receiver: Line.Receiver
    private let upload: Line.Upload?
    private let mayRepeat: Bool
    private let status: () -> Int
    private var attempts = 0
    private var hasHead = false
    /// The request's body is still being fetched.
    private(set) var isSending: Bool

    init(_ receiver: Line.Receiver, _ upload: Line.Upload?, mayRepeat: Bool, status: @escaping () -> Int) {
        self.receiver = receiver
        self.upload = upload
        self.mayRepeat = mayRepeat
        self.status = status
        isSending = upload != nil
        super.init(limit: 0)
    }

    /// Asked before each sending: the first, and any that libcurl would add because a kept connection had died.
    func mayBeSent() -> Bool {
        attempts += 1
        return attempts == 1 || mayRepeat
    }

    func fill(_ room: inout MutableSpan<UInt8>) -> Int? {
        guard let upload else { return nil }
        let count = upload.pull(&room)
        if count == 0 { isSending = false }
        return count
    }

    override func take(body bytes: UnsafeRawBufferPointer) -> Bool {
        let piece = unsafe Span<UInt8>(_unsafeBytes: bytes)
        return piece.isEmpty || receiver.piece(piece)
    }

    /// The empty line after a head; those of a 100 or 103 are not the answer's, nor are trailers.
    override func take(header bytes: UnsafeRawBufferPointer) -> Bool {
        guard !hasHead else { return true }
        guard unsafe super.take(header: bytes) else { return false }
        guard unsafe bytes.count <= 2 && (bytes.first == 0x0d || bytes.first == 0x0a) else { return true }
        let status = status()
        guard status >= 200 else { return true }
        hasHead = true
        return receiver.head(status, headers)
    }
}

private let aboutToSend:
    @convention(c) (
        UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int32, Int32
    ) -> Int32 = { cls, _, _, _, _ in
        guard let cls = unsafe cls else { return CURL_PREREQFUNC_ABORT }
        let sink = unsafe Unmanaged<PassingSink>.fromOpaque(cls).takeUnretainedValue()
        return sink.mayBeSent() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }

private let bodyWanted: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, cls in
    guard let cls = unsafe cls, let bytes = unsafe bytes else { return Int(CURL_READFUNC_ABORT) }
    let memory = unsafe UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: UInt8.self)
    var room = unsafe MutableSpan(_unsafeStart: memory, count: size * count)
    let sink = unsafe Unmanaged<PassingSink>.fromOpaque(cls).takeUnretainedValue()
    return sink.fill(&room) ?? Int(CURL_READFUNC_ABORT)
}

package import Rules

/// What the courier is asked for a call through the gateway.
///
/// On the stream: this as a frame, its body the request's whole body where that is there; else `Chunks` follow. Back
/// comes a `PassageReply` as a frame with the answer's beginning, and `Chunks` where that is not all. Then the next call.
package struct PassageAsk: Sendable {
    /// How the request's body comes.
    package enum Body: Sendable, Equatable {
        /// In the frame.
        case whole
        /// After it, so many bytes; nil where nobody knows.
        case chunks(length: Int?)
    }

    package var method: String
    /// Absolute; `https:`, or plain `http:` to loopback.
    package var url: String
    package var headers: [HeaderLine]
    package var body: Body
    /// Until the answer begins, 1 to 300 s after the request has left.
    package var timeoutSeconds: Int
    /// Sending it twice does no harm (RFC 9110, section 9.2.2).
    package var mayRepeat: Bool

    /// The whole of a call, and how much longer than its beginning it may take, seconds.
    package static let longest = 300

    /// Every field as given.
    package init(
        method: String, url: String, headers: [HeaderLine], body: Body = .whole, timeoutSeconds: Int, mayRepeat: Bool
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutSeconds = timeoutSeconds
        self.mayRepeat = mayRepeat
    }

    /// As a frame's head. `bad_request` for what no call may have.
    package func head() throws(Problem) -> [UInt8] {
        try check()
        var packed = Packed()
        packed.add(method)
        packed.add(url)
        packed.add(headers)
        switch body {
        case .whole: packed.add(-2)
        case .chunks(let length): packed.add(length ?? -1)
        }
        packed.add(timeoutSeconds)
        packed.add(mayRepeat ? 1 : 0)
        return packed.bytes
    }

    /// Reads what `head` made; `bad_request` for anything else.
    package init(_ head: [UInt8]) throws(Problem) {
        var rest = Unpacking(head)
        method = try rest.text()
        url = try rest.text()
        headers = try rest.lines()
        let length = try rest.number()
        body = length == -2 ? .whole : .chunks(length: length < 0 ? nil : length)
        timeoutSeconds = try rest.number()
        mayRepeat = try rest.number() == 1
        try rest.end()
        try check()
    }

    private func check() throws(Problem) {
        guard isToken(method), isPlain(url), !url.isEmpty, (1...Self.longest).contains(timeoutSeconds),
            headers.allSatisfy({ isToken($0.name) && isFieldValue($0.value) })
        else { throw Unpacking.misread }
    }
}

/// How the platform's answer to a call through the gateway begins.
package enum PassageReply: Sendable {
    /// `isWhole`: the frame's body is all of it; else chunks follow. `status` is as it came, 100 to 999.
    case answer(status: Int, headers: [HeaderLine], isWhole: Bool)
    case unreachable(Unreachable)

    /// As a frame's head.
    package var head: [UInt8] {
        var packed = Packed()
        switch self {
        case .answer(let status, let headers, let isWhole):
            packed.add(status)
            packed.add(headers)
            packed.add(isWhole ? 1 : 0)
        case .unreachable(let why):
            packed.add(0)
            packed.add(why.rawValue)
        }
        return packed.bytes
    }

    /// Reads what `head` made; `bad_request` for anything else.
    package init(_ head: [UInt8]) throws(Problem) {
        var rest = Unpacking(head)
        let status = try rest.number()
        if status == 0 {
            guard let why = Unreachable(rawValue: try rest.text()) else { throw Unpacking.misread }
            self = .unreachable(why)
        } else {
            guard (100...999).contains(status) else { throw Unpacking.misread }
            self = .answer(status: status, headers: try rest.lines(), isWhole: try rest.number() == 1)
        }
        try rest.end()
    }
}

internal import FoundationEssentials
package import Rules

/// The JSON heads of the frames. What comes from the other process is checked here, once, and nowhere else.
private enum Head {
    struct Request: Codable {
        let method: String
        let url: String
        let headers: [[String]]
        let timeout: Int
        let limit: Int
        var spool: [String]?
    }

    struct Answer: Codable {
        var status: Int?
        var headers: [[String]]?
        var unreachable: String?
    }

    struct Callback: Codable {
        let kind: CallbackRequest.Kind
        let platform: String
        let app: String
        let code: String?
        let state: String?
        let error: String?
        let cookies: [String: String]
        let address: String
    }

    struct Gateway: Codable {
        let method: String
        let target: String
        let headers: [[String]]
        let bearer: String
        let uid: UInt32
        var flaw: GatewayAsk.Flaw?
        /// Of a body that follows in chunks; -1 where nobody knows.
        var length: Int?
        /// A problem's code and the id it was told under.
        var refused: [String]?
    }

    struct Cookie: Codable {
        let name: String
        let value: String
        let age: Int
    }

    struct Reply: Codable {
        var redirect: String?
        var page: CallbackPage.Kind?
        var purpose: String?
        var workspace: String?
        var back: String?
        var reference: String?
        var cookie: Cookie?
    }
}

/// What the courier wrote back about one errand.
package enum ErrandReply: Sendable {
    case answer(ErrandAnswer)
    case unreachable(Unreachable)
}

extension Errand {
    /// As a frame for the stream: head JSON, body bytes. `bad_request` when it is over the caps.
    package func frame() throws(Problem) -> Frame {
        try check()
        let head = Head.Request(
            method: method, url: url, headers: headers.map { [$0.name, $0.value] }, timeout: timeoutSeconds,
            limit: maxAnswerBytes, spool: spool.map { [$0.publicKey, $0.ticket] })
        return Frame(head: try encode(head), body: body)
    }

    /// Throws `.badRequest` for anything `frame()` would not have written.
    package init(_ frame: Frame) throws(Problem) {
        let head: Head.Request = try decode(frame.head)
        self.init(
            method: head.method, url: head.url, headers: try lines(head.headers), body: frame.body,
            timeoutSeconds: head.timeout, maxAnswerBytes: head.limit)
        if let spool = head.spool {
            guard spool.count == 2 else { throw misread }
            self.spool = Spool(publicKey: spool[0], ticket: spool[1])
        }
        try check()
    }

    private func check() throws(Problem) {
        guard isToken(method), isPlain(url), !url.isEmpty, (1...300).contains(timeoutSeconds),
            (0...Frame.maxBody).contains(maxAnswerBytes)
        else { throw misread }
        if let spool {
            guard spool.publicKey.utf8.count == 64, isPlain(spool.ticket), (1...200).contains(spool.ticket.utf8.count)
            else { throw misread }
        }
        for line in headers where !isToken(line.name) || !isFieldValue(line.value) { throw misread }
    }
}

extension ErrandReply {
    /// As a frame for the stream: head JSON, body bytes. `bad_request` when it is over the caps.
    package func frame() throws(Problem) -> Frame {
        switch self {
        case .answer(let answer):
            let head = Head.Answer(status: answer.status, headers: answer.headers.map { [$0.name, $0.value] })
            return Frame(head: try encode(head), body: answer.body)
        case .unreachable(let why): return Frame(head: try encode(Head.Answer(unreachable: why.rawValue)))
        }
    }

    /// Reads what `frame()` made; `bad_request` for anything else.
    package init(_ frame: Frame) throws(Problem) {
        let head: Head.Answer = try decode(frame.head)
        switch (head.status, head.unreachable) {
        case (let status?, nil):
            guard (100...599).contains(status) else { throw misread }
            self = .answer(ErrandAnswer(status: status, headers: try lines(head.headers ?? []), body: frame.body))
        case (nil, let word?):
            guard let why = Unreachable(rawValue: word), frame.body.isEmpty else { throw misread }
            self = .unreachable(why)
        default: throw misread
        }
    }
}

extension GatewayAsk {
    /// As a frame for the stream: head JSON, body bytes. `bad_request` when it is over the caps.
    package func frame(body: [UInt8]) throws(Problem) -> Frame {
        try check()
        var head = Head.Gateway(
            method: method, target: target, headers: headers.map { [$0.name, $0.value] }, bearer: bearer, uid: uid,
            flaw: flaw)
        if case .chunks(let length) = self.body { head.length = length ?? -1 }
        head.refused = refused.map { [$0.code.rawValue, $0.request] }
        return Frame(head: try encode(head), body: body)
    }

    /// Reads the head of what `frame(body:)` made; `bad_request` for anything else.
    package init(_ frame: Frame) throws(Problem) {
        let head: Head.Gateway = try decode(frame.head)
        self.init(
            method: head.method, target: head.target, headers: try lines(head.headers), bearer: head.bearer,
            uid: head.uid, flaw: head.flaw,
            body: head.length.map { .chunks(length: $0 < 0 ? nil : $0) } ?? .whole)
        if let refused = head.refused {
            guard refused.count == 2, let code = Problem.Code(rawValue: refused[0]) else { throw misread }
            self.refused = Refused(code, refused[1])
        }
        try check()
    }

    /// The target is anything a client sent on one line: what it means is found out where paths are read.
    private func check() throws(Problem) {
        guard isToken(method), isFieldValue(target), isPlain(bearer), bearer.utf8.count <= 256 else { throw misread }
        for line in headers where !isToken(line.name) || !isFieldValue(line.value) { throw misread }
    }
}

extension CallbackRequest {
    /// As a frame for the stream: head JSON, body bytes. `bad_request` when it is over the caps.
    package func frame() throws(Problem) -> Frame {
        Frame(
            head: try encode(
                Head.Callback(
                    kind: kind, platform: platform, app: appID, code: code, state: state, error: error,
                    cookies: cookies, address: address)))
    }

    /// Reads what `frame()` made; `bad_request` for anything else.
    package init(_ frame: Frame) throws(Problem) {
        let head: Head.Callback = try decode(frame.head)
        guard frame.body.isEmpty, head.cookies.count <= 16 else { throw misread }
        self.init(
            kind: head.kind, platform: head.platform, appID: head.app, code: head.code, state: head.state,
            error: head.error, cookies: head.cookies, address: head.address)
    }
}

extension CallbackAnswer {
    /// As a frame for the stream: head JSON, body bytes. `bad_request` when it is over the caps.
    package func frame() throws(Problem) -> Frame {
        var reply = Head.Reply()
        let cookie: CallbackCookie?
        switch self {
        case .redirect(let url, let set):
            guard isPlain(url), !url.isEmpty else { throw misread }
            reply.redirect = url
            cookie = set
        case .page(let page, let set):
            reply.page = page.kind
            reply.purpose = page.purpose?.rawValue
            reply.workspace = page.workspaceName
            reply.back = page.returnTo
            reply.reference = page.reference
            cookie = set
        }
        if let cookie {
            try cookie.check()
            reply.cookie = Head.Cookie(name: cookie.name, value: cookie.value, age: cookie.maxAgeSeconds)
        }
        return Frame(head: try encode(reply))
    }

    /// Reads what `frame()` made; `bad_request` for anything else.
    package init(_ frame: Frame) throws(Problem) {
        let reply: Head.Reply = try decode(frame.head)
        guard frame.body.isEmpty else { throw misread }
        let cookie = reply.cookie.map { CallbackCookie(name: $0.name, value: $0.value, maxAgeSeconds: $0.age) }
        try cookie?.check()
        switch (reply.redirect, reply.page) {
        case (let url?, nil):
            guard isPlain(url), !url.isEmpty else { throw misread }
            self = .redirect(to: url, setCookie: cookie)
        case (nil, let kind?):
            let page = CallbackPage(
                kind, purpose: reply.purpose.flatMap(Purpose.init(rawValue:)), workspaceName: reply.workspace,
                returnTo: reply.back, reference: reply.reference)
            self = .page(page, setCookie: cookie)
        default: throw misread
        }
    }
}

extension CallbackCookie {
    fileprivate func check() throws(Problem) {
        func isWord(_ text: some StringProtocol) -> Bool {
            text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        guard name.hasPrefix(Self.prefix), name.utf8.count <= 64, isWord(name), value.utf8.count <= 256, isWord(value),
            (0...86400).contains(maxAgeSeconds)
        else { throw misread }
    }
}

/// The other process wrote, or was about to be written, what this protocol does not have.
private var misread: Problem { Problem(.badRequest, "The errand is not well formed.") }

private func encode(_ head: some Encodable) throws(Problem) -> [UInt8] {
    do { return [UInt8](try JSONEncoder().encode(head)) } catch { throw misread }
}

private func decode<Value: Decodable>(_ head: [UInt8]) throws(Problem) -> Value {
    do { return try JSONDecoder().decode(Value.self, from: Data(head)) } catch { throw misread }
}

private func lines(_ pairs: [[String]]) throws(Problem) -> [HeaderLine] {
    var lines: [HeaderLine] = []
    for pair in pairs {
        guard pair.count == 2 else { throw misread }
        lines.append((pair[0], pair[1]))
    }
    return lines
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}

/// A token of RFC 9110, section 5.6.2.
func isToken(_ text: String) -> Bool {
    let marks = Array("!#$%&'*+-.^_`|~".utf8)
    return !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || marks.contains($0) }
}

/// Printable ASCII without a space: all a URL may hold (RFC 3986).
func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7e).contains($0) } }

/// No line can be smuggled in after it (RFC 9110, section 5.5).
func isFieldValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
}

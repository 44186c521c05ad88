/// One header line, in the order it is sent or was received; names may repeat.
package typealias HeaderLine = (name: String, value: String)

/// One request the courier carries to a platform. It may hold secrets (`Authorization`, a form body), so it is made
/// late, sent once and dropped.
package struct Errand: Sendable {
    /// `GET`, `POST`, …: a token of RFC 9110, section 9.1.
    package var method: String
    /// Absolute `https:` URL; plain `http:` goes to loopback only, anything else ends as `Unreachable.refusedURL`.
    package var url: String
    package var headers: [HeaderLine]
    package var body: [UInt8]
    /// Whole time from leaving the keeper to the last byte of the answer, 1 to 300 s.
    package var timeoutSeconds: Int
    /// A larger answer body ends as `Unreachable.tooLarge`; at most 4 MiB.
    package var maxAnswerBytes: Int
    /// Where the answer goes when the keeper does not say that it has kept it; nil for answers that may be lost.
    package var spool: Spool?

    /// How an answer that must not be lost is put aside (design, section 7).
    package struct Spool: Sendable, Equatable {
        /// The vault's spool key, 64 hex digits: whoever seals to it cannot open what he sealed.
        package var publicKey: String
        /// What the keeper knows the answer by; at most 200 visible characters.
        package var ticket: String

        /// Both as given.
        package init(publicKey: String, ticket: String) {
            self.publicKey = publicKey
            self.ticket = ticket
        }
    }

    /// Every field as given.
    package init(
        method: String, url: String, headers: [HeaderLine] = [], body: [UInt8] = [], timeoutSeconds: Int = 20,
        maxAnswerBytes: Int = Frame.maxBody
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutSeconds = timeoutSeconds
        self.maxAnswerBytes = maxAnswerBytes
    }
}

/// What a platform answered, whatever its status: a redirect or a 500 is an answer too.
package struct ErrandAnswer: Sendable {
    /// HTTP's status, 100 to 599.
    package var status: Int
    package var headers: [HeaderLine]
    package var body: [UInt8]

    /// An answer as the platform gave it.
    package init(status: Int, headers: [HeaderLine] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of this name; ASCII case does not matter (RFC 9110, section 5.1).
    package func header(_ name: String) -> String? {
        headers.first { sameHeaderName($0.name, name) }?.value
    }
}

/// True when two header names differ only in ASCII case.
package func sameHeaderName(_ a: String, _ b: String) -> Bool {
    func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
    let a = a.utf8
    let b = b.utf8
    return a.count == b.count && zip(a, b).allSatisfy { lower($0) == lower($1) }
}

/// Why no whole answer came back from a platform.
package enum Unreachable: String, Sendable, CaseIterable {
    /// The host name has no address.
    case resolve
    /// Nobody accepted the connection.
    case connect
    /// The certificate or the handshake was refused.
    case tls
    /// The time given was over.
    case timeout
    /// The connection ended before the whole answer was there.
    case closed
    /// The answer is larger than was asked for.
    case tooLarge = "too_large"
    /// Not https, and not http to loopback; nothing was sent.
    case refusedURL = "refused_url"

    /// True when the platform may have acted on the request although no answer arrived: what is spent once (a code, a
    /// refresh token) must then be treated as possibly spent (design, section 7).
    package var mayHaveBeenSent: Bool {
        switch self {
        case .resolve, .connect, .tls, .refusedURL: false
        case .timeout, .closed, .tooLarge: true
        }
    }

    /// For people; says nothing about host, path or content.
    package var reason: String {
        switch self {
        case .resolve: "the platform's host name could not be resolved"
        case .connect: "the platform did not accept the connection"
        case .tls: "the platform's certificate was not accepted"
        case .timeout: "the platform did not answer in time"
        case .closed: "the platform closed the connection before answering"
        case .tooLarge: "the platform's answer is too large"
        case .refusedURL: "only https, or http to loopback, is carried"
        }
    }
}

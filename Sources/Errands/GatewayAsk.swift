/// A call that came to the courier's loopback listener (design, section 6, `deliver: tcp`), passed on to the keeper, who
/// alone can judge it. Its body follows it.
package struct GatewayAsk: Sendable, Equatable {
    /// Why the courier would not serve it, whoever asks. The keeper records it and finds the words.
    package enum Flaw: String, Sendable, Codable, CaseIterable {
        /// `Host` is not the literal address we listen at: a name that somebody made point here (DNS rebinding).
        case host
        /// A browser's page asks: there is `Origin` or `Sec-Fetch-Site`, which no SDK sends.
        case browser
        /// The kernel did not say whose the connection is.
        case nobody
    }

    /// As sent, `GET`, `POST`, …: a token of RFC 9110, section 9.1.
    package var method: String
    /// Path and query as sent, nothing decoded.
    package var target: String
    /// As sent but for the fields that speak of the connection, of cookies or of the caller's own credentials.
    package var headers: [HeaderLine]
    /// What stood after `Authorization: Bearer`; empty where there was none, or more than one.
    package var bearer: String
    /// The TCP peer's uid, as sock_diag(7) has it.
    package var uid: UInt32
    package var flaw: Flaw?

    /// Every field as given.
    package init(
        method: String, target: String, headers: [HeaderLine], bearer: String, uid: UInt32, flaw: Flaw? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.bearer = bearer
        self.uid = uid
        self.flaw = flaw
    }

    /// Two are the same when every field is.
    package static func == (a: GatewayAsk, b: GatewayAsk) -> Bool {
        a.method == b.method && a.target == b.target && a.bearer == b.bearer && a.uid == b.uid && a.flaw == b.flaw
            && a.headers.count == b.headers.count && zip(a.headers, b.headers).allSatisfy { $0 == $1 }
    }
}

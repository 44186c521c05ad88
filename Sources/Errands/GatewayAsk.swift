package import Rules

/// A call that came to the courier's loopback listener (design, section 6, `deliver: tcp`), passed on to the keeper, who
/// alone can judge it.
///
/// On the stream: this as a frame, its body the request's whole body where that is small; else the keeper says 100
/// (Continue) or refuses, and chunks follow. Back comes a `PassageReply` as a frame with the answer's beginning, and
/// chunks where that is not all. The courier ends the stream when its client has the answer; where the keeper ends it,
/// nothing more may go to the client.
package struct GatewayAsk: Sendable, Equatable {
    /// What the courier has refused by itself, because there is no call in it: the keeper only records it.
    package struct Refused: Sendable, Equatable {
        package let code: Problem.Code
        /// The id its client was told.
        package let request: String

        /// Refused with this code, under this id.
        package init(_ code: Problem.Code, _ request: String) {
            self.code = code
            self.request = request
        }
    }

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
    /// How the request's body comes.
    package var body: PassageAsk.Body
    /// Set where nothing but this and the uid is meant.
    package var refused: Refused?

    /// A body up to here, in bytes, goes with the call. All larger ones wait until the keeper knows the bearer: until then
    /// a connection of anybody's costs no more memory than this.
    package static let mostAtOnce = 64 * 1024
    /// A body up to here the keeper puts aside without asking the platform.
    package static let mostKept = 1024 * 1024

    /// Every field as given.
    package init(
        method: String, target: String, headers: [HeaderLine], bearer: String, uid: UInt32, flaw: Flaw? = nil,
        body: PassageAsk.Body = .whole
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.bearer = bearer
        self.uid = uid
        self.flaw = flaw
        self.body = body
    }

    /// A request of this user that was refused.
    package init(_ refused: Refused, uid: UInt32) {
        self.init(method: "GET", target: "/", headers: [], bearer: "", uid: uid)
        self.refused = refused
    }

    /// Two are the same when every field is.
    package static func == (a: GatewayAsk, b: GatewayAsk) -> Bool {
        a.method == b.method && a.target == b.target && a.bearer == b.bearer && a.uid == b.uid && a.flaw == b.flaw
            && a.body == b.body && a.refused == b.refused && a.headers.count == b.headers.count
            && zip(a.headers, b.headers).allSatisfy { $0 == $1 }
    }
}

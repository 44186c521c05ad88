package import Broker
package import Errands
import HTTPServer
import Platforms
import Rules
import Vault

/// Answers the calls that come by TCP to the courier's loopback listener: what names the lease there is its bearer, and
/// who asks is the uid the kernel gave (design, section 6).
package struct GatewayDoor: Sendable {
    private let broker: Broker

    /// A door to this broker's gateway.
    package init(_ broker: Broker) { self.broker = broker }

    /// The platform's answer, or why there is none.
    package func answer(_ call: GatewayDesk.Call) -> GatewayDesk.Outcome {
        if let refused = call.ask.refused {
            broker.noteRefused(
                refused.code, atGatewayFrom: call.ask.uid, RequestID(refused.request) ?? .next())
            return GatewayDesk.Outcome(ErrandAnswer(status: refused.code.status))
        }
        let request = RequestID.next()
        let answering = Answering()
        answering.canBeCut(by: { call.cut() })
        broker.connected(answering)
        let answer: GatewayAnswer
        do throws(Problem) { answer = try self.answer(call, answering, request) } catch {
            return GatewayDesk.Outcome(Self.answer(error, request), sent: { broker.disconnected(answering) })
        }
        var headers: [HeaderLine] = [("Cache-Control", "no-store"), ("X-Request-Id", request.description)]
        headers += answer.headers.map { ($0.name, $0.value) }
        if let length = answer.length { headers.append(("Content-Length", String(length))) }
        switch answer.body {
        case .whole(let bytes):
            return GatewayDesk.Outcome(
                ErrandAnswer(status: answer.status, headers: headers, body: bytes),
                sent: { broker.disconnected(answering) })
        case .stream(let stream):
            return GatewayDesk.Outcome(
                ErrandAnswer(status: answer.status, headers: headers),
                rest: GatewayDesk.Outcome.Rest(pull: { stream.pull(into: &$0) }, cut: { stream.cut() }),
                sent: {
                    stream.end()
                    broker.disconnected(answering)
                })
        }
    }

    private func answer(
        _ call: GatewayDesk.Call, _ answering: Answering, _ request: RequestID
    ) throws(Problem) -> GatewayAnswer {
        let ask = call.ask
        if let flaw = ask.flaw { throw broker.refuse(flaw.denial, atGatewayFrom: ask.uid, request) }
        guard let bearer = Bearer.hash(ask.bearer.utf8.span) else {
            throw broker.refuse(.unknownBearer, atGatewayFrom: ask.uid, request)
        }
        try broker.begin(bearer: bearer, uid: ask.uid, answering, request)
        let holder = LeaseHolder.bearer(bearer, uid: ask.uid, answering)
        let question: GatewayRequest
        do throws(Problem) { question = try Self.question(ask, call.body) } catch {
            throw broker.refuse(error, callOf: holder, request)
        }
        guard case .chunks(let length) = ask.body else { return try broker.gateway(holder, question, request) }
        let streamed = GatewayCall(broker, holder, question, length: length, request)
        defer { streamed.end() }
        try streamed.check()
        try call.goOn()
        var piece = [UInt8](repeating: 0, count: 32 * 1024)
        while true {
            var room = piece.mutableSpan
            let count = try call.receive(&room)
            guard count > 0 else { return try streamed.finish() }
            _ = try streamed.take(piece.span.extracting(..<count))
        }
    }

    /// The platform's own path. `/slack/` stands for `https://slack.com/api/`, since that is what Slack's SDKs let one
    /// replace; those of Lark, Feishu and Genesys Cloud let one replace the origin. What may follow, the lease's platform
    /// says.
    private static func question(_ ask: GatewayAsk, _ body: [UInt8]) throws(Problem) -> GatewayRequest {
        let parts = ask.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = ["/slack/", "/open-apis/", "/api/v2/"].first(where: parts[0].hasPrefix) else {
            throw Problem(
                .notFound, "the gateway has /slack/, /open-apis/ and /api/v2/",
                advice: "give the SDK the gateway of the answer to access as its base URL")
        }
        return GatewayRequest(
            path: String(parts[0].dropFirst(base == "/slack/" ? base.utf8.count : 1)), verb: ask.method,
            query: parts.count > 1 ? String(parts[1]) : "",
            headers: ask.headers.map { HeaderField($0.name, $0.value) }, body: body)
    }

    /// As on broker.sock (RFC 9457), with the members in which Slack's and Lark's SDKs look for a reason.
    private static func answer(_ problem: Problem, _ request: RequestID) -> ErrandAnswer {
        var response = Reply.problem(
            problem, request,
            also: ["ok": false, "error": .text(problem.code.rawValue), "msg": .text(problem.reason)])
        if problem.code == .invalidToken {
            // RFC 6750, section 3.
            response.headers.append(.init("WWW-Authenticate", #"Bearer realm="postern", error="invalid_token""#))
        }
        guard case .bytes(let body) = response.body else { return ErrandAnswer(status: response.status) }
        return ErrandAnswer(
            status: response.status, headers: response.headers.map { ($0.name, $0.value) }, body: body)
    }
}

extension GatewayAsk.Flaw {
    fileprivate var denial: Denial {
        switch self {
        case .host: .wrongHost
        case .browser: .fromBrowser
        case .nobody: .unknownPeer
        }
    }
}

import Broker
import HTTPServer
import Platforms
import Rules
import Sealing
import Vault

extension BrokerRoutes {
    /// The request is the platform's own, header fields and body as they came; only the query is ours.
    func verifyWebhook(
        _ key: AppKey, _ http: borrowing HTTPServer.Request, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        let rejectsReplays = try Self.rejectsReplays(http)
        let slab = caller.takeSlab(from: broker.slabs)
        do throws(Problem) {
            let answer = try broker.verifyWebhook(
                key, WebhookHeaders(http.headers(beginning: "x-")), body: http.bodyBytes,
                rejectsReplays: rejectsReplays, for: caller,
                request, into: slab)
            return Reply.webhook(answer, slab, request, of: caller)
        } catch {
            caller.keep(slab)
            throw error
        }
    }

    private static func rejectsReplays(_ http: borrowing HTTPServer.Request) throws(Problem) -> Bool {
        guard let query = http.rawQuery, !query.isEmpty else { return false }
        switch http.query("reject_replays") {
        case "true": return true
        case "false", nil: return false
        default: throw Problem(.badRequest, "reject_replays is true or false")
        }
    }
}

extension Reply {
    /// Made and sent in guarded memory: a decrypted event holds the verification token, or an app ticket.
    static func webhook(
        _ answer: WebhookAnswer, _ slab: Slab, _ request: RequestID, of caller: Caller
    ) -> HTTPServer.Response {
        let finding = answer.finding
        slab.reserve((finding?.event.map { SecretText.longestEscape(of: $0.count) } ?? 0) + 1024)
        let start = slab.count
        slab.append(#"{"schema":1,"valid":"#)
        slab.append(answer.flaw == nil ? "true" : "false")
        slab.append(#","duplicate":"#)
        slab.append(answer.isRepeat ? "true" : "false")
        slab.append(#","reason":""#)
        slab.append(answer.flaw?.rawValue ?? "ok")
        slab.append(byte: UInt8(ascii: "\""))
        if let finding { append(finding, to: slab) }
        slab.append(byte: UInt8(ascii: "}"))
        return lent(slab, from: start, status: 200, request, of: caller)
    }

    private static func append(_ finding: WebhookFinding, to slab: Slab) {
        slab.append(#","weak":"#)
        slab.append(finding.isWeak ? "true" : "false")
        slab.add("secret_kind", finding.kind.rawValue)
        slab.add("secret_version", finding.version)
        if let type = finding.eventType { slab.add("event_type", type) }
        if let id = finding.eventID { slab.add("event_id", id) }
        if let challenge = finding.challenge { slab.add("challenge", challenge) }
        guard let event = finding.event else { return }
        slab.append(#","event":"#)
        if finding.eventIsObject {
            // As it came: the broker has read it as one JSON object.
            slab.append(slab.span(event))
        } else {
            slab.append(byte: UInt8(ascii: "\""))
            slab.appendEscaped(slab.span(event))
            slab.append(byte: UInt8(ascii: "\""))
        }
    }
}

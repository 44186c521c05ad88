import Broker
import HTTPServer
import Linux
import Rules
import Vault

extension AdminRoutes {
    /// `can` before, `why` after.
    func questions(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        if call.matches("GET", "can") {
            _ = try broker.admit(call.caller, .look, "can", call.request)
            guard let action = Action(call.query("action") ?? "") else {
                throw Problem(
                    .badRequest, "an action is not known",
                    advice: "one of " + Action.all.map(\.description).joined(separator: ", "))
            }
            let name = try Names.slug(call.query("service") ?? "", "service")
            let key = try AdminRequest.app(call.query("app") ?? "")
            let pid = try call.query("pid").map { text throws(Problem) in try AdminRequest.pid(text) }
            return Reply.json(.object(Show.explanation(try broker.can(name, action, key, pid: pid))), call.request)
        }
        if call.matches("GET", "why/*") {
            let admin = try broker.admit(call.caller, .audit, "why", anyTenant: true, call.request)
            guard let id = RequestID(call.parts[1]) else {
                throw Problem(.badRequest, "a request id is 24 hex digits, as in X-Request-Id")
            }
            let (record, explanation) = try broker.why(id, admin)
            var members = Show.explanation(explanation)
            members["record"] = Show.record(record)
            return Reply.json(.object(members), call.request)
        }
        return nil
    }

    func audit(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        if call.matches("GET", "audit") {
            let admin = try broker.admit(call.caller, .audit, "audit.list", anyTenant: true, call.request)
            var filter = try filter(call)
            if let only = admin.onlyTenant { filter.tenant = broker.slug(of: only)?.value ?? "" }
            let records = try broker.vault.audit(filter)
            return Reply.json(
                [
                    "records": .list(records.map(Show.record)),
                    "next_after": .int(records.last?.seq ?? filter.after ?? broker.vault.logHead.seq),
                ], call.request)
        }
        if call.matches("GET", "audit/verify") {
            _ = try broker.admit(call.caller, .audit, "audit.verify", call.request)
            let result = try broker.vault.verifyAudit()
            var shown: [String: JSONValue] = [
                "ok": .bool(result.isSound), "records": .int(result.records),
                "checkpoints": .int(result.checkpoints), "signed_up_to": .int(result.signedUpTo),
                "head": .text(result.head), "public_key": .text(broker.vault.auditPublicKey),
            ]
            if let damage = result.damage {
                shown["first_bad"] = ["seq": .int(damage.seq), "damage": .text(damage.kind)]
            }
            return Reply.json(.object(shown), call.request)
        }
        return nil
    }

    private func filter(_ call: AdminRequest) throws(Problem) -> AuditFilter {
        var filter = AuditFilter()
        func time(_ name: String) throws(Problem) -> Int64? {
            guard let text = call.query(name) else { return nil }
            guard let time = Clock.milliseconds(of: text) else {
                throw Problem(.badRequest, "\(name) is a time such as 2026-01-31T12:00:00Z")
            }
            return time
        }
        filter.since = try time("since")
        filter.until = try time("until")
        if let text = call.query("after") {
            guard let after = Int64(text), after >= 0 else { throw Problem(.badRequest, "after is a number") }
            filter.after = after
        }
        if let text = call.query("limit") {
            guard let limit = Int(text), (1...10_000).contains(limit) else {
                throw Problem(.badRequest, "limit is 1 to 10000")
            }
            filter.limit = limit
        }
        filter.service = call.query("service")
        filter.tenant = call.query("tenant")
        filter.app = try call.query("app").map { text throws(Problem) in try AdminRequest.app(text) }
        filter.action = call.query("action")
        if let text = call.query("outcome") {
            guard let outcome = AuditEntry.Outcome(rawValue: text) else {
                throw Problem(.badRequest, "outcome is allowed, denied or error")
            }
            filter.outcome = outcome
        }
        if let text = call.query("request_id") {
            guard let id = RequestID(text) else { throw Problem(.badRequest, "a request id is 24 hex digits") }
            filter.requestID = id
        }
        return filter
    }
}

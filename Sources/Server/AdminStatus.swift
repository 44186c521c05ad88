import Broker
import Errands
import HTTPServer
import Linux
import Rules
import Vault

extension AdminRoutes {
    func status(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        if call.matches("GET", "status") {
            _ = try broker.admit(call.caller, .audit, "status", anyTenant: true, call.request)
            return Reply.json(try describe(), call.request)
        }
        if call.matches("GET", "doctor") {
            _ = try broker.admit(call.caller, .audit, "doctor", call.request)
            let checks = broker.examine()
            return Reply.json(
                [
                    "checks": .list(
                        checks.map {
                            [
                                "name": .text($0.name), "result": .text($0.result.rawValue),
                                "detail": .text($0.detail), "advice": .text($0.advice),
                                "code": $0.code.map { .text($0.rawValue) } ?? .absent,
                            ]
                        })
                ], call.request)
        }
        if call.matches("GET", "metrics") {
            _ = try broker.admit(call.caller, .audit, "metrics", call.request)
            return HTTPServer.Response(
                status: 200,
                headers: [
                    .init("Content-Type", "text/plain; version=0.0.4"), .init("X-Request-Id", call.request.description),
                ], body: .bytes(Array(try metrics().utf8)))
        }
        return nil
    }

    private func describe() throws(Problem) -> JSONValue {
        let vault = broker.vault
        let counts = try vault.counts()
        let head = vault.logHead
        let now = vault.now
        var warnings: [JSONValue] = []
        if let damage = vault.knownDamage { warnings.append(.text(damage.reason)) }
        if let trouble = vault.trouble { warnings.append(.text(trouble.reason)) }
        if broker.courier?.isRunning != true { warnings.append("the courier is not running: no platform can be asked") }
        let tokens = try vault.legCounts()
        if tokens.needingReauthorization > 0 {
            warnings.append(
                "\(tokens.needingReauthorization) tokens need a new consent: postern installation list says whose")
        }
        if tokens.failing > 0 {
            warnings.append("\(tokens.failing) tokens could not be refreshed: postern installation list says why")
        }
        let revoking = try vault.pendingRevocations()
        if revoking > 0 {
            warnings.append("\(revoking) revocations wait for their platform: postern installation revocations")
        }
        if tokens.refreshTokensEnding > 0 {
            warnings.append(
                "\(tokens.refreshTokensEnding) refresh tokens end before long and could not be traded: see installation list"
            )
        }
        let near = try broker.appsNearTheirLimit().count
        if near > 0 {
            let apps = near == 1 ? "1 app has" : "\(near) apps have"
            warnings.append(.text("\(apps) used 80 % or more of this month's calls: postern doctor says which"))
        }
        var health = "ok"
        if vault.knownDamage != nil || vault.trouble != nil { health = "degraded" }
        return [
            "status": .text(health), "version": .text(broker.settings.version), "vault_id": .text(vault.vaultID),
            "started_at": .time(broker.startedAt), "uptime_seconds": .int(max(0, now - broker.startedAt) / 1000),
            "root_key": .text(broker.settings.rootKeySource),
            "counts": [
                "tenants": .int(counts.tenants), "apps": .int(counts.apps), "services": .int(counts.services),
                "grants": .int(counts.grants), "installations": .int(counts.installations),
                "leases": .int(counts.leases),
            ],
            "audit": [
                "records": .int(head.seq), "head": .text(head.hash), "last_checkpoint_seq": .int(head.checkpointSeq),
                "last_record_at": .time(head.time),
            ],
            "courier": [
                "running": .bool(broker.courier?.isRunning == true),
                "pid": .optional(broker.courier?.pid.map(Int64.init)),
                "gateway": .optional(broker.courier?.report?.gateway),
            ],
            "tokens": [
                "needs_reauthorization": .int(tokens.needingReauthorization), "failing": .int(tokens.failing),
                "failing_since": .time(tokens.failingSince), "next_refresh_at": .time(tokens.nextDue),
                "revocations_pending": .int(revoking),
            ], "warnings": .list(warnings),
        ]
    }

    /// Prometheus text: numbers only, no names of customers.
    private func metrics() throws(Problem) -> String {
        let vault = broker.vault
        let counts = try vault.counts()
        let head = vault.logHead
        let tokens = try vault.legCounts()
        let failingFor = tokens.failingSince.map { max(0, vault.now - $0) / 1000 } ?? 0
        let rows: [(String, String, Int64)] = [
            ("postern_tenants", "gauge", counts.tenants), ("postern_apps", "gauge", counts.apps),
            ("postern_services", "gauge", counts.services), ("postern_grants", "gauge", counts.grants),
            ("postern_installations", "gauge", counts.installations), ("postern_leases", "gauge", counts.leases),
            ("postern_audit_records_total", "counter", head.seq),
            ("postern_audit_unsigned_records", "gauge", head.seq - head.checkpointSeq),
            ("postern_degraded", "gauge", vault.knownDamage != nil || vault.trouble != nil ? 1 : 0),
            ("postern_courier_running", "gauge", broker.courier?.isRunning == true ? 1 : 0),
            ("postern_legs_needing_reauthorization", "gauge", tokens.needingReauthorization),
            ("postern_revocations_pending", "gauge", try vault.pendingRevocations()),
            ("postern_legs_failing_to_refresh", "gauge", tokens.failing),
            ("postern_refresh_tokens_ending", "gauge", tokens.refreshTokensEnding),
            ("postern_oldest_refresh_failure_seconds", "gauge", failingFor),
        ]
        let refreshes = broker.refreshes.map {
            "postern_refresh_total{platform=\"\($0.platform)\",outcome=\"\($0.outcome)\"} \($0.count)\n"
        }
        return rows.map { "# TYPE \($0.0) \($0.1)\n\($0.0) \($0.2)\n" }.joined()
            + "# TYPE postern_refresh_total counter\n" + refreshes.joined()
    }
}

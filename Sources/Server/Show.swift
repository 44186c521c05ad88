import Broker
import Linux
import Platforms
import Rules
import Vault

/// How things look on the wire. Nothing here ever sees a secret.
enum Show {
    static func tenant(_ tenant: Tenant, apps: Int64? = nil) -> JSONValue {
        [
            "id": .int(tenant.id), "slug": .text(tenant.slug.value), "name": .text(tenant.title),
            "state": .text(tenant.state.rawValue), "created_at": .time(tenant.createdAt), "apps": .optional(apps),
        ]
    }

    static func app(_ app: App, tenant: Slug?, integration: Int64? = nil) -> JSONValue {
        let fields = Dictionary(uniqueKeysWithValues: app.fields.map { ($0.key.rawValue, JSONValue.text($0.value)) })
        return [
            "platform": .text(app.key.platform.rawValue), "app_id": .text(app.key.appID.value),
            "tenant": .optional(tenant?.value), "profile": .text(app.profile), "state": .text(app.state.rawValue),
            "claim": .text(app.claim.rawValue), "fields": .object(fields), "redirect_uris": .texts(app.redirectURIs),
            "integration_id": .optional(integration), "created_at": .time(app.createdAt),
        ]
    }

    static func calls(_ calls: MonthlyCalls) -> JSONValue {
        [
            "month": .text(calls.month), "count": .int(calls.calls), "limit": .optional(calls.limit),
            "used_percent": .optional(calls.percent),
            "refused_above": calls.limit == nil ? .absent : .bool(calls.isRefusing),
        ]
    }

    static func version(_ version: SecretVersion, _ head: Head, now: Int64) -> [String: JSONValue] {
        let state = head.state(of: version.version, at: now) ?? .destroyed
        var shown: [String: JSONValue] = [
            "kind": .text(version.secret.kind.rawValue), "version": .int(version.version),
            "state": .text(state.rawValue), "length": .int(version.length),
            "fingerprint": .text(version.fingerprint.description), "created_at": .time(version.createdAt),
            "created_by": .text(version.createdBy), "destroyed_at": .time(version.destroyedAt),
        ]
        if version.secret.installation != 0 { shown["installation"] = .int(version.secret.installation) }
        if state == .previous, let ends = head.previousEnds {
            shown["ends_at"] = .time(ends)
            shown["ends_in"] = .left(until: ends, from: now)
        }
        return shown
    }

    /// A version that has just come into force, and the one it replaced.
    static func stored(_ version: SecretVersion, _ head: Head, now: Int64) -> JSONValue {
        var shown = Show.version(version, head, now: now)
        if let previous = head.previous, let ends = head.previousEnds {
            shown["previous"] = [
                "version": .int(previous), "ends_at": .time(ends), "ends_in": .left(until: ends, from: now),
            ]
        }
        return .object(shown)
    }

    static func service(_ service: ServiceRow, live: Int64? = nil, advice: [String] = []) -> JSONValue {
        [
            "id": .int(service.id), "name": .text(service.slug.value),
            "selectors": .texts(service.selectors.map(\.description)), "state": .text(service.state.rawValue),
            "created_at": .time(service.createdAt), "rate": .int(service.rate), "max_leases": .int(service.mostLeases),
            "live_leases": .optional(live),
            "warnings": advice.isEmpty ? .absent : .texts(advice),
        ]
    }

    static func grant(_ grant: GrantRow, service: Slug?) -> JSONValue {
        [
            "id": .int(grant.id), "service": .optional(service?.value), "pattern": .text(grant.pattern.description),
            "actions": .texts(grant.actions.map(\.description)), "methods": .texts(grant.methods),
            "scope": .texts(grant.scope), "max_ttl_seconds": .int(grant.maxTTL.seconds),
            "max_age_seconds": .int(grant.maxAge.seconds), "bind": .text(grant.binding.rawValue),
            "created_at": .time(grant.createdAt), "created_by": .text(grant.createdBy),
        ]
    }

    static func role(_ role: RoleRow, tenant: Slug?) -> JSONValue {
        [
            "id": .int(role.id), "selector": .text(role.selector.description), "role": .text(role.role.rawValue),
            "tenant": .optional(tenant?.value), "created_at": .time(role.createdAt),
        ]
    }

    static func lease(
        _ lease: Lease, _ standing: LeaseStanding, now: Int64, service: Slug? = nil, app: AppKey? = nil,
        renewableUntil: Int64? = nil
    ) -> JSONValue {
        [
            "lease_id": .text(lease.id), "service": .optional(service?.value),
            "platform": .optional(app?.platform.rawValue), "app_id": .optional(app?.appID.value),
            "as": .text(lease.leg.rawValue), "deliver": .text(lease.delivery.rawValue),
            "methods": .texts(lease.methods), "scope": .texts(lease.scope), "created_at": .time(lease.createdAt),
            "expires_at": .time(standing.endsAt), "expires_in": .left(until: standing.endsAt, from: now),
            "renewable_until": renewableUntil.map(JSONValue.time) ?? .absent,
            "state": .text(standing.state.rawValue), "uid": .optional(lease.uid.map(Int64.init)),
            "process": lease.process.isEmpty ? .absent : .text(lease.process),
        ]
    }

    static func installation(
        _ row: Installation, _ legs: [LegRow], app: AppKey, tenant: Slug?, now: Int64, revocations: [Revocation] = []
    ) -> JSONValue {
        [
            "id": .int(row.id), "platform": .text(app.platform.rawValue), "app_id": .text(app.appID.value),
            "tenant": .optional(tenant?.value), "enterprise_id": .text(row.enterpriseID),
            "team_id": .text(row.teamID), "team_name": .text(row.teamName),
            "is_enterprise_install": .bool(row.isEnterprise), "user_id": .text(row.isUnplaced ? "" : row.userID),
            "unplaced": row.isUnplaced ? .bool(true) : .absent,
            "bot_user_id": .text(row.botUserID), "state": .text(row.state.rawValue),
            "created_at": .time(row.createdAt), "updated_at": .time(row.updatedAt),
            "legs": .list(
                legs.map { Show.leg($0, now: now) }),
            "revocations": revocations.isEmpty
                ? .absent : .list(revocations.map { Show.revocation($0, app.platform, now: now) }),
        ]
    }

    static func report(_ answer: ReportAnswer, now: Int64) -> JSONValue {
        [
            "refreshed": .bool(answer.refreshed), "same_token": .bool(answer.sameToken),
            "token_expires_at": answer.tokenExpiresAt.map(JSONValue.time) ?? .null,
            "token_expires_in": answer.tokenExpiresAt.map { .left(until: $0, from: now) } ?? .null,
        ]
    }

    /// How one leg stands: nothing that is secret.
    static func leg(_ leg: LegRow, now: Int64) -> JSONValue {
        [
            "leg": .text(leg.leg.rawValue), "scope": .texts(leg.scope),
            // Scopes add up at most platforms, so more may be granted than was asked, or less (platforms, 1.2).
            "asked": leg.asked.isEmpty ? .absent : .texts(leg.asked),
            "missing_scope": leg.asked.isEmpty ? .absent : .texts(leg.asked.filter { !leg.scope.contains($0) }),
            "added_scope": leg.asked.isEmpty ? .absent : .texts(leg.scope.filter { !leg.asked.contains($0) }),
            "state": .text(leg.state.rawValue), "issued_at": .time(leg.issuedAt), "expires_at": .time(leg.expiresAt),
            "expires_in": leg.expiresAt.map { .left(until: $0, from: now) } ?? .absent,
            "refreshable": .bool(leg.canRefresh), "refresh_expires_at": .time(leg.refreshExpiresAt),
            "refresh_expires_in": leg.refreshExpiresAt.map { .left(until: $0, from: now) } ?? .absent,
            "next_refresh_at": .time(leg.dueAt), "in_flight": .bool(leg.inFlight != nil),
            "failures": .int(leg.failures), "failing_since": .time(leg.failingSince),
            "failure_class": .optional(leg.failureVerdict), "failure": .optional(leg.failureCode),
            "retry_at": leg.failures > 0 ? .time(leg.retryAt) : .absent,
        ]
    }

    static func flow(_ flow: FlowStart) -> JSONValue {
        [
            "start_url": flow.startURL.map(JSONValue.text) ?? .null, "authorization_url": .text(flow.authorizationURL),
            "state": .text(flow.state), "expires_in": .int(flow.expiresIn),
        ]
    }

    static func result(_ result: FlowResult) -> JSONValue {
        var identity = JSONValue.null
        if let person = result.identity {
            let isLark = result.platform == .lark || result.platform == .feishu
            identity = [
                "user_id": .text(person.userID), isLark ? "tenant_key" : "team": .text(person.place),
                "name": .optional(person.name), "email": .optional(person.email),
                "email_verified": person.email == nil ? .absent : .bool(person.emailIsVerified),
                "verified": .bool(person.verified),
            ]
        }
        let scopes = result.scopes.map { scopes -> (String, JSONValue) in
            (
                scopes.leg,
                [
                    "asked": .texts(scopes.asked), "granted": scopes.granted.map(JSONValue.texts) ?? .null,
                    "missing": .texts(scopes.missing), "added": .texts(scopes.added),
                ]
            )
        }
        return [
            "purpose": .text(result.purpose.rawValue),
            "installation": result.installation.map(JSONValue.int) ?? .null,
            "team_name": .optional(result.workspaceName), "identity": identity,
            "scope": scopes.isEmpty ? .absent : .object(Dictionary(scopes) { first, _ in first }),
            "link": result.link.map(JSONValue.int) ?? .absent,
            "return_to": .optional(result.returnTo),
        ]
    }

    static func check(_ check: Check) -> JSONValue {
        [
            "name": .text(check.name), "result": .text(check.result.rawValue), "compared": .text(check.compared),
            "advice": .text(check.advice),
        ]
    }

    static func record(_ record: AuditRecord) -> JSONValue {
        let entry = record.entry
        let actor = entry.actor
        return [
            "seq": .int(record.seq), "time": .time(record.time), "request_id": .text(entry.requestID.description),
            "actor": [
                "kind": .text(actor.kind.rawValue), "name": .optional(actor.name),
                "uid": .optional(actor.uid.map(Int64.init)), "gid": .optional(actor.gid.map(Int64.init)),
                "pid": .optional(actor.pid.map(Int64.init)),
                "login_uid": .optional(actor.loginUID.map(Int64.init)), "exe": .optional(actor.exe),
                "unit": .optional(actor.unit),
            ], "action": .text(entry.action), "tenant": .optional(entry.tenant),
            "platform": .optional(entry.app?.platform.rawValue), "app_id": .optional(entry.app?.appID.value),
            "kind": .optional(entry.kind), "version": .optional(entry.version), "lease_id": .optional(entry.leaseID),
            "fingerprint": .optional(entry.fingerprint?.description), "outcome": .text(entry.outcome.rawValue),
            "reason": .optional(entry.reason), "count": .optional(entry.count),
        ]
    }

    static func explanation(_ explanation: Explanation) -> [String: JSONValue] {
        [
            "allowed": .bool(explanation.allowed), "rule": .text(explanation.rule),
            "explanation": .text(explanation.text), "grant_id": .optional(explanation.grant),
            "suggestion": .optional(explanation.suggestion), "service": .optional(explanation.service?.value),
            "selectors": explanation.selectors.isEmpty
                ? .absent : .list(explanation.selectors.map { Show.reading($0.selector, $0.reading) }),
        ]
    }

    static func reading(_ selector: Selector, _ reading: SelectorReading) -> JSONValue {
        switch reading {
        case .holds: ["selector": .text(selector.description), "result": "holds"]
        case .differs(let instead):
            ["selector": .text(selector.description), "result": "differs", "detail": .text(instead)]
        case .unknown(let why): ["selector": .text(selector.description), "result": "unknown", "detail": .text(why)]
        }
    }

    static func process(_ report: ProcessReport) -> JSONValue {
        func facts(_ facts: [ProcessReport.Fact]) -> JSONValue {
            .list(facts.map { ["selector": .text($0.selector.description), "detail": .text($0.text)] })
        }
        var executable: JSONValue = .absent
        if case .path(let path) = report.program { executable = .text(path) }
        return [
            "pid": .int(Int64(report.peer.pid)), "uid": .int(Int64(report.peer.uid)),
            "user": .optional(report.userName), "gid": .int(Int64(report.peer.gid)),
            "groups": .list(report.peer.supplementaryGroups.map { .int(Int64($0)) }), "exe": executable,
            "sha256": .optional(report.sha256), "unit": .optional(report.unit), "cgroup": .optional(report.cgroup),
            "container": .optional(report.container), "name": .optional(report.name?.value),
            "proposed": facts(report.proposed), "possible": facts(report.possible),
            "warnings": .texts(report.warnings),
        ]
    }
}

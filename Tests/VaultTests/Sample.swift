import FoundationEssentials
import Rules
import SQLite
import Sealing

@testable import Vault

/// A vault with rows in every table, as it was (`older`) and as it is now (`place`): in between every table that can
/// change has changed.
struct Sample: Sendable {
    let older: Place
    let place: Place
    /// Two apps of different tenants, each with a signing secret and a client secret.
    let first: Int64
    let second: Int64
    let installation: Int64
    let removedGrant: Int64

    static let made = Result { try Sample() }

    private init() throws {
        place = try Place.new()
        let vault = try place.open()
        let ids = try vault.change(always: { transaction throws(Problem) in try Sample.fill(transaction) })
        (first, second, installation, removedGrant) = (ids.first, ids.second, ids.installation, ids.grant)
        vault.close()
        older = try place.copy()
        try vault.change(always: { transaction throws(Problem) in try Sample.alter(transaction, ids) })
        vault.close()
    }

    private struct IDs: Sendable {
        let tenant: Int64
        let first: Int64
        let second: Int64
        let installation: Int64
        let grant: Int64
        let role: Int64
        let link: Int64
        let flow: [UInt8]
        let lease: String
    }

    private static func fill(_ transaction: Transaction) throws(Problem) -> IDs {
        let acme = try transaction.addTenant(slug("acme"), title: "Acme Corp")
        let bolt = try transaction.addTenant(slug("bolt"), title: "Bolt & Sons")
        let first = try transaction.addApp(
            slack("A1"), tenant: acme.id, profile: "slack", claim: .proven, fields: [.clientID: "1.2"],
            redirectURIs: ["https://a.example/cb"])
        let second = try transaction.addApp(
            slack("A2"), tenant: bolt.id, profile: "slack", claim: .unproven, fields: [:], redirectURIs: [])
        for (app, tenant) in [(first.id, acme.id), (second.id, bolt.id)] {
            for kind in [SecretKind.signingSecret, .clientSecret] {
                try transaction.store(
                    box("\(kind.rawValue) of \(app)"), as: SecretName(app: app, kind: kind), tenant: tenant,
                    by: "uid:0", graceEnds: nil)
            }
        }
        let place = try transaction.installation(
            app: first.id, tenant: acme.id, enterpriseID: "", teamID: "T1", teamName: "Team", isEnterprise: false,
            userID: "", botUserID: "U1")
        let person = try transaction.installation(
            app: first.id, tenant: acme.id, enterpriseID: "", teamID: "T1", teamName: "Team", isEnterprise: false,
            userID: "U2", botUserID: "")
        for (leg, of) in [(Leg.bot, place), (.user, person)] {
            _ = try transaction.storeLeg(
                leg, of: of, token: box("token \(leg.rawValue)"), refreshToken: box("refresh"), scope: ["chat:write"],
                expiresAt: transaction.now + 1000, by: "uid:0")
        }
        let bridge = try transaction.addService(slug("bridge"), selectors: [.uid(1001)])
        let other = try transaction.addService(slug("other"), selectors: [.uid(1002)])
        let pattern = GrantPattern(tenant: slug("acme"), platform: .slack, appID: nil)
        var grants: [GrantRow] = []
        for service in [bridge.id, bridge.id, other.id] {
            grants.append(
                try transaction.addGrant(
                    to: service, pattern: pattern, actions: [.readSecret(.signingSecret)], methods: ["*"], scope: [],
                    maxTTL: Interval(seconds: 60), by: "uid:0"))
        }
        let role = try transaction.addRole(.auditor, to: .uid(1003), tenant: acme.id)
        _ = try transaction.addRole(.operator, to: .uid(1004), tenant: nil)
        for id in ["ls_1", "ls_2"] {
            try transaction.add(
                lease: Lease(
                    id: id, service: bridge.id, app: first.id, installation: place.id, leg: .bot, grant: grants[0].id,
                    delivery: .gateway, methods: ["chat.postMessage"], scope: [], createdAt: transaction.now,
                    expiresAt: transaction.now + 600_000, bootID: "boot", bootExpires: 600_000, version: 0))
        }
        let flows = [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)]
        for hash in flows {
            try transaction.add(
                flow: OAuthState(
                    hash: hash, app: first.id, service: bridge.id, purpose: .install,
                    redirectURI: "https://a.example/cb", scope: ["chat:write"], userScope: [], subject: "person",
                    returnTo: nil, binding: .cookie, browser: nil, createdAt: transaction.now,
                    expiresAt: transaction.now + 600_000))
        }
        var link: Int64 = 0
        for (person, subject) in [("U7", "agent-7"), ("U8", "agent-8"), ("U9", "agent-9")] {
            link = try transaction.addLink(
                of: place, subject: subject, userID: person, email: "\(subject)@a.example", how: .email, by: "uid:0"
            ).id
        }
        for (tenant, app) in [(acme.id, first.id), (bolt.id, second.id)] {
            _ = try transaction.addIntegration(
                tenant: tenant, profile: "slack", firstApp: app, secondApp: second.id)
            _ = try transaction.addRevocation(
                box("old token"), app: app, installation: place.id, leg: .user, tenant: tenant)
            try transaction.put(
                check: StoredCheck(
                    app: app, check: "bot token", result: "pending", compared: "nothing", advice: "wait",
                    checkedAt: transaction.now))
            try transaction.countCall(app: app, month: "2026-11")
            try transaction.endLeases(of: .app(app))
        }
        try transaction.record(note("sample.fill"))
        return IDs(
            tenant: bolt.id, first: first.id, second: second.id, installation: place.id, grant: grants[1].id,
            role: role.id, link: link, flow: flows[0], lease: "ls_1")
    }

    private static func alter(_ transaction: Transaction, _ ids: IDs) throws(Problem) {
        try transaction.setStanding(.suspended, of: ids.tenant)
        try transaction.setStanding(.suspended, ofService: slug("other"))
        guard var app = try transaction.app(slack("A1")), let place = try transaction.installation(ids.installation),
            var flow = try transaction.flow(ids.flow)
        else { throw Problem(.internal, "the sample lost a row") }
        app.state = .suspended
        try transaction.update(app: app, takesAway: true)
        for (kind, grace) in [(SecretKind.signingSecret, transaction.now + 3_600_000), (.clientSecret, nil)]
            as [(SecretKind, Int64?)]
        {
            try transaction.store(
                box("newer \(kind.rawValue)"), as: SecretName(app: ids.first, kind: kind), tenant: app.tenant,
                by: "uid:0", graceEnds: grace)
        }
        _ = try transaction.storeLeg(
            .bot, of: place, token: box("newer token"), refreshToken: box("newer refresh"), scope: [],
            expiresAt: nil, by: "uid:0")
        if var leg = try transaction.leg(.bot, of: place.id) {
            leg.state = .needsReauthorization
            leg.failures = 1
            leg.failure = "invalid_refresh_token"
            try transaction.update(leg: leg)
        }
        var gone = place
        gone.state = .disconnected
        try transaction.update(installation: gone)
        _ = try transaction.removeGrant(ids.grant)
        _ = try transaction.removeRole(ids.role)
        _ = try transaction.revokeLease(ids.lease)
        flow.usedAt = transaction.now
        flow.outcome = "done"
        try transaction.update(flow: flow)
        _ = try transaction.removeLink(ids.link)
        for row in try transaction.integrations(with: ids.first) { try transaction.remove(integration: row) }
        _ = try transaction.addIntegration(tenant: app.tenant, profile: "slack", firstApp: ids.second, secondApp: nil)
        for row in try transaction.rows(Revocation.self, Table.revocations.select, []) {
            var tried = row
            tried.tried(.pending, code: "ratelimited", nextAt: transaction.now + 1000, at: transaction.now)
            try transaction.update(revocation: tried)
        }
        for id in [ids.first, ids.second] {
            try transaction.put(
                check: StoredCheck(
                    app: id, check: "bot token", result: "passed", compared: "the App IDs", advice: "",
                    checkedAt: transaction.now))
            try transaction.countCall(app: id, month: "2026-11")
        }
        try transaction.record(note("sample.alter"))
    }
}

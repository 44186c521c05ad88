import Linux
import Platforms
import Rules
import Sealing
import Vault

extension Broker {
    /// Where a machine token belongs: the installation that has it, or the only place of the app, or nil where the app
    /// has none yet.
    func machinePlace(_ app: App, _ leg: Leg) throws(Problem) -> Installation? {
        let holders = try vault.installations(of: app.id, with: leg, atMost: 2)
        // The app's own token is one, wherever its tenants are.
        if leg == .app, let first = holders.first { return first }
        let found = holders.isEmpty ? try vault.installations(of: app.id, with: nil, atMost: 2) : holders
        // What somebody has disconnected does not come back because somebody else asks for a token.
        if found.isEmpty {
            let all = try vault.installations(of: app.id).map(\.0).filter(\.userID.isEmpty)
            // Made since the look before.
            if let place = all.first(where: { $0.state == .active }) { return place }
            guard all.isEmpty else {
                throw Problem(
                    .notFound, "the app's installation was disconnected",
                    advice: "connect it again: postern oauth url \(app.key)")
            }
        }
        if leg == .app { return found.first }
        guard found.count <= 1 else {
            throw Problem(
                .ambiguousInstallation,
                "the app has several installations that can have a \(leg.rawValue) token",
                advice: "name one: installation=ID, from GET …/installations")
        }
        return found.first
    }

    /// Makes a machine token anew; the turn is ours. The platform may give the one it gave before (platforms, 2.5): then
    /// only what is known of it changes.
    func mint(_ want: TokenWant, _ row: LegRow?) throws(Problem) {
        let releases = refreshing.releases(of: want.app.id)
        do throws(Problem) {
            let dialect = try dialect(of: want.app)
            let client = try client(of: want.app, .secret)
            guard dialect.mintable(client).contains(want.leg) else {
                throw Problem(
                    .notFound, "\(want.app.key.platform.rawValue) apps have no \(want.leg.rawValue) token of their own",
                    advice: "install the app: postern oauth url \(want.app.key)")
            }
            let request = try dialect.mint(want.leg, try material(want, client), client)
            _ = refreshing.mayCall(want.app.key, now: vault.now, isUrgent: true)
            _ = try vault.record(entry(want, .allowed, "intent"))
            let pair: TokenPair
            do { pair = try dialect.minted(try ask(request, timeoutSeconds: Self.refreshSeconds), want.leg) } catch {
                throw try noteMint(error, want, row)
            }
            try keep(pair, want)
        } catch {
            // What went wrong before the platform was asked is in no row: whoever asks in the next seconds hears the same.
            let seconds: Int64 = error.code == .platformUnreachable || error.code == .courierUnavailable ? 2 : 15
            refreshing.hold(want.key, until: vault.now + seconds * 1000, error, seen: releases)
            if error.code == .needsReauthorization { askForTicket(want) }
            throw error
        }
    }

    /// What a store app's tokens are made of (platforms, 2.5).
    private func material(_ want: TokenWant, _ client: OAuthClient) throws(Problem) -> MintMaterial {
        guard client.isStoreApp else { return MintMaterial() }
        guard want.leg == .tenant else {
            return MintMaterial(ticket: try use(SecretName(app: want.app.id, kind: .appTicket)))
        }
        guard let place = want.installation, !place.teamID.isEmpty else {
            throw Problem(
                .notFound, "a store app's tenant token needs an installation with its tenant_key",
                advice: "install the app in the customer's organisation first")
        }
        let appToken = try token(TokenWant(.app, of: want.app, at: nil, for: want.request)).text
        return MintMaterial(appToken: appToken, tenantKey: place.teamID)
    }

    /// Asks the platform to send a store app's ticket; once, since whoever asks next is held off for a while.
    private func askForTicket(_ want: TokenWant) {
        do throws(Problem) {
            let client = try client(of: want.app, .secret)
            guard client.isStoreApp, let request = try dialect(of: want.app).resendTicket(client) else { return }
            _ = try ask(request)
        } catch { Log.warning("ticket_not_asked_for", ["app": "\(want.app.key)", "code": error.code.rawValue]) }
    }

    private func entry(_ want: TokenWant, _ outcome: AuditEntry.Outcome, _ reason: String) -> AuditEntry {
        AuditEntry(
            "token.mint", outcome, by: .system, request: want.request,
            tenant: slug(of: want.installation?.tenant ?? want.app.tenant)?.value, app: want.app.key,
            kind: want.leg.rawValue, reason: reason)
    }

    /// Notes why no token was made and returns the problem for whoever waits.
    private func noteMint(_ error: any Error, _ want: TokenWant, _ row: LegRow?) throws(Problem) -> Problem {
        let failure: PlatformFailure
        switch error {
        case let known as PlatformFailure: failure = known
        case let problem as Problem: failure = PlatformFailure(.retry, problem.code.rawValue, problem.reason)
        default: failure = PlatformFailure(.bug, "unexpected_answer", "the answer could not be read")
        }
        refreshing.count(want.app.key.platform, failure.verdict.rawValue.lowercased())
        if let wait = failure.retryAfter { refreshing.slowDown(want.app.key, until: vault.now + wait * 1000) }
        if failure.wantsTicket { askForTicket(want) }
        let record = entry(want, .error, failure.code)
        try vault.change(always: { transaction throws(Problem) in
            if let row, var leg = try transaction.leg(row.leg, of: row.installation), leg.generation == row.generation {
                let now = transaction.now
                let spread = Double.random(in: 0..<1)
                let pause =
                    failure.verdict == .retry
                    ? max(
                        RefreshPlan.pause(afterFailures: leg.failures + 1, spread: spread),
                        (failure.retryAfter ?? 0) * 1000)
                    : min(RefreshPlan.longPause(afterFailures: leg.failures + 1, spread: spread), 900_000)
                leg.failed(failure.verdict.rawValue, failure.code, retryAt: now + pause, at: now)
                try transaction.update(leg: leg)
            }
            try transaction.record(record)
        })
        return (error as? Problem) ?? failure.problem
    }

    /// Stores a minted token, or what is new about the same one.
    private func keep(_ pair: TokenPair, _ want: TokenWant) throws(Problem) {
        let token = SecretBox(pair.token)
        let app = want.app
        let record = entry(want, .allowed, "minted")
        let isSame = try vault.change(always: { transaction throws(Problem) in
            var record = record
            let place: Installation
            if let known = want.installation {
                guard let row = try transaction.installation(known.id), row.state == .active else {
                    throw Problem(.notFound, "the installation has just ended")
                }
                place = row
            } else {
                place = try transaction.installation(
                    app: app.id, tenant: app.tenant, enterpriseID: "", teamID: "", teamName: "", isEnterprise: false,
                    userID: "", botUserID: "", revives: false)
                guard place.state == .active else { throw Problem(.notFound, "the installation has just ended") }
            }
            let expiresAt = pair.expiresIn.map { transaction.now + $0 * 1000 }
            let name = SecretName(app: app.id, installation: place.id, kind: want.leg.kind)
            if var leg = try transaction.leg(want.leg, of: place.id), leg.state == .active,
                let fingerprint = try transaction.fingerprint(of: token, ifCurrentOf: name)
            {
                leg.healed(at: transaction.now)
                leg.expiresAt = expiresAt
                // Until half an hour is left the platform has no other to give.
                leg.retryAt = max(transaction.now + 60_000, (expiresAt ?? 0) - 1_800_000)
                try transaction.update(leg: leg)
                record.reason = "same_token"
                record.fingerprint = fingerprint
                try transaction.record(record)
                return true
            }
            let new = NewToken(token: token, scope: pair.scope?.sorted() ?? [], expiresAt: expiresAt)
            let version = try transaction.storeLeg(want.leg, of: place, new, by: "posternd", replaces: false)
            record.version = version.version
            record.fingerprint = version.fingerprint
            try transaction.record(record)
            return false
        })
        refreshing.count(app.key.platform, isSame ? "same_token" : "minted")
    }
}

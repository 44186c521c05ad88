import Errands
import Linux
import Platforms
import Rules
import Sealing
import Vault

/// Which refresh an answer belongs to: enough to write it, whenever it comes.
struct RefreshTicket: Hashable, Sendable {
    let installation: Int64
    let leg: Leg
    /// The generation whose refresh token was spent: an answer to another one is not written.
    let generation: Int64

    init(_ row: LegRow) {
        installation = row.installation
        leg = row.leg
        generation = row.generation
    }

    /// `13/bot/4`, as the courier is given it.
    var text: String { "\(installation)/\(leg.rawValue)/\(generation)" }

    /// Reads `text`.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let installation = Int64(parts[0]), let leg = Leg(rawValue: String(parts[1])),
            let generation = Int64(parts[2])
        else { return nil }
        self.installation = installation
        self.leg = leg
        self.generation = generation
    }
}

extension Broker {
    /// Trades the refresh token of a leg; the turn is ours. Intent first, durable; then the errand; then the whole new
    /// pair with its record in one transaction, fenced by the generation.
    func refresh(_ want: TokenWant, _ row: LegRow) throws(Problem) {
        guard let place = want.installation else { throw Problem(.internal, "a refresh without an installation") }
        var row = row
        if row.inFlight != nil {
            // Spent before: an answer to that may be here by now.
            try waitForOlderCouriers(row)
            applySpool(waiting: true)
            guard let again = try vault.leg(row.leg, of: row.installation), again.generation == row.generation,
                again.state == .active, again.canRefresh
            else { return }
            row = again
        }
        let dialect = try dialect(of: want.app)
        let spent = try refreshToken(of: row, place)
        // A configuration token is traded without the app's own credentials (platforms, 1.10).
        var client = try client(of: want.app, row.leg == .config ? .address : .secret)
        if dialect.needsAppToken(refreshToken: spent) {
            client = client.with(
                appToken: try token(TokenWant(.app, of: want.app, at: nil, for: want.request)).text)
        }
        if want.isUrgent { _ = refreshing.mayCall(want.app.key, now: vault.now, isUrgent: true) }
        let ticket = RefreshTicket(row)
        let aside = Errand.Spool(publicKey: vault.spoolKey, ticket: try prove(ticket))
        guard try begin(want, row, place) else { return }
        var result: Problem?
        carry(dialect.refresh(spent, row.leg, client), aside) { outcome in
            do throws(Problem) {
                result = try conclude(ticket, place, want.app, outcome, for: want.request)
                return true
            } catch {
                result = error
                return false
            }
        }
        if let result { throw result }
    }

    /// A ticket as couriers are given it: with what only this vault can make of it, so that nobody who can make files in
    /// the spool can make an answer to it.
    func prove(_ ticket: RefreshTicket) throws(Problem) -> String {
        "\(ticket.text)/\(try vault.derive(.errand, from: ticket.text))"
    }

    /// Opens a leg's refresh token for one errand.
    private func refreshToken(of row: LegRow, _ place: Installation) throws(Problem) -> String {
        let slab = slabs.take()
        defer { slabs.give(slab) }
        guard try vault.openRefreshToken(of: row, tenant: place.tenant, into: slab) else {
            throw Problem(.needsReauthorization, "the installation has no refresh token")
        }
        return String(decoding: [UInt8](copying: slab.span), as: UTF8.self)
    }

    /// Makes the intent durable; false where somebody has stored a newer pair meanwhile.
    private func begin(_ want: TokenWant, _ row: LegRow, _ place: Installation) throws(Problem) -> Bool {
        let entry = AuditEntry(
            "token.refresh", .allowed, by: .system, request: want.request, tenant: slug(of: place.tenant)?.value,
            app: want.app.key, kind: row.leg.rawValue, reason: "intent")
        return try vault.change(always: { transaction throws(Problem) in
            guard var leg = try transaction.leg(row.leg, of: row.installation), leg.generation == row.generation,
                leg.state == .active, leg.canRefresh
            else { return false }
            leg.begin(at: transaction.now)
            try transaction.update(leg: leg)
            try transaction.record(entry)
            return true
        })
    }

    /// Writes what came of a refresh; returns the problem it means for whoever waits. Throws where nothing could be
    /// written: then the answer is not lost as long as somebody else keeps it.
    func conclude(
        _ ticket: RefreshTicket, _ place: Installation, _ app: App, _ outcome: Asked, for request: RequestID
    ) throws(Problem) -> Problem? {
        let dialect = try dialect(of: app)
        switch outcome {
        case .failed(let problem, let mayHaveBeenSent):
            let failure = PlatformFailure(.retry, problem.code.rawValue, problem.reason)
            try note(failure, of: ticket, app, settles: !mayHaveBeenSent, request)
            return problem
        case .answered(let answer):
            let pair: TokenPair
            do { pair = try dialect.refreshed(answer, ticket.leg) } catch {
                if let wait = error.retryAfter {
                    refreshing.slowDown(app.key, until: vault.now + wait * 1000)
                }
                let dead = try note(error, of: ticket, app, settles: error.saysThatNothingHappened, request)
                return dead || error.verdict != .race && error.verdict != .reauth ? error.problem : nil
            }
            let client = try? client(of: app, .identifier)
            try store(pair, of: ticket, place, app, life: client.flatMap { dialect.refreshTokenLife($0) }, request)
            return nil
        }
    }

    /// The whole new pair and its record. Its life counts from when it was asked for, however late it is written.
    ///
    /// It may use the reserve of a full disk, since it cannot be had twice. Where the leg has ended meanwhile nobody here wants the new token: the platform is told so.
    private func store(
        _ pair: TokenPair, of ticket: RefreshTicket, _ before: Installation, _ app: App, life: Int64?,
        _ request: RequestID
    ) throws(Problem) {
        let token = SecretBox(pair.token)
        let refreshToken = pair.refreshToken.map { SecretBox($0) }
        var odd = pair.oddities.map(\.rawValue)
        if let other = pair.appID, other != app.key.appID { odd.insert("app_id_mismatch", at: 0) }
        let oddity = odd.first
        let tenant = slug(of: before.tenant)?.value
        let queue = try endings(of: app)
        let outcome = try vault.change(
            isRevoking: true,
            always: { transaction throws(Problem) in
                var entry = AuditEntry(
                    "token.refresh", .allowed, by: .system, request: request, tenant: tenant, app: app.key,
                    kind: ticket.leg.rawValue, reason: oddity ?? "refreshed")
                let leg = try transaction.leg(ticket.leg, of: ticket.installation)
                let place = try transaction.installation(ticket.installation)
                guard let old = leg, let place, old.state != .revoked, place.state == .active else {
                    let ended = EndedLeg(installation: place ?? before, leg: ticket.leg, token: token, wasActive: true)
                    try queue.add([ended], transaction)
                    entry.reason = "ended_meanwhile"
                    try transaction.record(entry)
                    return "ended"
                }
                guard old.generation == ticket.generation, old.canRefresh, let began = old.inFlightAt else {
                    return "superseded"
                }
                let issuedAt = min(began, transaction.now)
                var new = NewToken(
                    token: token, refreshToken: refreshToken, scope: pair.scope?.sorted() ?? old.scope,
                    expiresAt: pair.expiresIn.map { issuedAt + $0 * 1000 })
                new.issuedAt = issuedAt
                new.keepsRefreshToken = true
                new.refreshExpiresAt = (pair.refreshExpiresIn ?? (refreshToken == nil ? nil : life)).map {
                    issuedAt + $0 * 1000
                }
                let version = try transaction.storeLeg(ticket.leg, of: place, new, by: "posternd", replaces: false)
                if let oddity, var leg = try transaction.leg(ticket.leg, of: ticket.installation) {
                    leg.odd(oddity, at: transaction.now)
                    try transaction.update(leg: leg)
                }
                entry.version = version.version
                entry.fingerprint = version.fingerprint
                try transaction.record(entry)
                return "refreshed"
            })
        refreshing.count(app.key.platform, outcome)
        if outcome == "refreshed" {
            let key = RefreshFlights.Key(app: app.id, installation: ticket.installation, leg: ticket.leg)
            refreshing.renewed(key, now: Clock.bootMilliseconds)
        }
        if let oddity {
            Log.warning("refresh_odd", ["app": "\(app.key)", "leg": ticket.leg.rawValue, "what": oddity])
        }
    }

    /// Writes why a refresh failed; no verdict deletes a token. `settles`: the refresh token has surely not been spent by
    /// this attempt. Returns whether the leg needs a person now.
    @discardableResult
    func note(
        _ failure: PlatformFailure, of ticket: RefreshTicket, _ app: App, settles: Bool, _ request: RequestID
    ) throws(Problem) -> Bool {
        if failure.verdict == .race || failure.verdict == .reauth { applySpool() }
        let owner = try vault.installation(ticket.installation)?.tenant ?? app.tenant
        let tenant = slug(of: owner)?.value
        let isDead = try vault.change(always: { transaction throws(Problem) in
            guard var leg = try transaction.leg(ticket.leg, of: ticket.installation),
                leg.generation == ticket.generation, leg.state == .active, leg.inFlight != nil
            else { return false }
            let now = transaction.now
            switch failure.verdict {
            case .reauth, .race: leg.died(failure.verdict.rawValue, failure.code, at: now)
            case .retry:
                let pause = RefreshPlan.pause(afterFailures: leg.failures + 1, spread: Double.random(in: 0..<1))
                let wait = max(pause, (failure.retryAfter ?? 0) * 1000)
                leg.failed(failure.verdict.rawValue, failure.code, retryAt: now + wait, at: now)
            case .config, .bug:
                let pause = RefreshPlan.longPause(afterFailures: leg.failures + 1, spread: Double.random(in: 0..<1))
                leg.failed(failure.verdict.rawValue, failure.code, retryAt: now + pause, at: now)
            }
            if settles { leg.settle(at: now) }
            try transaction.update(leg: leg)
            try transaction.record(
                AuditEntry(
                    "token.refresh", .error, by: .system, request: request, tenant: tenant, app: app.key,
                    kind: ticket.leg.rawValue, reason: failure.code))
            return leg.state == .needsReauthorization
        })
        refreshing.count(app.key.platform, isDead ? "needs_reauthorization" : failure.verdict.rawValue.lowercased())
        Log.warning(
            "refresh_failed",
            [
                "app": "\(app.key)", "installation": ticket.installation, "leg": ticket.leg.rawValue,
                "class": failure.verdict.rawValue, "code": failure.code,
            ])
        return isDead
    }

    /// Sends a refresh; `keep` is called once with what came of it, and the courier puts it aside unless that is true.
    private func carry(_ request: PlatformRequest, _ aside: Errand.Spool, _ keep: (Asked) -> Bool) {
        guard let courier else {
            _ = keep(.failed(Self.noCourier, mayHaveBeenSent: false))
            return
        }
        var errand = Errand(request, timeoutSeconds: Self.refreshSeconds)
        errand.maxAnswerBytes = Self.longestAnswer
        errand.spool = aside
        courier.attempt(errand) { outcome in
            switch outcome {
            case .answered(let answer): keep(.answered(PlatformAnswer(answer)))
            case .failed(let problem, let sent): keep(.failed(problem, mayHaveBeenSent: sent))
            }
        }
    }

    /// Bytes of an answer to a refresh; documented ones are below 8 KiB, and a token may be 64 KiB long.
    private static let longestAnswer = 256 * 1024

    /// How long a platform has for a refresh.
    static let refreshSeconds = 20
}

extension PlatformFailure {
    /// The platform has said that it did nothing: the refresh token is as it was. Whatever else is no such word, even
    /// "internal error".
    fileprivate var saysThatNothingHappened: Bool {
        switch verdict {
        case .retry: retryAfter != nil
        case .bug: code != "unexpected_answer" && code != "unknown_code"
        case .config, .reauth, .race: true
        }
    }
}

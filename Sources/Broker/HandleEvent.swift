import Linux
import Platforms
import Rules
import Sealing
import Vault

extension Broker {
    /// What became of an event about the life of an installation.
    package enum Handled: String, Sendable {
        /// The event is about something else.
        case none
        /// The platform takes the token still, or a newer one is here: the event is old.
        case kept
        /// What it named has ended here too.
        case ended
        /// The platform could not be asked: what it named is out of use until somebody consents anew.
        case doubted
        /// A store app's ticket is kept.
        case ticket
    }

    /// Takes note of an event whose signature was verified and whose app is `app` (platforms, 1.7 and 2.7).
    ///
    /// Events come late and in any order, so that a token is tried before it is given up.
    func handle(_ news: EventInbox.News, of app: App) throws(Problem) -> Handled {
        let request = RequestID.next()
        switch news {
        case .ticket(let ticket, let at, let isWeak):
            return try keep(ticket, at: at, isWeak, of: app, request)
        case .life(.ticket, _): return .none
        case .life(.uninstalled(let place, let at), let isWeak):
            let workspaces = try places(of: app, at: place).filter { $0.0.userID.isEmpty }
            return try end(
                workspaces, of: app, Told(at: at, isWeak: isWeak), "app_uninstalled", whole: true, request)
        case .life(.tokensRevoked(let place, let users, let bots, let at), let isWeak):
            let named = try places(of: app, at: place).map { row, legs in
                let isBot = row.userID.isEmpty && bots.contains(row.botUserID)
                return (
                    row, legs.filter { $0.leg == .bot && isBot || $0.leg == .user && users.contains(row.userID) }
                )
            }
            return try end(
                named.filter { !$0.1.isEmpty }, of: app, Told(at: at, isWeak: isWeak), "tokens_revoked", whole: false,
                request)
        }
    }

    /// When it happened, as the platform says, and whether a token every request carries is all that proves it.
    private struct Told {
        let at: Int64?
        let isWeak: Bool

        /// Whether it is surely newer than `moment`, but for a minute between two clocks.
        func isNewer(than moment: Int64) -> Bool { at.map { moment - 60_000 <= $0 } ?? false }
    }

    /// Keeps a store app's ticket unless a newer one came before. One that is hardly proven must have a time that can be.
    private func keep(
        _ ticket: SecretBox, at: Int64?, _ isWeak: Bool, of app: App, _ request: RequestID
    ) throws(Problem) -> Handled {
        guard app.fields[.appType] == "store" else { return .none }
        if isWeak {
            guard let at, at <= vault.now + 300_000 else { return .kept }
        }
        let name = SecretName(app: app.id, kind: .appTicket)
        let entry = AuditEntry(
            "ticket.store", .allowed, by: .system, request: request, tenant: slug(of: app.tenant)?.value,
            app: app.key, kind: SecretKind.appTicket.rawValue)
        let isKept = try vault.change(always: { transaction throws(Problem) in
            if let current = try transaction.head(of: name)?.current,
                let row = try transaction.version(current, of: name), let at,
                !Told(at: at, isWeak: isWeak).isNewer(than: row.createdAt)
            {
                return false
            }
            var entry = entry
            let version = try transaction.store(
                ticket, as: name, tenant: app.tenant, by: "platform", graceEnds: nil)
            entry.version = version.version
            entry.fingerprint = version.fingerprint
            try transaction.record(entry)
            return true
        })
        guard isKept else { return .kept }
        // Whoever asked too early need not wait any longer.
        refreshing.release(app.id)
        return .ticket
    }

    private func places(of app: App, at place: Place) throws(Problem) -> [(Installation, [LegRow])] {
        try vault.installations(of: app.id).filter { row, _ in
            guard row.state == .active, !row.isUnplaced else { return false }
            if row.isEnterprise || place.isEnterpriseInstall {
                return row.isEnterprise && row.enterpriseID == place.enterpriseID ?? ""
            }
            return row.teamID == place.teamID ?? ""
        }
    }

    private func end(
        _ places: [(Installation, [LegRow])], of app: App, _ told: Told, _ why: String, whole: Bool,
        _ request: RequestID
    ) throws(Problem) -> Handled {
        var result = Handled.none
        for (row, legs) in places {
            var verdict = Handled.none
            // One leg speaks for the whole installation: the platform's own, where there is one.
            for leg in legs.sorted(by: { $0.leg.rawValue < $1.leg.rawValue }) where verdict == .none {
                verdict = try judge(leg, of: row, app, told)
            }
            // Nothing can be tried, so that only what is newer than the row, and signed, is believed.
            if legs.isEmpty, whole { verdict = told.isNewer(than: row.updatedAt) ? .ended : .kept }
            // A token that every request carries is no proof: only the platform's own word counts.
            if told.isWeak, verdict == .doubted || legs.isEmpty { verdict = .kept }
            guard verdict == .ended || verdict == .doubted else {
                if result == .none { result = verdict }
                continue
            }
            result = verdict
            try end(row, legs, of: app, verdict, why, whole: whole, request)
        }
        return result
    }

    /// Tries a token that is said to be dead; `none` where it is out of use already.
    private func judge(_ leg: LegRow, of row: Installation, _ app: App, _ told: Told) throws(Problem) -> Handled {
        guard leg.state == .active else { return .none }
        // A minute for the difference between two clocks.
        if told.at != nil, !told.isNewer(than: leg.issuedAt) { return .kept }
        let name = SecretName(app: app.id, installation: row.id, kind: leg.leg.kind)
        let client = try client(of: app, .address)
        let dialect = try dialect(of: app)
        guard let token = try use(name), let probe = dialect.probe(token: token, leg.leg, client) else {
            return .doubted
        }
        guard case .answered(let answer) = attempt(probe) else { return .doubted }
        guard let complaint = dialect.complaint(answer) else { return .kept }
        switch complaint.verdict {
        case .reauth: return complaint.code == "token_expired" ? .doubted : .ended
        case .config: return complaint.code == "invalid_auth" ? .ended : .doubted
        case .retry, .bug, .race: return .doubted
        }
    }

    private func end(
        _ row: Installation, _ legs: [LegRow], of app: App, _ verdict: Handled, _ why: String, whole: Bool,
        _ request: RequestID
    ) throws(Problem) {
        let entry = AuditEntry(
            verdict == .ended ? "installation.ended" : "installation.doubted", .allowed, by: .system,
            request: request, tenant: slug(of: app.tenant)?.value, app: app.key, reason: why)
        let before = vault.policy.epoch
        try vault.change(
            isRevoking: true,
            always: { transaction throws(Problem) in
                if verdict == .doubted {
                    for leg in legs {
                        guard var leg = try transaction.leg(leg.leg, of: row.id), leg.state == .active else { continue }
                        leg.refused("REAUTH", why, at: transaction.now)
                        try transaction.update(leg: leg)
                    }
                    try transaction.endLeases(of: .installation(row.id))
                    transaction.raiseEpoch()
                } else if whole {
                    _ = try transaction.end(installation: row.id)
                } else {
                    for leg in legs { _ = try transaction.end(leg: leg.leg, of: row) }
                    try transaction.closeIfEmpty(row.id)
                }
                try transaction.record(entry)
            })
        if vault.policy.epoch != before { drain() }
    }
}

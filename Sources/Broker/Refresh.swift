import Linux
import Platforms
package import Rules
package import Vault

/// A token that somebody wants.
package struct TokenWant: Sendable {
    package let app: App
    package let leg: Leg
    /// nil for a machine token whose place is not known yet.
    package var installation: Installation?
    /// How long it shall be good for, milliseconds.
    package var least: Int64 = TokenWant.usualLeast
    /// The generation of the token that the platform refuses, where it does.
    package var refused: Int64?
    /// The request it is for, so that the log says why the platform was asked.
    package let request: RequestID
    /// Somebody waits for it; whoever keeps house does not count as somebody.
    var isUrgent = true

    /// Long enough for a call that was made at once to arrive.
    package static let usualLeast: Int64 = 60_000

    /// A token of this leg that is good for the next minute.
    package init(_ leg: Leg, of app: App, at installation: Installation?, for request: RequestID) {
        self.app = app
        self.leg = leg
        self.installation = installation
        self.request = request
    }

    var key: RefreshFlights.Key {
        RefreshFlights.Key(app: app.id, installation: installation?.id ?? 0, leg: leg)
    }
}

extension Broker {
    /// Nobody waits longer than this for somebody else's renewal.
    private static let patience: Int64 = 40

    /// Makes sure that a leg has a token that is good, and returns its row; the token itself is then read as ever.
    ///
    /// The one way to a token (design, section 7): one renewal of a leg at a time, everybody else waits for it and reads
    /// again. Throws `needs_reauthorization` where only a person can help, `platform_unreachable` or `platform_refused`
    /// where the token has ended and could not be renewed yet, `not_found` where there is no such leg.
    package func ready(_ want: TokenWant) throws(Problem) -> (Installation, LegRow) {
        var want = want
        let deadline = Deadline.after(seconds: Self.patience)
        var hasTried = false
        var problem: Problem?
        while true {
            let (decision, row) = try decide(&want, hasTried: hasTried)
            switch (decision, row) {
            case (.serve, let row?):
                guard let place = want.installation else { break }
                return (place, row)
            case (.fail(let refusal), _): throw problem ?? refusal
            default: break
            }
            // Whoever has just seen it fail and has nothing to serve has had his turn.
            if let problem { throw problem }
            let key = want.key
            switch refreshing.flights.take(key, until: deadline) {
            case .mine:
                var failure: Problem?
                do throws(Problem) {
                    // Somebody may have done it between our look and our turn.
                    if case (.renew, let row) = try decide(&want, hasTried: false) { try renew(want, row) }
                } catch { failure = error }
                refreshing.flights.land(key, failure)
                problem = failure
            case .ended(let failure): problem = failure
            case .late:
                throw Problem(
                    .platformUnreachable, "the token is being refreshed, and the platform takes long",
                    advice: "try again")
            }
            hasTried = problem == nil
        }
    }

    /// The token as text, for a request to the platform; transient like that request.
    package func token(_ want: TokenWant) throws(Problem) -> (text: String, place: Installation, leg: LegRow) {
        let (place, row) = try ready(want)
        guard
            let text = try use(SecretName(app: want.app.id, installation: place.id, kind: want.leg.kind))
        else { throw Problem(.notFound, "the installation has no \(want.leg.kind.rawValue)") }
        return (text, place, row)
    }

    /// What to do for `want` at this moment, and the row it was decided by; finds the place of a machine token.
    func decide(_ want: inout TokenWant, hasTried: Bool) throws(Problem) -> (RefreshDecision, LegRow?) {
        if want.installation == nil { want.installation = try machinePlace(want.app, want.leg) }
        let isPlaceActive = want.installation.map { $0.state == .active } ?? true
        let canMint = isPlaceActive && (want.leg == .tenant || want.leg == .app)
        let row = try want.installation.map { place throws(Problem) in try vault.leg(want.leg, of: place.id) } ?? nil
        let now = vault.now
        guard let row else {
            guard canMint else {
                throw Problem(.notFound, "the installation has no \(want.leg.rawValue) leg")
            }
            if let held = held(want, at: now) { return (.fail(held), nil) }
            return (.renew, nil)
        }
        let isRefused = want.refused == row.generation
        let margin = canMint ? try dialect(of: want.app).mintMargin * 1000 : 0
        let decision = row.decide(
            at: now, least: max(want.least, margin), canMint: canMint, isRefused: isRefused, hasTried: hasTried)
        guard decision == .renew, let held = held(want, at: now) else { return (decision, row) }
        let isAlive = row.state == .active && row.left(at: now).map { $0 > 0 } ?? true
        return (isAlive && !isRefused ? .serve : .fail(held), row)
    }

    /// Why nobody asks for this token now; nil where somebody may.
    private func held(_ want: TokenWant, at now: Int64) -> Problem? {
        refreshing.held(want.key, now: now) ?? refreshing.slowed(want.app.key, now: now)
    }

    /// Renews one leg; the turn is ours.
    private func renew(_ want: TokenWant, _ row: LegRow?) throws(Problem) {
        if let row, row.canRefresh { return try refresh(want, row) }
        try mint(want, row)
    }
}

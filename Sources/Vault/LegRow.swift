package import Rules
import SQLite

/// What is known of a token leg; the access token itself is a secret of the leg's kind. Times are milliseconds since
/// 1970.
package struct LegRow: Row, Sendable {
    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        case active
        case needsReauthorization = "needs_reauthorization"
        case revoked
    }

    static let name = TableName.legs

    package let installation: Int64
    package let leg: Leg
    /// Granted scopes, sorted.
    package var scope: [String]
    /// The scopes that were asked for, sorted; empty where nobody asked, as for a token entered by hand.
    package var asked: [String]
    package var state: State
    /// When the token in force was obtained.
    package var issuedAt: Int64
    /// When the access token ends; nil when it does not.
    package var expiresAt: Int64?
    /// When the refresh token ends; nil where it does not or nobody says.
    package var refreshExpiresAt: Int64?
    var refreshSealed: [UInt8]?
    var refreshFingerprint: [UInt8]?
    /// The tenant's key the refresh token is sealed with.
    var keyGeneration: Int64
    /// Fences refreshes: every new pair raises it.
    package private(set) var generation: Int64
    /// The fingerprint of the refresh token that is being spent, while a refresh is in flight.
    package private(set) var inFlight: [UInt8]?
    /// When that refresh was begun.
    package private(set) var inFlightAt: Int64?
    /// When whoever keeps house looks at it next; nil when nothing has to be done for it.
    package var dueAt: Int64?
    /// Before this nobody asks the platform again.
    package var retryAt: Int64?
    /// Refreshes that failed since the last that did not.
    package var failures: Int64
    /// When the first of them failed.
    package var failingSince: Int64?
    /// Class and code of why the newest one failed, or of why the leg needs a person: `RETRY:ratelimited`.
    package var failure: String?
    package var updatedAt: Int64

    init(installation: Int64, leg: Leg, scope: [String], expiresAt: Int64?, generation: Int64, now: Int64) {
        self.installation = installation
        self.leg = leg
        self.scope = scope
        asked = []
        state = .active
        issuedAt = now
        self.expiresAt = expiresAt
        keyGeneration = 0
        self.generation = generation
        failures = 0
        updatedAt = now
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let leg = Leg(rawValue: row.text(first + 1)), let scope = JSONText.list(row.text(first + 2)),
            let asked = JSONText.list(row.text(first + 3)), let state = State(rawValue: row.text(first + 4))
        else { throw Self.name.unreadable }
        func number(_ index: Int32) -> Int64? { row.isNull(first + index) ? nil : row.integer(first + index) }
        func bytes(_ index: Int32) -> [UInt8]? { row.isNull(first + index) ? nil : row.blob(first + index) }
        installation = row.integer(first)
        self.leg = leg
        self.scope = scope
        self.asked = asked
        self.state = state
        issuedAt = row.integer(first + 5)
        expiresAt = number(6)
        refreshExpiresAt = number(7)
        refreshSealed = bytes(8)
        refreshFingerprint = bytes(9)
        keyGeneration = row.integer(first + 10)
        generation = row.integer(first + 11)
        inFlight = bytes(12)
        inFlightAt = number(13)
        dueAt = number(14)
        retryAt = number(15)
        failures = row.integer(first + 16)
        failingSince = number(17)
        failure = row.isNull(first + 18) ? nil : row.text(first + 18)
        updatedAt = row.integer(first + 19)
    }

    var values: [Value] {
        [
            .int(installation), .text(leg.rawValue), .text(JSONText.text(scope)), .text(JSONText.text(asked)),
            .text(state.rawValue), .int(issuedAt), .optional(expiresAt), .optional(refreshExpiresAt),
            .optional(refreshSealed), .optional(refreshFingerprint), .int(keyGeneration), .int(generation),
            .optional(inFlight), .optional(inFlightAt), .optional(dueAt), .optional(retryAt), .int(failures),
            .optional(failingSince), .optional(failure), .int(updatedAt),
        ]
    }

    /// Decides when it is looked at next. A token that is minted is made when somebody asks.
    mutating func plan(spread: Double) {
        dueAt =
            canRefresh
            ? RefreshPlan.due(
                issuedAt: issuedAt, expiresAt: expiresAt, refreshExpiresAt: refreshExpiresAt, spread: spread) : nil
    }

    /// Whether there is a refresh token to spend.
    package var canRefresh: Bool { refreshSealed != nil }

    /// Notes that the refresh token is about to be spent. Should we end here, whoever keeps house looks at it at once.
    package mutating func begin(at now: Int64) {
        inFlight = refreshFingerprint
        inFlightAt = now
        dueAt = now
        updatedAt = now
    }

    /// A refresh failed: nobody asks the platform again before `retryAt`. `verdict` and `code` are ours.
    package mutating func failed(_ verdict: String, _ code: String, retryAt: Int64, at now: Int64) {
        failures += 1
        failingSince = failingSince ?? now
        failure = "\(verdict):\(code)"
        self.retryAt = retryAt
        dueAt = canRefresh ? retryAt : nil
        updatedAt = now
    }

    /// The grant is dead: the row stays, the access token is served to its own end, a person must consent again.
    package mutating func died(_ verdict: String, _ code: String, at now: Int64) {
        state = .needsReauthorization
        failures += 1
        failingSince = failingSince ?? now
        failure = "\(verdict):\(code)"
        retryAt = nil
        dueAt = nil
        settle(at: now)
    }

    /// The platform says that the access token itself is dead: it is over for everybody, and so is what is in flight.
    package mutating func refused(_ verdict: String, _ code: String, at now: Int64) {
        died(verdict, code, at: now)
        expiresAt = min(expiresAt ?? now, now)
        refreshExpiresAt = nil
        refreshSealed = nil
        refreshFingerprint = nil
        generation += 1
    }

    /// The newest answer was good but not as documented: shown until the next one is.
    package mutating func odd(_ code: String, at now: Int64) {
        failures = 1
        failingSince = now
        failure = "BUG:\(code)"
    }

    /// The class of the newest failure (platforms, 0.2); nil where nothing is wrong.
    package var failureVerdict: String? { failure?.split(separator: ":").first.map(String.init) }
    /// Our code for it.
    package var failureCode: String? {
        failure.flatMap { $0.split(separator: ":", maxSplits: 1).last.map(String.init) }
    }

    /// The platform has surely not acted, or has said what came of it.
    package mutating func settle(at now: Int64) {
        inFlight = nil
        inFlightAt = nil
        updatedAt = now
    }

    /// A token entered by hand takes the place of what was there: it has no refresh token.
    mutating func replace(at now: Int64) {
        state = .active
        issuedAt = now
        expiresAt = nil
        refreshExpiresAt = nil
        refreshSealed = nil
        refreshFingerprint = nil
        generation += 1
        dueAt = nil
        healed(at: now)
    }

    /// Nothing is wrong any more.
    package mutating func healed(at now: Int64) {
        retryAt = nil
        failures = 0
        failingSince = nil
        failure = nil
        settle(at: now)
    }
}

import Linux
import Platforms
import Rules
import Synchronization
import Vault

/// What refreshing keeps in memory; nothing of it is missed after a restart.
final class RefreshState: Sendable {
    let flights = RefreshFlights()
    /// What each platform allows, by platform and app (platforms 1.9, 2.2, 4.9).
    private let paces = Mutex<[AppKey: Pace]>([:])
    /// Machine tokens that could not be made and have no row yet to say so: until when nobody asks again.
    private let holds = Mutex(Holds())
    /// When a leg was last renewed because a caller said that its token was refused; boot clock.
    private let reports = Mutex<[RefreshFlights.Key: Int64]>([:])
    private let counts = Mutex<[Count: Int64]>([:])
    /// Legs that wait for a worker.
    let queue = Mutex<Queue>(Queue())

    private struct Holds: Sendable {
        var rows: [RefreshFlights.Key: (until: Int64, problem: Problem)] = [:]
        /// By app; a number each, for as long as the process lives.
        var releases: [Int64: Int64] = [:]
    }

    struct Queue: Sendable {
        var waiting: [LegRow] = []
        var workers = 0
        var stopped = false
    }

    struct Count: Hashable, Sendable {
        let platform: Platform
        let outcome: String
    }

    /// Calls of a platform's token endpoint a minute (platforms, 1.9: 600 for oauth.v2.access; 2.2: 1 000 for Lark and
    /// Feishu; 4.9: 300 for Genesys).
    static func perMinute(_ platform: Platform) -> Int64 {
        switch platform {
        case .slack: 600
        case .lark, .feishu: 1000
        case .genesys: 300
        }
    }

    /// Takes one call of the app's share; false when whoever keeps house has to wait. Callers who wait do not.
    func mayCall(_ app: AppKey, now: Int64, isUrgent: Bool) -> Bool {
        paces.withLock {
            $0[app, default: Pace(perMinute: Self.perMinute(app.platform))].take(at: now, isUrgent: isUrgent)
        }
    }

    /// The platform asked the app to slow down.
    func slowDown(_ app: AppKey, until moment: Int64) {
        paces.withLock { $0[app, default: Pace(perMinute: Self.perMinute(app.platform))].hold(until: moment) }
    }

    /// What callers hear while the platform wants the app to wait; nil where it does not.
    func slowed(_ app: AppKey, now: Int64) -> Problem? {
        paces.withLock { $0[app]?.held(at: now) }.map { until in
            Problem(
                .platformUnreachable, "the platform asked this app to wait",
                advice: "try again in \(max(1, (until - now + 999) / 1000)) seconds")
        }
    }

    /// How often the app's holds were lifted; one that is to be set afterwards says what it has seen.
    func releases(of app: Int64) -> Int64 { holds.withLock { $0.releases[app] ?? 0 } }

    /// Holds off whoever asks until then, unless the app's holds were lifted meanwhile: what was missing has come.
    func hold(_ key: RefreshFlights.Key, until moment: Int64, _ problem: Problem, seen releases: Int64) {
        holds.withLock { holds in
            guard holds.releases[key.app] ?? 0 == releases else { return }
            holds.rows[key] = (moment, problem)
        }
    }

    func held(_ key: RefreshFlights.Key, now: Int64) -> Problem? {
        holds.withLock { holds in
            guard let hold = holds.rows[key] else { return nil }
            guard hold.until > now else {
                holds.rows[key] = nil
                return nil
            }
            return hold.problem
        }
    }

    func release(_ app: Int64) {
        holds.withLock { holds in
            holds.rows = holds.rows.filter { $0.key.app != app }
            holds.releases[app, default: 0] += 1
        }
    }

    /// Seconds between renewals that callers' reports force, for each leg.
    static let reportSeconds: Int64 = 60

    /// Whether a report may force a renewal now; notes that it does. Else the seconds to wait.
    func mayReport(_ key: RefreshFlights.Key, now: Int64) -> Int64? {
        reports.withLock { reports in
            if let last = reports[key], now - last < Self.reportSeconds * 1000 {
                return max(1, Self.reportSeconds - (now - last) / 1000)
            }
            if reports.count >= 10_000 {
                reports = reports.filter { now - $0.value < Self.reportSeconds * 1000 }
            }
            reports[key] = now
            return nil
        }
    }

    func count(_ platform: Platform, _ outcome: String) {
        counts.withLock { $0[Count(platform: platform, outcome: outcome), default: 0] += 1 }
    }

    /// Renewals by platform and outcome since the start.
    var total: [Count: Int64] { counts.withLock { $0 } }
}

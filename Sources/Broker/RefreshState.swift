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
    /// When a leg was last renewed, or a caller said that its token was refused; boot clock.
    private let reports = Gate<[RefreshFlights.Key: Report]>([:])
    private let counts = Mutex<[Count: Int64]>([:])
    /// Legs that wait for a worker.
    let queue = Mutex<Queue>(Queue())

    private struct Report: Sendable {
        var at: Int64 = 0
        /// Whoever reported it has it renewed at this moment.
        var isUnderWay = false
    }

    private struct Holds: Sendable {
        var rows: [RefreshFlights.Key: (until: Int64, problem: Problem)] = [:]
        /// By app; a number each, for as long as the process lives.
        var releases: [Int64: Int64] = [:]
    }

    /// Legs that wait, and who works. A platform that does not answer has its own workers only: the others' go on.
    struct Queue: Sendable {
        static let workersEach = 2

        private(set) var waiting: [Platform: [LegRow]] = [:]
        private var workers: [Platform: Int] = [:]
        var stopped = false { didSet { if stopped { waiting = [:] } } }

        /// Takes legs in, and says how many workers to start for the platform; they count as started.
        mutating func add(_ rows: [LegRow], _ platform: Platform) -> Int {
            guard !stopped else { return 0 }
            let known = Set((waiting[platform] ?? []).map(RefreshTicket.init))
            waiting[platform, default: []] += rows.filter { !known.contains(RefreshTicket($0)) }
            let missing = min(Self.workersEach, waiting[platform]?.count ?? 0) - (workers[platform] ?? 0)
            workers[platform, default: 0] += max(0, missing)
            return max(0, missing)
        }

        /// The next leg of a worker's platform; nil ends the worker.
        mutating func next(_ platform: Platform) -> LegRow? {
            guard waiting[platform]?.isEmpty == false else {
                workers[platform, default: 1] -= 1
                return nil
            }
            return waiting[platform]?.removeFirst()
        }

        /// A worker that was counted could not be started.
        mutating func lost(_ platform: Platform) { workers[platform, default: 1] -= 1 }
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

    /// Whether a report may force a renewal now; notes that it does, until `reportEnded`. Else the seconds to wait.
    func mayReport(_ key: RefreshFlights.Key, now: Int64) -> Int64? {
        reports.withLock { reports in
            if let last = reports[key]?.at, now - last < Self.reportSeconds * 1000 {
                return max(1, Self.reportSeconds - (now - last) / 1000)
            }
            note(key, now, &reports)
            reports[key]?.isUnderWay = true
            return nil
        }
    }

    /// Notes that a leg was just renewed: what is reported in the next minute was said of the token before.
    func renewed(_ key: RefreshFlights.Key, now: Int64) { reports.withLock { note(key, now, &$0) } }

    private func note(_ key: RefreshFlights.Key, _ now: Int64, _ reports: inout [RefreshFlights.Key: Report]) {
        if reports.count >= 10_000 { reports = reports.filter { now - $0.value.at < Self.reportSeconds * 1000 } }
        reports[key, default: Report()].at = now
    }

    /// The renewal that a report forced has ended, well or not.
    func reportEnded(_ key: RefreshFlights.Key) {
        reports.withLock { $0[key]?.isUnderWay = false }
        reports.wakeAll()
    }

    /// Waits while a renewal that a report forced is under way.
    func awaitReport(_ key: RefreshFlights.Key, until deadline: Deadline) {
        _ = reports.wait(until: deadline) { $0[key]?.isUnderWay == true ? nil : true }
    }

    func count(_ platform: Platform, _ outcome: String) {
        counts.withLock { $0[Count(platform: platform, outcome: outcome), default: 0] += 1 }
    }

    /// Renewals by platform and outcome since the start.
    var total: [Count: Int64] { counts.withLock { $0 } }
}

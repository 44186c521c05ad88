import Linux
import Platforms
package import Rules
import Synchronization
package import Vault

/// Which apps have been warned of this month, and how far they were.
final class QuotaWarnings: Sendable {
    /// How much of the month's calls is used.
    enum Level: Int, Sendable {
        case usual
        case most
        case all

        init(_ calls: Int64, of limit: Int64) {
            self = calls >= limit ? .all : calls >= limit - limit / 5 ? .most : .usual
        }
    }

    /// Where an app stood when somebody last looked.
    private struct Last {
        let month: String
        let calls: Int64
        let level: Level
    }

    private let told = Mutex<[Int64: Last]>([:])

    /// Whether `found` was said of an app.
    func knows(_ app: Int64) -> Bool { told.withLock { $0[app] != nil } }

    /// How far an app was when this process found it, before its first call is counted here: that was told by the process
    /// before. What is known already counts.
    func found(_ app: Int64, _ calls: Int64, of limit: Int64, month: String) {
        told.withLock { told in
            if told[app] == nil { told[app] = Last(month: month, calls: calls, level: Level(calls, of: limit)) }
        }
    }

    /// The level that an app has just reached and nobody was told of; nil where there is none. Of a month that has begun
    /// since its last call nothing was used before.
    func reached(_ app: Int64, _ calls: Int64, of limit: Int64, month: String) -> Level? {
        let level = Level(calls, of: limit)
        return told.withLock { told in
            let last = told[app].flatMap { $0.month == month ? $0 : nil }
            // Calls that end at once come here in any order.
            if let last, calls < last.calls { return nil }
            told[app] = Last(month: month, calls: calls, level: level)
            return level.rawValue > (last?.level ?? .usual).rawValue ? level : nil
        }
    }
}

/// What an app has used of its calls of one month.
package struct MonthlyCalls: Sendable, Equatable {
    /// `YYYY-MM`, in UTC.
    package let month: String
    /// Calls made through the gateway so far.
    package let calls: Int64
    /// Calls the platform takes in a month; nil where nobody says.
    package let limit: Int64?
    /// Whether calls above the limit are refused here, or only warned of.
    package let isRefusing: Bool

    /// The part that is used, in whole percent, rounded down; nil without a limit.
    package var percent: Int64? { limit.map { calls * 100 / $0 } }
    /// Whether four fifths or more are used.
    package var isNearLimit: Bool { limit.map { QuotaWarnings.Level(calls, of: $0) != .usual } ?? false }
}

extension Broker {
    /// What an app has used of this month's calls.
    package func monthlyCalls(of app: App) throws(Problem) -> MonthlyCalls {
        monthlyCalls(of: app, try vault.callsThisMonth(of: app.id))
    }

    /// The apps that have used four fifths or more of this month's calls, the fullest first.
    package func appsNearTheirLimit() throws(Problem) -> [(app: App, calls: MonthlyCalls)] {
        var near: [(app: App, calls: MonthlyCalls)] = []
        for usage in try vault.usageThisMonth() {
            guard let app = try vault.app(id: usage.app) else { continue }
            let calls = monthlyCalls(of: app, usage.calls)
            if calls.isNearLimit { near.append((app, calls)) }
        }
        return near.sorted { ($0.calls.percent ?? 0) > ($1.calls.percent ?? 0) }
    }

    private func monthlyCalls(of app: App, _ calls: Int64) -> MonthlyCalls {
        MonthlyCalls(
            month: String(Clock.text(ofMilliseconds: vault.now).prefix(7)), calls: calls,
            limit: Self.monthlyLimit(of: app),
            isRefusing: app.fields[.monthlyRefuse] == "on")
    }

    /// How many calls a month the app's platform takes from it, where anybody says (platforms, 2.9 and 3.9): what an admin
    /// set, else 10 000 for Lark and Feishu apps that are not of the store.
    package static func monthlyLimit(of app: App) -> Int64? {
        if let text = app.fields[.monthlyLimit], let limit = Int64(text) { return limit }
        switch app.key.platform {
        case .lark, .feishu: return app.fields[.appType] == "store" ? nil : 10_000
        case .slack, .genesys: return nil
        }
    }

    /// Refuses a call that the platform would only refuse: it asked to be left alone with this method, or the month's
    /// calls are used up and the app's admin wants no more of them. `rate_limited`.
    func requireRoom(_ lease: Lease, _ app: App, _ method: String) throws(Problem) {
        if let seconds = askedToWait.seconds(AskedToWait.Key(lease, method), now: Clock.bootMilliseconds) {
            throw Problem(
                .rateLimited, "the platform asked to wait with this method",
                advice: "try again in \(seconds) seconds", retryAfter: seconds)
        }
        guard app.fields[.monthlyRefuse] == "on", let limit = Self.monthlyLimit(of: app),
            try vault.callsThisMonth(of: app.id) >= limit
        else { return }
        throw Problem(
            .rateLimited, "the app's \(limit) calls of this month are used up",
            advice: "an admin can raise monthly_limit, or set monthly_refuse to off", retryAfter: secondsOfMonthLeft)
    }

    /// The platform's wish to be left alone with a method is remembered.
    func noteWait(_ call: AdmittedCall, _ answer: PlatformAnswer, _ complaint: PlatformFailure?) {
        guard let seconds = answer.pause(complaint), seconds > 0 else { return }
        let now = Clock.bootMilliseconds
        askedToWait.note(
            AskedToWait.Key(call.lease, call.method), until: now + min(seconds, 3600) * 1000, now: now)
    }

    /// Before a call is counted: where the app's count stands that this process has not counted itself. One commit may
    /// count many calls, so that it cannot be told from the count after it.
    func noteCountBefore(_ app: App) throws(Problem) {
        guard let limit = Self.monthlyLimit(of: app), !quotaWarnings.knows(app.id) else { return }
        let usage = try monthlyCalls(of: app)
        quotaWarnings.found(app.id, usage.calls, of: limit, month: usage.month)
    }

    /// A call was counted: warns, once a month each, when four fifths or all of the month's calls are used.
    func noteCount(_ app: App, _ request: RequestID) {
        guard let limit = Self.monthlyLimit(of: app), let calls = try? vault.callsThisMonth(of: app.id),
            let level = quotaWarnings.reached(
                app.id, calls, of: limit, month: String(Clock.text(ofMilliseconds: vault.now).prefix(7)))
        else { return }
        let word = level == .all ? "month_used_up" : "month_at_80_percent"
        Log.warning("monthly_calls", ["app": app.key, "calls": calls, "limit": limit])
        vault.recordLater(
            AuditEntry(
                "app.quota", .allowed, by: .system, request: request, tenant: slug(of: app.tenant)?.value, app: app.key,
                reason: word, count: calls))
    }

    /// Until the first of the next month, UTC.
    private var secondsOfMonthLeft: Int64 {
        let now = vault.now
        let month = Clock.text(ofMilliseconds: now).prefix(7)
        var left: Int64 = 0
        let day: Int64 = 86_400_000
        let today = now - now % day
        repeat { left += 1 } while Clock.text(ofMilliseconds: today + left * day).prefix(7) == month
        return (today + left * day - now) / 1000
    }
}

/// When a token is refreshed and when it is tried again: pure, with time and chance handed in.
///
/// All times are milliseconds. `spread` is a random number from 0 up to 1, so that what began together does not go on
/// together.
package enum RefreshPlan {
    /// When a leg shall be looked at, at the latest; nil when time ends nothing of it.
    ///
    /// An access token is refreshed when between a sixth and a twelfth of its life is left: 120 to 60 minutes of
    /// Slack's twelve hours (platforms, 1.4), 20 to 10 of Lark's two. A refresh token that ends is traded when between
    /// 55 and 60 % of its life have passed, whether or not anybody uses it (platforms, 2.4).
    package static func due(
        issuedAt: Int64, expiresAt: Int64?, refreshExpiresAt: Int64?, spread: Double
    ) -> Int64? {
        let spread = min(max(spread, 0), 1)
        let access = expiresAt.map { end in
            let life = Double(max(0, end - issuedAt))
            return end - Int64(life / 12 + life / 12 * spread)
        }
        let refresh = refreshExpiresAt.map { end in
            let life = Double(max(0, end - issuedAt))
            return issuedAt + Int64(life * 0.6 - life * 0.05 * spread)
        }
        guard let access else { return refresh }
        return refresh.map { min($0, access) } ?? access
    }

    /// How long nobody asks again after so many failures in a row: 1 s, doubled each time up to 15 minutes, a quarter
    /// more or less.
    package static func pause(afterFailures failures: Int64, spread: Double) -> Int64 {
        let exponent = min(max(failures - 1, 0), 10)
        let base = Double(min(Int64(1000) << exponent, 900_000))
        return Int64(base * (0.75 + 0.5 * min(max(spread, 0), 1)))
    }

    /// The same where only an administrator can help: 1 minute, doubled up to 6 hours.
    package static func longPause(afterFailures failures: Int64, spread: Double) -> Int64 {
        let exponent = min(max(failures - 1, 0), 9)
        let base = Double(min(Int64(60_000) << exponent, 21_600_000))
        return Int64(base * (0.75 + 0.5 * min(max(spread, 0), 1)))
    }
}

/// A bucket of calls: so many a minute, and no more than ten seconds' worth at once. Time is milliseconds, handed in.
package struct Pace: Sendable {
    private let perMinute: Double
    private let most: Double
    private var left: Double
    private var at: Int64?
    private var notBefore: Int64 = 0

    /// A full bucket.
    package init(perMinute: Int64) {
        self.perMinute = Double(perMinute)
        most = max(1, Double(perMinute) / 6)
        left = most
    }

    /// Takes one call; false when there is none left now. `isUrgent` takes it in any case, for somebody who waits: what
    /// was taken so is missing to the others later.
    package mutating func take(at now: Int64, isUrgent: Bool = false) -> Bool {
        if let at, now > at { left = min(most, left + Double(now - at) * perMinute / 60_000) }
        at = max(now, at ?? now)
        guard isUrgent || (left >= 1 && now >= notBefore) else { return false }
        left = max(-most, left - 1)
        return true
    }

    /// Until when the platform asked everybody to wait; nil where that is over.
    package func held(at now: Int64) -> Int64? { notBefore > now ? notBefore : nil }

    /// The platform asked everybody to wait.
    package mutating func hold(until moment: Int64) { notBefore = max(notBefore, moment) }
}

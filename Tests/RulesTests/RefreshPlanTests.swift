import Testing

@testable import Rules

@Suite struct `A plan for refreshing` {
    private static let hour: Int64 = 3_600_000

    @Test(
        arguments: [
            // Slack: twelve hours, between two hours and one before the end.
            (12, nil, 0.0, 11 * 60), (12, nil, 1.0, 10 * 60),
            // Lark: two hours, twenty to ten minutes before; its refresh token of seven days does not matter yet.
            (2, 7 * 24, 0.0, 110), (2, 7 * 24, 1.0, 100),
            // A refresh token that ends first decides: 60 to 55 % of its life.
            (12, 10, 0.0, 360), (12, 10, 1.0, 330),
            // A token that does not end, with a refresh token that does.
            (nil, 720, 0.0, 432 * 60),
        ] as [(Int64?, Int64?, Double, Int64)])
    func `leaves time for failing`(_ life: Int64?, _ refreshLife: Int64?, _ spread: Double, _ minutes: Int64) {
        let due = RefreshPlan.due(
            issuedAt: 0, expiresAt: life.map { $0 * Self.hour }, refreshExpiresAt: refreshLife.map { $0 * Self.hour },
            spread: spread)
        #expect(due == minutes * 60_000)
    }

    @Test func `has nothing to do for a token that does not end`() {
        #expect(RefreshPlan.due(issuedAt: 0, expiresAt: nil, refreshExpiresAt: nil, spread: 0.5) == nil)
    }

    @Test func `waits longer after each failure, up to a bound, and never the same time for all`() {
        var before: Int64 = 0
        for failures in Int64(1)...30 {
            let pause = RefreshPlan.pause(afterFailures: failures, spread: 0.5)
            #expect(pause >= before)
            #expect((750...1_125_000).contains(RefreshPlan.pause(afterFailures: failures, spread: 0)))
            #expect(RefreshPlan.pause(afterFailures: failures, spread: 1) <= 1_125_000)
            #expect(RefreshPlan.longPause(afterFailures: failures, spread: 1) <= 27_000_000)
            before = pause
        }
        #expect(before == 900_000)
        #expect(RefreshPlan.pause(afterFailures: 5, spread: 0.1) != RefreshPlan.pause(afterFailures: 5, spread: 0.9))
    }

    /// Ten thousand tokens that end within one hour, on one clock that only this test moves.
    @Test(arguments: [(12, 600), (2, 1000), (24, 300)] as [(Int64, Int64)])
    func `spreads ten thousand tokens of one hour, each in time and within the platform's limit`(
        _ lifeHours: Int64, _ perMinute: Int64
    ) {
        var random = Seeded()
        let life = lifeHours * Self.hour
        var due: [(at: Int64, ends: Int64)] = (0..<10_000).map { _ in
            let issued = Int64.random(in: 0..<Self.hour, using: &random)
            let at =
                RefreshPlan.due(
                    issuedAt: issued, expiresAt: issued + life, refreshExpiresAt: nil,
                    spread: Double.random(in: 0..<1, using: &random)) ?? 0
            return (at, issued + life)
        }.sorted { $0.at < $1.at }
        var pace = Pace(perMinute: perMinute)
        var minutes: [Int64: Int64] = [:]
        var late = 0
        var now = due[0].at
        var done = 0
        while done < due.count {
            while done < due.count, due[done].at <= now, pace.take(at: now) {
                if now > due[done].ends - 60_000 { late += 1 }
                minutes[now / 60_000, default: 0] += 1
                done += 1
            }
            now += 1000
        }
        due.removeAll()
        #expect(late == 0)
        // A minute of a bucket that began full has ten seconds' worth more.
        #expect((minutes.values.max() ?? 0) <= perMinute + perMinute / 6)
        #expect(minutes.count >= 10)
    }
}

@Suite struct `A pace` {
    /// How many of so many calls at one moment pass.
    private func passed(_ pace: inout Pace, _ calls: Int, at now: Int64, isUrgent: Bool = false) -> Int {
        var passed = 0
        for _ in 0..<calls where pace.take(at: now, isUrgent: isUrgent) { passed += 1 }
        return passed
    }

    @Test func `lets a minute's calls pass in a minute, and those who wait at once`() {
        var pace = Pace(perMinute: 60)
        var taken = 0
        for second in Int64(0)..<60 { taken += passed(&pace, 100, at: second * 1000) }
        #expect((60...70).contains(taken))
        var urgent = Pace(perMinute: 60)
        let first = passed(&urgent, 11, at: 0)
        let hurried = passed(&urgent, 1, at: 0, isUrgent: true)
        // What was taken in a hurry is missing later.
        let after = [passed(&urgent, 1, at: 1000), passed(&urgent, 1, at: 3000)]
        #expect([first, hurried] + after == [10, 1, 0, 1])
    }

    @Test func `holds when the platform asks for it`() {
        var pace = Pace(perMinute: 600)
        pace.hold(until: 5000)
        let waiting = passed(&pace, 1, at: 4999)
        let urgent = passed(&pace, 1, at: 4999, isUrgent: true)
        let later = passed(&pace, 1, at: 5000)
        #expect([waiting, urgent, later] == [0, 1, 1])
    }

    @Test func `is not confused by a clock that goes back`() {
        var pace = Pace(perMinute: 60)
        let before = passed(&pace, 1, at: 100_000)
        let after = passed(&pace, 20, at: 1)
        #expect([before, after] == [1, 9])
    }
}

/// The same numbers every time (Vigna, splitmix64).
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64 = 4711

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

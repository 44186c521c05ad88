import Linux
import Rules
import Synchronization
import Vault

/// Ahead of time: legs that are due are refreshed by a few threads, within what each platform allows.
extension Broker {
    /// Legs of a platform looked up at once; those left over are due a second later too.
    private static let atOnce: Int64 = 256

    /// Called once a second: finds the legs that are due and sees to it that somebody works on them.
    func refreshDue() {
        guard courier != nil else { return }
        // Tried until nobody of an earlier keeper is left, and then known for good.
        _ = spoolBox.withLock { $0 }?.isAlone
        applySpool()
        do throws(Problem) {
            guard try vault.hasLegs(dueBy: vault.now) else { return }
            for platform in Platform.allCases {
                let due = try vault.legs(dueBy: vault.now, of: platform, atMost: Self.atOnce)
                guard !due.isEmpty else { continue }
                let missing = refreshing.queue.withLock { $0.add(due, platform) }
                for _ in 0..<missing { startWorker(platform) }
            }
        } catch { Log.warning("due_legs_not_found", ["code": error.code.rawValue, "reason": error.reason]) }
    }

    /// Renewals since the start by platform and outcome, for metrics: no names of customers.
    package var refreshes: [(platform: String, outcome: String, count: Int64)] {
        refreshing.total.map { ($0.key.platform.rawValue, $0.key.outcome, $0.value) }.sorted { $0 < $1 }
    }

    /// Ends working ahead; what is under way ends by itself.
    package func stopRefreshing() {
        refreshing.queue.withLock { $0.stopped = true }
    }

    private func startWorker(_ platform: Platform) {
        do throws(SystemError) {
            try Thread.start(name: "refresh") { [self] in
                while let next = refreshing.queue.withLock({ $0.next(platform) }) { refreshAhead(next) }
                Thread.wipeStack()
            }
        } catch {
            refreshing.queue.withLock { $0.lost(platform) }
            Log.warning("refresh_worker_not_started", ["why": error])
        }
    }

    private func refreshAhead(_ row: LegRow) {
        do throws(Problem) {
            guard let place = try vault.installation(row.installation), let app = try vault.app(id: place.app),
                let now = try vault.leg(row.leg, of: row.installation), let dueAt = now.dueAt, dueAt <= vault.now
            else { return }
            guard place.state == .active, now.state == .active, now.canRefresh else { return try putOff(row, by: nil) }
            var want = TokenWant(row.leg, of: app, at: place, for: .next())
            want.isUrgent = false
            guard !refreshing.flights.isTaken(want.key) else { return }
            // Those of other apps go first, and must be found by whoever looks for what is due.
            guard refreshing.mayCall(app.key, now: vault.now, isUrgent: false) else { return try putOff(row, by: 2000) }
            guard case .mine = refreshing.flights.take(want.key, until: .after(milliseconds: 0)) else { return }
            var failure: Problem?
            do throws(Problem) {
                if let latest = try vault.leg(row.leg, of: row.installation), latest.generation == now.generation,
                    latest.state == .active, latest.canRefresh
                {
                    try refresh(want, latest)
                }
            } catch { failure = error }
            refreshing.flights.land(want.key, failure)
            // Whatever went wrong before the platform was asked has left the leg as due as it was.
            if failure != nil, let after = try vault.leg(row.leg, of: row.installation), after.state == .active,
                let dueAt = after.dueAt, dueAt <= vault.now
            {
                try putOff(row, by: 60_000)
            }
        } catch {
            Log.warning("refresh_ahead_failed", ["code": error.code.rawValue, "installation": row.installation])
        }
    }

    /// Looks at a leg again later; nil is never, until something about it changes.
    private func putOff(_ row: LegRow, by milliseconds: Int64?) throws(Problem) {
        try vault.change(always: { transaction throws(Problem) in
            guard var leg = try transaction.leg(row.leg, of: row.installation), leg.generation == row.generation else {
                return
            }
            leg.dueAt = milliseconds.map { transaction.now + $0 }
            try transaction.update(leg: leg)
        })
    }
}

import Linux
import Platforms
import Rules
import Sealing
import Synchronization
import Vault

/// Lets one thread at a time do a piece of work.
final class SingleRun: Sendable {
    private let isRunning = Atomic<Bool>(false)

    /// Starts `work` on a thread of its own unless it runs already.
    func start(_ name: String, _ work: @escaping @Sendable () -> Void) {
        guard !isRunning.exchange(true, ordering: .acquiringAndReleasing) else { return }
        do throws(SystemError) {
            try Thread.start(name: name) {
                work()
                self.isRunning.store(false, ordering: .releasing)
            }
        } catch {
            isRunning.store(false, ordering: .releasing)
            Log.warning("no_thread", ["for": name])
        }
    }
}

extension Broker {
    /// Tells the platforms what has ended here and is due to be tried; called every second, and after each ending.
    func workRevocations() {
        guard let due = try? vault.revocations(dueBy: vault.now, atMost: 1), !due.isEmpty else { return }
        revoking.start("revocations") {
            do throws(Problem) {
                while case let rows = try self.vault.revocations(dueBy: self.vault.now), !rows.isEmpty {
                    for row in rows { try self.tryOnce(row) }
                }
            } catch { Log.warning("revocation_failed", ["code": error.code.rawValue, "reason": error.reason]) }
        }
    }

    /// One that cannot be worked at stands in no other's way: it waits for its next turn.
    private func tryOnce(_ row: Revocation) throws(Problem) {
        do throws(Problem) { try work(row) } catch {
            Log.warning("revocation_failed", ["code": error.code.rawValue, "reason": error.reason])
            let isOver = vault.now - row.createdAt > Self.longestTrying
            let wait = Self.wait(after: row.attempts)
            try vault.change(always: { transaction throws(Problem) in
                guard var row = try transaction.revocation(row.id), row.state == .pending else { return }
                row.tried(
                    isOver ? .refused : .pending, code: error.code.rawValue, nextAt: transaction.now + wait,
                    at: transaction.now)
                try transaction.update(revocation: row)
            })
        }
    }

    /// One attempt: the intent is durable before the errand leaves (design, section 8).
    private func work(_ row: Revocation) throws(Problem) {
        let slab = slabs.take()
        defer { slabs.give(slab) }
        guard try vault.open(row, into: slab) else {
            throw Problem(.internal, "nothing is left of what the platform has to be told")
        }
        let ending = try PlatformEnding(slab.span)
        let dialect = try settings.urls.dialect(of: ending.app.platform)
        let entry = AuditEntry(
            "revocation.attempt", .allowed, by: .system, request: .next(), tenant: slug(of: row.tenant)?.value,
            app: ending.app, kind: row.leg.kind.rawValue)
        _ = try vault.record(entry)
        let (state, code, wait) = attempt(ending, dialect, row)
        let now = vault.now
        try vault.change(always: { transaction throws(Problem) in
            guard var row = try transaction.revocation(row.id), row.state == .pending else { return }
            row.tried(state, code: code, nextAt: now + wait, at: now)
            try transaction.update(revocation: row)
            guard state != .pending else { return }
            var entry = entry
            entry.action = "revocation.end"
            entry.outcome = state == .done ? .allowed : .error
            entry.reason = code ?? state.rawValue
            try transaction.record(entry)
        })
    }

    private func attempt(
        _ ending: PlatformEnding, _ dialect: any Dialect, _ row: Revocation
    ) -> (Revocation.State, code: String?, wait: Int64) {
        guard let request = ending.request(dialect) else { return (.unsupported, nil, 0) }
        let wait = Self.wait(after: row.attempts)
        let isLate = vault.now - row.createdAt > Self.longestTrying
        switch attempt(request) {
        case .failed(let problem, _):
            return isLate ? (.refused, "gave_up", 0) : (.pending, problem.code.rawValue, wait)
        case .answered(let answer):
            do throws(PlatformFailure) {
                try dialect.revoked(answer)
                return (.done, nil, 0)
            } catch {
                switch error.verdict {
                case .retry where !isLate:
                    return (.pending, error.code, max(wait, (error.retryAfter ?? 0) * 1000))
                case .retry: return (.refused, "gave_up", 0)
                // A dead grant has nothing left to end.
                case .reauth, .race: return (.done, error.code, 0)
                // A code nobody knows may be gone tomorrow.
                case .bug where error.code == "unknown_code" && row.attempts < 5:
                    return (.pending, error.code, wait)
                case .config, .bug: return (.refused, error.code, 0)
                }
            }
        }
    }

    /// Milliseconds until the next attempt: two seconds at first, six hours at most, and not all at once.
    private static func wait(after attempts: Int64) -> Int64 {
        let waits: [Int64] = [2, 10, 30, 120, 600, 1800, 3600, 21_600]
        let seconds = waits[Int(min(attempts, Int64(waits.count - 1)))]
        return seconds * 1000 + Int64.random(in: 0...seconds * 200)
    }

    /// A week: by then a person has to look at it.
    private static let longestTrying: Int64 = 7 * 86_400_000
}

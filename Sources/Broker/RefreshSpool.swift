import Errands
import Linux
import Platforms
import Rules
import Sealing
import Synchronization
import Vault

extension Broker {
    /// Writes what couriers put aside: answers to refreshes that no keeper acknowledged. Called at start, every second,
    /// and before a refresh token is believed to be dead.
    ///
    /// `waiting`: returns only when whoever is at it is done; never from within.
    func applySpool(waiting: Bool = false) {
        guard let spool = spoolBox.withLock({ $0 }) else { return }
        let all = { spool.each { self.apply($0) } }
        if waiting { return spoolTurn.withLock { _ in all() } }
        // Once at a time; whoever comes meanwhile would find the same files.
        _ = spoolTurn.withLockIfAvailable { _ in all() }
    }

    /// Whether the file is done with. What does not open is cut short or not ours, and is no answer.
    private func apply(_ sealed: [UInt8]) -> Bool {
        let slab = slabs.take()
        defer { slabs.give(slab) }
        do throws(Problem) {
            guard try vault.openSpooled(sealed.span, into: slab) else {
                Log.warning("spooled_answer_dropped", ["why": "it does not open"])
                return true
            }
            let answer = try SpooledAnswer([UInt8](copying: slab.span))
            guard let ticket = RefreshTicket(answer.ticket.split(separator: "/").prefix(3).joined(separator: "/")),
                answer.ticket == (try prove(ticket))
            else {
                Log.warning("spooled_answer_dropped", ["why": "it answers no errand of ours"])
                return true
            }
            guard
                let place = try vault.installation(ticket.installation), let app = try vault.app(id: place.app)
            else { return true }
            let outcome: Asked
            switch try ErrandReply(answer.reply) {
            case .answer(let answer): outcome = .answered(PlatformAnswer(answer))
            case .unreachable(let why): outcome = .failed(why.problem, mayHaveBeenSent: why.mayHaveBeenSent)
            }
            _ = try conclude(ticket, place, app, outcome, for: .next())
            Log.info("spooled_answer_written", ["installation": ticket.installation, "leg": ticket.leg.rawValue])
            return true
        } catch {
            Log.warning("spooled_answer_waits", ["code": error.code.rawValue])
            return error.code == .badRequest || error.code == .tooLarge
        }
    }

    /// An intent of an earlier keeper may still be answered to a courier of its: waits until none is left, and takes what
    /// they put aside. Only then the same refresh token is tried once more.
    /// Throws where one is left even so: what it still may put aside must not become worthless.
    func waitForOlderCouriers(_ row: LegRow) throws(Problem) {
        guard let began = row.inFlightAt, began <= startedAt, let spool = spoolBox.withLock({ $0 }) else { return }
        let deadline = Deadline.after(seconds: Int64(Self.refreshSeconds) + 10)
        while !spool.isAlone {
            guard !deadline.hasPassed else {
                throw Problem(
                    .platformUnreachable, "an earlier courier may still have the answer to this refresh",
                    advice: "try again in a minute")
            }
            Clock.sleep(microseconds: 20_000)
        }
    }
}

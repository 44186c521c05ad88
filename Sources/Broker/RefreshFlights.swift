import Linux
import Rules

/// Which tokens are being renewed at this moment: at most one renewal of a leg at a time, however many wait for it.
final class RefreshFlights: Sendable {
    /// One leg; installation 0 where a machine token's place is not known yet.
    struct Key: Hashable, Sendable {
        let app: Int64
        let installation: Int64
        let leg: Leg
    }

    /// Whose turn it is.
    enum Turn: Sendable {
        /// Ours: `land` must follow.
        case mine
        /// Somebody else's has just ended, with this problem or none.
        case ended(Problem?)
        /// Somebody else's did not end in time.
        case late
    }

    private final class Flight: Sendable {
        let problem = Gate<Problem?>(nil)
    }

    private let flights = Gate<[Key: Flight]>([:])

    /// Takes the turn, or waits until whoever has it is done.
    func take(_ key: Key, until deadline: Deadline) -> Turn {
        let other: Flight? = flights.withLock { flights in
            if let flight = flights[key] { return flight }
            flights[key] = Flight()
            return nil
        }
        guard let other else { return .mine }
        let ended = flights.wait(until: deadline) { $0[key] !== other ? true : nil }
        return ended == nil ? .late : .ended(other.problem.withLock { $0 })
    }

    /// Gives the turn back; everybody who waits hears how it ended.
    func land(_ key: Key, _ problem: Problem?) {
        flights.withLock { flights in
            guard let flight = flights.removeValue(forKey: key) else { return }
            flight.problem.withLock { $0 = problem }
        }
        flights.wakeAll()
    }

    /// Whether somebody has the turn.
    func isTaken(_ key: Key) -> Bool { flights.withLock { $0[key] != nil } }
}

/// When couriers were started, so that one that cannot live is not started in a tight loop.
struct StartHistory {
    /// This many within `window` milliseconds.
    static let limit = 5
    static let window: Int64 = 10_000

    private var recent: [Int64] = []

    /// True, and noted, when one more may be started at `now` (milliseconds that never go back).
    mutating func mayStart(now: Int64) -> Bool {
        recent.removeAll { now - $0 >= Self.window }
        guard recent.count < Self.limit else { return false }
        recent.append(now)
        return true
    }
}

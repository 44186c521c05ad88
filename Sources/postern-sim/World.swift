import FoundationEssentials

/// Everything the simulation knows. One lock guards it, so that calls happen one after the other.
struct World: Sendable {
    var ledger = Ledger()
    var faults = Faults()
    var slack: SlackWorld
    /// How far our clock is ahead of the machine's, in seconds.
    private var ahead: TimeInterval = 0

    init(seed: UInt64) { slack = SlackWorld(mint: Mint(seed: seed)) }

    var now: Date { Date().addingTimeInterval(ahead) }

    mutating func advance(seconds: Int64) { ahead += TimeInterval(seconds) }
}

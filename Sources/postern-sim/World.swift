import FoundationEssentials
import Rules

/// One platform as the simulation plays it.
protocol PlatformWorld: Sendable {
    /// The registered apps, as `POST /_sim/apps` answered them.
    var listed: [JSON] { get }
    /// What was posted through the platform.
    var posted: [JSON] { get }

    /// Adds an app, or changes the one with the same id; nil when the JSON does not describe one.
    mutating func register(_ body: JSON, at now: Date) -> JSON?
    /// As if the app had been deleted at the platform; false when there is none.
    mutating func remove(app id: String) -> Bool

    /// The platform's name for what a path asks, such as `auth.test`; nil when the path is not this platform's.
    func call(for path: String) -> String?
    mutating func answer(_ request: SimRequest, _ call: String, at now: Date) -> Outcome
    /// The answer to a fault that names one of the platform's own error codes. Nothing is done.
    func refuse(_ request: SimRequest, _ call: String, _ code: String) -> Outcome
    /// What the platform sends with a status that is not 200.
    func trouble(_ status: Int, retryAfter: Int64) -> SimAnswer

    /// What only this platform has, `POST /_sim/VERB`; nil when it has no such verb, an object with `error` when the
    /// body is wrong.
    mutating func control(_ verb: String, _ body: JSON, at now: Date) -> JSON?
}

extension PlatformWorld {
    mutating func control(_ verb: String, _ body: JSON, at now: Date) -> JSON? { nil }
}

/// A call as faults and the ledger know it.
struct Call: Sendable, Equatable {
    let platform: Platform
    /// The platform's own name for it.
    let name: String
}

/// Everything the simulation knows. One lock guards it, so that calls happen one after the other.
struct World: Sendable {
    var ledger = Ledger()
    var faults = Faults()
    private(set) var platforms: [Platform: any PlatformWorld]
    /// How far our clock is ahead of the machine's, in seconds.
    private var ahead: TimeInterval = 0

    /// `root` is the brand whose paths may come without its name.
    init(seed: UInt64, root: Platform = .lark) {
        platforms = [
            .slack: SlackWorld(mint: Mint(seed: seed)),
            .lark: LarkWorld(.lark, mint: Mint(seed: seed &+ 1), isAtRoot: root == .lark),
            .feishu: LarkWorld(.feishu, mint: Mint(seed: seed &+ 2), isAtRoot: root == .feishu),
            .genesys: GenesysWorld(mint: Mint(seed: seed &+ 3)),
        ]
    }

    /// The platforms in the order they are listed.
    var simulated: [Platform] { Platform.allCases.filter { platforms[$0] != nil } }

    var now: Date { Date().addingTimeInterval(ahead) }

    mutating func advance(seconds: Int64) { ahead += TimeInterval(seconds) }

    /// nil when no platform has such a page.
    func call(for path: String) -> Call? {
        for platform in simulated {
            if let name = platforms[platform]?.call(for: path) { return Call(platform: platform, name: name) }
        }
        return nil
    }

    /// Changes one platform in place; nil when the simulation does not play it.
    mutating func with<R>(_ platform: Platform, _ body: (inout any PlatformWorld) -> R) -> R? {
        guard platforms[platform] != nil else { return nil }
        return body(&platforms[platform]!)
    }
}

extension World {
    /// Registers an app at the platform its `platform` names, Slack where it names none.
    mutating func register(_ body: JSON) -> JSON? {
        guard let platform = Platform(rawValue: body["platform"]?.text ?? "slack") else { return nil }
        let now = now
        return with(platform) { $0.register(body, at: now) }??.named(platform)
    }

    /// Every app of every platform.
    var apps: [JSON] {
        simulated.flatMap { platform in (platforms[platform]?.listed ?? []).map { $0.named(platform) } }
    }

    var messages: [JSON] {
        simulated.flatMap { platform in (platforms[platform]?.posted ?? []).map { $0.named(platform) } }
    }
}

extension JSON {
    /// The object with its platform's name in it.
    fileprivate func named(_ platform: Platform) -> JSON {
        guard case .object(var fields) = self else { return self }
        fields["platform"] = .string(platform.rawValue)
        return .object(fields)
    }
}

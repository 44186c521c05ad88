import Platforms
import Rules

/// Which credential a name in a file stands for.
struct ImportNames {
    enum Place: Equatable {
        case value(Platform, key: String)
        /// Half of the blueprint's two integration ids, by its place in the list.
        case half(Int)
        /// Told not to be taken.
        case ignored
    }

    /// The apps of the profile that was named; empty where none was.
    let parts: [Profile]
    private let slots: [CredentialForm.Slot]
    private let map: [String: Place]

    /// `pairs` are `NAME=kind`, `NAME=platform.kind` or `NAME=ignore`.
    init(parts: [Profile], pairs: [String], only platform: Platform?) throws(Failure) {
        self.parts = parts
        slots = CredentialForm(parts: parts, keepOdd: true).slots
        var map: [String: Place] = [:]
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw Failure.usage("--map takes NAME=KIND, for example --map BOT=slack.bot_token")
            }
            let name = String(pair[..<equals])
            let text = String(pair[pair.index(after: equals)...])
            let halves = text.split(separator: ".", maxSplits: 1).map(String.init)
            let known =
                (halves.count == 2 ? Platform(rawValue: halves[0]) : nil)
                ?? (parts.count == 1 ? parts[0].platform : nil)
                ?? platform ?? Self.prefixed(name)?.0
            let key = halves.last ?? ""
            if text == "ignore" {
                map[name] = .ignored
            } else if Self.isKey(key), let known {
                map[name] = .value(known, key: key)
            } else {
                throw Failure.usage(
                    "--map \(name.shown): \"\(text.shown)\" names no credential",
                    next: "write platform.kind such as slack.signing_secret or lark.app_secret, or ignore")
            }
        }
        self.map = map
    }

    /// The same names for the apps of another profile.
    init(parts: [Profile], like names: ImportNames) {
        self.parts = parts
        slots = CredentialForm(parts: parts, keepOdd: true).slots
        map = names.map
    }

    /// nil for a name that says nothing. `platform` is whose values the file has around it, where it says so.
    func place(of name: String, in platform: Platform? = nil) -> Place? {
        if let told = map[name] { return told }
        if let half = Self.halves.firstIndex(of: name) { return .half(half % 2) }
        if let dot = name.firstIndex(of: "."), let named = Platform(rawValue: String(name[..<dot])) {
            return place(of: String(name[name.index(after: dot)...]), in: named)
        }
        let fitting = platform == nil ? slots : slots.filter { $0.profile.platform == platform }
        if let slot = fitting.first(where: { $0.field.aliases.contains(name) }) {
            return .value(slot.profile.platform, key: slot.field.key)
        }
        let found = fitting.filter { $0.field.key == name }
        if found.count == 1 { return .value(found[0].profile.platform, key: name) }
        if let platform, Self.isKey(name) { return .value(platform, key: name) }
        return Self.prefixed(name).map { .value($0.0, key: $0.1) }
    }

    /// The names of two integration ids, which are one field here.
    private static let halves = [
        "open_messaging_direct_messaging_id", "open_messaging_app_mention_id",
        "GENESYS_DIRECT_MESSAGING_ID", "GENESYS_APP_MENTION_ID",
    ]

    private static let prefixes: [(String, Platform)] = [
        ("GENESYS_CLOUD_", .genesys), ("GENESYSCLOUD_", .genesys), ("GENESYS_", .genesys), ("SLACK_", .slack),
        ("LARK_", .lark), ("FEISHU_", .feishu),
    ]

    /// Names of variables that bridges and the SDKs' guides use, beside our own.
    private static let others: [Platform: [String: String]] = [
        .slack: [
            "bot_user_oauth_token": "bot_token", "app_level_token": "app_token", "incoming_webhook_url": "webhook_url",
            "workspace_domain": "domain", "workspace": "workspace_name", "team_name": "workspace_name",
        ],
        .lark: ["encryption_key": "encrypt_key"],
        .feishu: ["encryption_key": "encrypt_key"],
        .genesys: [
            "environment": "region", "webhook_secret_token": "webhook_secret", "secret_token": "webhook_secret",
        ],
    ]

    /// `SLACK_SIGNING_SECRET` and its like.
    private static func prefixed(_ name: String) -> (Platform, String)? {
        for (prefix, platform) in prefixes where name.uppercased().hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count).lowercased()
            let key = others[platform]?[rest] ?? rest
            return isKey(key) ? (platform, key) : nil
        }
        return nil
    }

    /// The keys that can come from a file: what the platforms push or persons consent to is not among them.
    private static func isKey(_ key: String) -> Bool {
        key == "app_id" || PublicField(rawValue: key) != nil
            || SecretKind(rawValue: key).map { ![.appTicket, .configToken, .userToken, .tenantToken].contains($0) }
                ?? false
    }
}

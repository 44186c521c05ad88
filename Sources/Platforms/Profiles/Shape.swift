/// What values of a kind look like (platforms, 1.1, 2.1 and 4.1): a hint for the person at the form, never a reason to
/// reject.
package enum Shape: String, Sendable, CaseIterable {
    case name
    case slackAppID
    case slackClientID
    case slackSecret
    case slackVerificationToken
    case slackBotToken
    case slackUserToken
    case slackAppToken
    case slackRefreshToken
    case slackWebhookURL
    case slackDomain
    case slackChannelID
    case larkAppID
    case larkSecret
    case larkKey
    case uuid
    case uuids
    case genesysSecret
    case genesysRegion
    case genesysWebhookSecret

    /// For "this looks like …".
    package var article: String {
        switch self {
        case .name: "a name"
        case .slackAppID: "an App ID"
        case .slackClientID: "a Client ID"
        case .slackSecret: "a Client Secret or Signing Secret"
        case .slackVerificationToken: "a Verification Token"
        case .slackBotToken: "a Bot User OAuth Token"
        case .slackUserToken: "a user's token"
        case .slackAppToken: "an app-level token"
        case .slackRefreshToken: "a refresh token"
        case .slackWebhookURL: "an incoming webhook URL"
        case .slackDomain: "a workspace's domain"
        case .slackChannelID: "a channel's id"
        case .larkAppID: "a Lark or Feishu App ID"
        case .larkSecret: "an App Secret"
        case .larkKey: "an Encrypt Key or Verification Token"
        case .uuid: "a UUID, as Genesys' Client IDs and integrations have"
        case .uuids: "UUIDs of integrations"
        case .genesysSecret: "an OAuth Client Secret"
        case .genesysRegion: "a Genesys Cloud region"
        case .genesysWebhookSecret: "a webhook's secret token"
        }
    }

    /// For "usually looks like …".
    package var example: String {
        switch self {
        case .name: "the name shown in the product"
        case .slackAppID: "A0XXXXXXXXX: a capital A, then capital letters and digits"
        case .slackClientID: "1234567890.1234567890: digits, a dot, digits"
        case .slackSecret: "32 letters and digits without spaces"
        case .slackVerificationToken: "24 letters and digits"
        case .slackBotToken: "xoxb-1234567890-1234567890123- and 24 letters and digits"
        case .slackUserToken: "xoxp- and groups of digits"
        case .slackAppToken: "xapp-1-A0XXXXXXXXX-…"
        case .slackRefreshToken: "xoxe-1-…"
        case .slackWebhookURL: "https://hooks.slack.com/services/T…/B…/…"
        case .slackDomain: "acme, for acme.slack.com"
        case .slackChannelID: "C0XXXXXXXXX: a capital C, G or D, then capital letters and digits"
        case .larkAppID: "cli_ and 16 letters and digits"
        case .larkSecret: "32 letters and digits without spaces"
        case .larkKey: "1 to 32 characters without spaces"
        case .uuid: "a UUID: 8-4-4-4-12 hex digits"
        case .uuids: "UUIDs with commas between them"
        case .genesysSecret: "a long text without spaces"
        case .genesysRegion: "one of " + GenesysRegions.standard.map(\.domain).joined(separator: ", ")
        case .genesysWebhookSecret: "16 characters or more"
        }
    }

    /// Whether `value` looks like the others of its kind.
    package func fits(_ value: String) -> Bool {
        let count = value.utf8.count
        return switch self {
        case .name: !value.isEmpty && count <= 200
        case .slackAppID: count >= 7 && value.hasPrefix("A") && value.utf8.allSatisfy(Self.isUpperOrDigit)
        case .slackClientID: Self.isTwoNumbers(value)
        // Slack's own samples have 32 and 33 characters and letters beyond f.
        case .slackSecret: (24...64).contains(count) && value.utf8.allSatisfy(Self.isLetterOrDigit)
        case .slackVerificationToken: (20...32).contains(count) && value.utf8.allSatisfy(Self.isLetterOrDigit)
        case .slackBotToken: (value.hasPrefix("xoxb-") || value.hasPrefix("xoxe.xoxb-")) && Self.isToken(value)
        case .slackUserToken: (value.hasPrefix("xoxp-") || value.hasPrefix("xoxe.xoxp-")) && Self.isToken(value)
        case .slackAppToken: value.hasPrefix("xapp-") && Self.isToken(value)
        case .slackRefreshToken: value.hasPrefix("xoxe-") && Self.isToken(value)
        case .slackWebhookURL: value.hasPrefix("https://hooks.slack") && !value.contains(" ")
        case .slackDomain:
            (1...80).contains(count) && value.utf8.allSatisfy { Self.isLetterOrDigit($0) || $0 == 0x2D }
        case .slackChannelID:
            count >= 9 && ["C", "G", "D"].contains(value.first) && value.utf8.allSatisfy(Self.isUpperOrDigit)
        // Documentation prints other lengths than the usual 16 too (platforms, 2.1).
        case .larkAppID:
            value.hasPrefix("cli_") && count > 4 && value.dropFirst(4).utf8.allSatisfy(Self.isLetterOrDigit)
        case .larkSecret: count == 32 && value.utf8.allSatisfy(Self.isLetterOrDigit)
        case .larkKey: (1...32).contains(count) && Self.isVisible(value)
        case .uuid: Self.isUUID(value)
        case .uuids:
            value.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { Self.isUUID(String($0)) }
        case .genesysSecret: count >= 16 && Self.isVisible(value)
        case .genesysRegion: GenesysRegions.known.domain(in: value) == value
        case .genesysWebhookSecret: count >= 16
        }
    }

    /// What `value` is when it is plainly something else, in words; nil when it fits or nobody can tell.
    package func mistaken(for value: String) -> String? {
        if !isLoose, fits(value) { return nil }
        return others.first { $0 != self && $0.fits(value) }?.article
    }

    /// Anything could be one, so what fits it may still be plainly something else.
    private var isLoose: Bool {
        switch self {
        case .name, .larkKey, .genesysSecret, .genesysWebhookSecret, .slackDomain: true
        default: false
        }
    }

    /// What a value of this field is looked at for.
    private var others: [Shape] {
        switch self {
        // A workspace may be called like an App ID, but none is called like a token.
        case .name: Self.tokens
        case .slackDomain: Self.tokens + [.slackClientID]
        default: Self.tokens + [.larkAppID, .uuid, .slackAppID, .slackClientID]
        }
    }

    private static let tokens: [Shape] = [
        .slackBotToken, .slackUserToken, .slackAppToken, .slackRefreshToken, .slackWebhookURL,
    ]

    private static func isTwoNumbers(_ value: String) -> Bool {
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }
    }

    private static func isUUID(_ value: String) -> Bool {
        let parts = value.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && parts.allSatisfy { $0.utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0 | 0x20) } }
    }

    private static func isToken(_ value: String) -> Bool {
        value.utf8.count >= 20 && value.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x2E }
    }

    private static func isVisible(_ value: String) -> Bool { value.utf8.allSatisfy { (0x21...0x7E).contains($0) } }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isUpperOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (0x41...0x5A).contains(byte) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isUpperOrDigit(byte) || (0x61...0x7A).contains(byte)
    }
}

/// What values of a kind look like (platforms, 1.1): a hint for the person at the form, never a reason to reject.
package enum Shape: String, Sendable, CaseIterable {
    case name
    case slackAppID
    case slackClientID
    case slackSecret
    case slackBotToken
    case slackUserToken
    case slackAppToken
    case slackWebhookURL

    /// For "this looks like …".
    package var article: String {
        switch self {
        case .name: "a name"
        case .slackAppID: "an App ID"
        case .slackClientID: "a Client ID"
        case .slackSecret: "a Client Secret or Signing Secret"
        case .slackBotToken: "a Bot User OAuth Token"
        case .slackUserToken: "a user's token"
        case .slackAppToken: "an app-level token"
        case .slackWebhookURL: "an incoming webhook URL"
        }
    }

    /// For "usually looks like …".
    package var example: String {
        switch self {
        case .name: "the name shown in the product"
        case .slackAppID: "A0XXXXXXXXX: a capital A, then capital letters and digits"
        case .slackClientID: "1234567890.1234567890: digits, a dot, digits"
        case .slackSecret: "32 letters and digits without spaces"
        case .slackBotToken: "xoxb-1234567890-1234567890123- and 24 letters and digits"
        case .slackUserToken: "xoxp- and groups of digits"
        case .slackAppToken: "xapp-1-A0XXXXXXXXX-…"
        case .slackWebhookURL: "https://hooks.slack.com/services/T…/B…/…"
        }
    }

    /// Whether `value` looks like the others of its kind.
    package func fits(_ value: String) -> Bool {
        switch self {
        case .name: !value.isEmpty && value.utf8.count <= 200
        case .slackAppID: value.utf8.count >= 7 && value.hasPrefix("A") && value.utf8.allSatisfy(Self.isUpperOrDigit)
        case .slackClientID: Self.isTwoNumbers(value)
        // Slack's own samples have 32 and 33 characters and letters beyond f.
        case .slackSecret: (24...64).contains(value.utf8.count) && value.utf8.allSatisfy(Self.isLetterOrDigit)
        case .slackBotToken: (value.hasPrefix("xoxb-") || value.hasPrefix("xoxe.xoxb-")) && Self.isToken(value)
        case .slackUserToken: (value.hasPrefix("xoxp-") || value.hasPrefix("xoxe.xoxp-")) && Self.isToken(value)
        case .slackAppToken: value.hasPrefix("xapp-") && Self.isToken(value)
        case .slackWebhookURL: value.hasPrefix("https://hooks.slack") && !value.contains(" ")
        }
    }

    /// What `value` is when it is plainly something else, in words; nil when it fits or nobody can tell.
    package func mistaken(for value: String) -> String? {
        guard self != .name, !fits(value) else {
            // A name can be anything, but nobody's workspace is called like a token.
            return self == .name ? Self.tokens.first { $0.fits(value) }?.article : nil
        }
        return (Self.tokens + [.slackAppID, .slackClientID]).first { $0 != self && $0.fits(value) }?.article
    }

    private static let tokens: [Shape] = [.slackBotToken, .slackUserToken, .slackAppToken, .slackWebhookURL]

    private static func isTwoNumbers(_ value: String) -> Bool {
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }
    }

    private static func isToken(_ value: String) -> Bool {
        value.utf8.count >= 20 && value.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x2E }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isUpperOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (0x41...0x5A).contains(byte) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isUpperOrDigit(byte) || (0x61...0x7A).contains(byte)
    }
}

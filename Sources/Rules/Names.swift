/// A chat or contact-centre platform whose credentials Postern keeps.
package enum Platform: String, Sendable, CaseIterable {
    case slack
    case lark
    case feishu
    case genesys
}

/// The kinds of secret an app can have (design, section 4). Closed: a new kind is a new release.
package enum SecretKind: String, Sendable, CaseIterable {
    case clientSecret = "client_secret"
    case appSecret = "app_secret"
    case signingSecret = "signing_secret"
    case botToken = "bot_token"
    case userToken = "user_token"
    case appToken = "app_token"
    case tenantToken = "tenant_token"
    case configToken = "config_token"
    case verificationToken = "verification_token"
    case encryptKey = "encrypt_key"
    case webhookURL = "webhook_url"
    case webhookSecret = "webhook_secret"
    /// What a Lark or Feishu store app is pushed every hour (platforms, 2.5); never entered by hand.
    case appTicket = "app_ticket"

    /// The token leg whose value this kind is at `platform` (`secret:read:bot_token` reads that leg); nil where the value
    /// is the app's own. Slack's app-level token is entered by hand, those of the others are made (platforms, 1.5).
    package func leg(at platform: Platform) -> Leg? {
        switch self {
        case .botToken: .bot
        case .userToken: .user
        case .tenantToken: .tenant
        case .appToken: platform == .slack ? nil : .app
        default: nil
        }
    }
}

/// The public, unsealed facts about an app (design, section 4).
package enum PublicField: String, Sendable, CaseIterable {
    case workspaceName = "workspace_name"
    case domain
    case clientID = "client_id"
    case region
    case integrationIDs = "integration_ids"
    case channelID = "channel_id"
    /// `on` or `off`: Slack's switch to PKCE, which excludes the secret (platforms, 1.2).
    case pkce
    /// `internal` or `store`: what sort of Lark or Feishu app it is (platforms, 2.5).
    case appType = "app_type"
    /// `identity` or `openid`: how people are asked who they are (platforms, 1.2).
    case login
    /// How many calls a month the app may make at its platform (platforms, 2.9); a positive number.
    case monthlyLimit = "monthly_limit"
    /// `on` or `off`: whether calls above `monthly_limit` are refused, or only warned of.
    case monthlyRefuse = "monthly_refuse"
}

/// An app's identifier at its platform: 1 to 128 letters, digits, `.`, `_` or `-`.
///
/// Deliberately wider than any platform's documented format (platforms, 1.1: hints, never a rejection), and narrow
/// enough to stand in a path and in a grant pattern as it is.
package struct AppID: Hashable, Sendable {
    package let value: String

    /// Well formed or nil; nothing is trimmed or folded.
    package init?(_ text: some StringProtocol) {
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy(Self.allows) else { return nil }
        guard text != ".", text != ".." else { return nil }
        // A token pasted where an App ID belongs must not be taken for one: App IDs are written into the log.
        guard !text.hasPrefix("xox"), !text.hasPrefix("xapp-") else { return nil }
        value = String(text)
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// What an app is known by everywhere: its platform and its App ID, written `slack/A0123456789`.
package struct AppKey: Hashable, Sendable, CustomStringConvertible {
    package let platform: Platform
    package let appID: AppID

    /// The app of this id at this platform.
    package init(_ platform: Platform, _ appID: AppID) {
        self.platform = platform
        self.appID = appID
    }

    /// Reads `platform/app_id`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let platform = Platform(rawValue: String(parts[0])), let appID = AppID(parts[1]) else {
            return nil
        }
        self.init(platform, appID)
    }

    package var description: String { "\(platform.rawValue)/\(appID.value)" }
}

/// A name people choose for a tenant, service or role holder: 1 to 63 of `a-z 0-9 -`, starting with a letter or digit.
package struct Slug: Hashable, Sendable, CustomStringConvertible {
    package let value: String

    /// Well formed or nil; nothing is trimmed or folded.
    package init?(_ text: some StringProtocol) {
        guard (1...63).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-") else { return nil }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                continue
            default: return nil
            }
        }
        value = String(text)
    }

    package var description: String { value }
}

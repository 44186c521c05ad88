/// What a grant can allow (design, section 5).
package enum Action: Hashable, Sendable, CustomStringConvertible {
    case readSecret(SecretKind)
    case access(Leg)
    case deliverToken
    case verifyWebhook
    case startOAuth
    case finishOAuth
    case readInstallation
    case disconnectInstallation

    /// `secret:read:KIND`, `access:bot` and so on; nil for anything else.
    package init?(_ text: some StringProtocol) {
        switch text {
        case "deliver:token": self = .deliverToken
        case "webhook:verify": self = .verifyWebhook
        case "oauth:start": self = .startOAuth
        case "oauth:finish": self = .finishOAuth
        case "installation:read": self = .readInstallation
        case "installation:disconnect": self = .disconnectInstallation
        default:
            if text.hasPrefix("secret:read:"), let kind = SecretKind(rawValue: String(text.dropFirst(12))) {
                self = .readSecret(kind)
            } else if text.hasPrefix("access:"), let leg = Leg(rawValue: String(text.dropFirst(7))),
                leg.isGrantable
            {
                self = .access(leg)
            } else {
                return nil
            }
        }
    }

    package var description: String {
        switch self {
        case .readSecret(let kind): "secret:read:\(kind.rawValue)"
        case .access(let leg): "access:\(leg.rawValue)"
        case .deliverToken: "deliver:token"
        case .verifyWebhook: "webhook:verify"
        case .startOAuth: "oauth:start"
        case .finishOAuth: "oauth:finish"
        case .readInstallation: "installation:read"
        case .disconnectInstallation: "installation:disconnect"
        }
    }

    /// Every action, for completion and for messages that list what can be granted.
    package static var all: [Action] {
        SecretKind.allCases.map(Action.readSecret) + Leg.grantable.map(Action.access) + [
            .deliverToken, .verifyWebhook, .startOAuth, .finishOAuth, .readInstallation, .disconnectInstallation,
        ]
    }
}

/// Whose token an installation's leg is.
package enum Leg: String, Sendable, CaseIterable {
    case bot
    case user
    case tenant
    case app

    /// Slack's app configuration token (platforms, 1.10); used by the broker alone.
    case config

    /// The secret kind its token is stored as.
    package var kind: SecretKind {
        switch self {
        case .bot: .botToken
        case .user: .userToken
        case .tenant: .tenantToken
        case .app: .appToken
        case .config: .configToken
        }
    }

    /// The legs a service can be given access to.
    package static let grantable: [Leg] = [.bot, .user, .tenant, .app]

    package var isGrantable: Bool { self != .config }
}

/// What an administrator may do: `operator` has no reveal, keys or grants; `auditor` reads the log only.
package enum AdminRole: String, Sendable, CaseIterable {
    case admin
    case `operator`
    case auditor
}

package import Rules

extension Platform {
    /// Whether `code`, as a platform answered it to somebody, says that the access token itself is no good any more
    /// (platforms, 1.4, 2.9 and 4.6; `401` where the answer had no body to speak of).
    package func saysTokenIsRefused(_ code: String) -> Bool {
        if code == "401" { return true }
        switch self {
        case .slack: return code == "invalid_auth" || SlackErrors.failure(for: code).isAboutToken
        case .lark, .feishu: return Int64(code).flatMap { LarkErrors.row($0) }?.isAboutToken ?? false
        case .genesys:
            return GenesysErrors.api.contains { $0.code == code && $0.verdict == .reauth }
        }
    }
}

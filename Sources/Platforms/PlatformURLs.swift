package import Rules

/// Where the platforms are. Operator settings, never a tenant's (design, section 6; platforms, 0.3).
package struct PlatformURLs: Sendable, Equatable {
    /// The names `--platform-url NAME=URL` takes.
    package enum Name: String, Sendable, CaseIterable {
        case slackAPI = "slack.api"
        case slackAuthorize = "slack.authorize"
        case larkOpen = "lark.open"
        case larkAccounts = "lark.accounts"
        case feishuOpen = "feishu.open"
        case feishuAccounts = "feishu.accounts"
        case genesysAPI = "genesys.api"
        case genesysLogin = "genesys.login"

        /// The public cloud's; `{region}` stands for a Genesys Cloud domain.
        package var standard: String {
            switch self {
            case .slackAPI: "https://slack.com/api"
            case .slackAuthorize: "https://slack.com/oauth/v2/authorize"
            case .larkOpen: "https://open.larksuite.com/open-apis"
            case .larkAccounts: "https://accounts.larksuite.com/open-apis"
            case .feishuOpen: "https://open.feishu.cn/open-apis"
            case .feishuAccounts: "https://accounts.feishu.cn/open-apis"
            case .genesysAPI: "https://api.{region}"
            case .genesysLogin: "https://login.{region}"
            }
        }
    }

    /// Which of Lark's and Feishu's token endpoints a code is traded at (platforms, 2.3). A refresh token goes to the
    /// one it came from, whatever is set.
    package enum LarkGeneration: String, Sendable, CaseIterable {
        /// `authen/v2/oauth/token`.
        case v2
        /// `authen/v1/oidc/access_token` and its authorize page.
        case oidc
    }

    private var overrides: [Name: String] = [:]
    /// Where Genesys Cloud apps may be.
    package private(set) var genesysRegions = GenesysRegions.known
    /// `lark.token` and `feishu.token`; what is not there is `v2`.
    private var generations: [Platform: LarkGeneration] = [:]

    /// The public clouds.
    package init() {}

    /// The public clouds but for `settings`, each written `NAME=URL`, with `genesysRegions` beside the known ones.
    ///
    /// Throws `bad_request` for an unknown name, a URL that is not https (http is for loopback only), or one with
    /// user, query or fragment. `lark.token` and `feishu.token` take `v2` or `oidc` in place of a URL.
    package init(_ settings: [String], genesysRegions: [String] = []) throws(Problem) {
        self.genesysRegions = try GenesysRegions(adding: genesysRegions)
        for setting in settings {
            if try readGeneration(setting) { continue }
            guard let equals = setting.firstIndex(of: "="), let name = Name(rawValue: String(setting[..<equals])) else {
                let names = Name.allCases.map(\.rawValue).joined(separator: " ") + " lark.token feishu.token"
                throw Problem(.badRequest, "--platform-url takes NAME=URL with NAME one of: \(names)")
            }
            let text = setting[setting.index(after: equals)...]
            guard let url = Self.checked(text) else {
                throw Problem(
                    .badRequest, "the URL for \(name.rawValue) must be https://… without user, query or fragment",
                    advice: "plain http is accepted only for 127.0.0.1, [::1] and localhost")
            }
            overrides[name] = url
        }
    }

    /// The URL without a slash at its end.
    package subscript(name: Name) -> String { overrides[name] ?? name.standard }

    /// The endpoints codes of a Lark or Feishu app are traded at.
    package func generation(of platform: Platform) -> LarkGeneration { generations[platform] ?? .v2 }

    /// Whether `setting` is one of the two that are no URL.
    private mutating func readGeneration(_ setting: String) throws(Problem) -> Bool {
        for platform in [Platform.lark, .feishu] where setting.hasPrefix("\(platform.rawValue).token=") {
            guard let generation = LarkGeneration(rawValue: String(setting.drop { $0 != "=" }.dropFirst())) else {
                throw Problem(.badRequest, "\(platform.rawValue).token takes v2 or oidc")
            }
            generations[platform] = generation
            return true
        }
        return false
    }

    /// Whether `text` may be a base URL; returns it without trailing slashes.
    private static func checked(_ text: Substring) -> String? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let rest = text[text.index(colon, offsetBy: 3)...]
        for byte in rest.utf8 where !allowed(byte) { return nil }
        let authority = rest.prefix { $0 != "/" }
        let host =
            authority.hasPrefix("[")
            ? authority.prefix { $0 != "]" } + "]"
            : authority.prefix { $0 != ":" }
        let port = authority.dropFirst(host.count)
        guard !host.isEmpty, port.isEmpty || (port.first == ":" && UInt16(port.dropFirst()) != nil) else { return nil }
        switch text[..<colon] {
        case "https": break
        case "http":
            guard host == "127.0.0.1" || host == "[::1]" || host == "localhost" else { return nil }
        default: return nil
        }
        var url = String(text)
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    private static func allowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: [UInt8](".-_~:/[]{}".utf8).contains(byte)
        }
    }
}

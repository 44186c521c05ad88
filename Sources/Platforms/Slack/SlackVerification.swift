package import Rules

/// One line of `postern app verify`.
package struct Check: Sendable, Equatable {
    /// How one live check came out (platforms 1.6).
    package enum Result: String, Sendable, CaseIterable {
        case passed
        case failed
        /// Cannot be known until something happens, such as the first signed event.
        case pending
        /// Asked, and the answer proves neither.
        case inconclusive
    }

    package let name: String
    package let result: Result
    /// What was held against what; no secret.
    package let compared: String
    /// What to do; empty when there is nothing to do.
    package let advice: String

    /// One check: what was compared with what, and what to do about it.
    package init(_ name: String, _ result: Result, compared: String, advice: String = "") {
        self.name = name
        self.result = result
        self.compared = compared
        self.advice = advice
    }
}

/// Judges a Slack app's submitted credentials by what Slack answered (platforms, 1.6). Pure.
package struct SlackVerification: Sendable {
    /// What a call gave, where it was made.
    package typealias Outcome<Value: Sendable> = Swift.Result<Value, PlatformFailure>

    let profile: Profile
    /// nil where the profile does not ask for it (ovice) and none is known yet.
    let appID: AppID?
    let workspaceName: String?
    let domain: String?
    /// nil: no bot token is stored.
    let authTest: Outcome<SlackIdentity>?
    /// nil: not asked, because `auth.test` gave no bot.
    let botsInfo: Outcome<AppID>?
    /// The failure of `clientPairProbe`; nil: no pair is stored. A probe cannot succeed.
    let probe: PlatformFailure?
    /// Whether the app has PKCE switched on: then its secret proves nothing (platforms, 1.6).
    let usesPKCE: Bool
    /// The redirect URLs the app is registered with here.
    let redirects: [String]
    let hasSigningSecret: Bool
    /// The app's manifest; nil: there is no configuration token to ask with.
    let manifest: Outcome<SlackManifest>?

    /// Every field as given.
    package init(
        profile: Profile, appID: AppID?, workspaceName: String?, domain: String? = nil,
        authTest: Outcome<SlackIdentity>?, botsInfo: Outcome<AppID>?, probe: PlatformFailure?, usesPKCE: Bool = false,
        redirects: [String] = [], hasSigningSecret: Bool = true, manifest: Outcome<SlackManifest>? = nil
    ) {
        self.hasSigningSecret = hasSigningSecret
        self.usesPKCE = usesPKCE
        self.redirects = redirects
        self.manifest = manifest
        self.profile = profile
        self.appID = appID
        self.workspaceName = workspaceName
        self.domain = domain
        self.authTest = authTest
        self.botsInfo = botsInfo
        self.probe = probe
    }

    /// The checks in the order of platforms 1.6.
    package var checks: [Check] {
        var list = [token]
        if case .success(let identity) = authTest {
            list.append(kind(identity))
            if let workspaceName { list.append(workspace(identity, submitted: workspaceName)) }
            if let domain { list.append(address(identity, submitted: domain)) }
            list.append(scopes(identity))
            list.append(owner(identity))
            list.append(rotation(identity))
        }
        if let clientPair { list.append(clientPair) }
        if hasSigningSecret || profile.fields.contains(where: { $0.place == .secret(.signingSecret) && $0.required }) {
            list.append(signingSecret)
        }
        list += addresses
        return list
    }

    /// The app Slack itself says the bot token is of; nil where it does not say.
    package var owner: AppID? {
        if case .success(let owner) = botsInfo { return owner }
        if case .success(let identity) = authTest { return identity.appID }
        return nil
    }

    /// Whether Slack itself has said that the token is this App ID's: then the claim to it is proven.
    package var provesClaim: Bool { appID != nil && owner == appID }

    private var token: Check {
        switch authTest {
        case nil:
            Check("bot_token", .pending, compared: "no bot token is stored", advice: "install the app, or store one")
        case .success: Check("bot_token", .passed, compared: "auth.test accepts the token")
        case .failure(let failure):
            Check(
                "bot_token", failure.verdict == .retry || failure.verdict == .bug ? .inconclusive : .failed,
                compared: "auth.test answers \(failure.code)", advice: failure.sentence)
        }
    }

    private func kind(_ identity: SlackIdentity) -> Check {
        identity.botID != nil
            ? Check("token_kind", .passed, compared: "auth.test names a bot")
            : Check(
                "token_kind", .failed, compared: "auth.test names no bot: this is a user's token",
                advice: "copy the Bot User OAuth Token, which starts with xoxb-, from OAuth & Permissions")
    }

    private func workspace(_ identity: SlackIdentity, submitted: String) -> Check {
        guard let name = identity.teamName else {
            return Check("workspace_name", .inconclusive, compared: "auth.test names no workspace")
        }
        let compared = "submitted “\(Label.shown(submitted))”, Slack says “\(name)”"
        return Label.folded(name) == Label.folded(submitted)
            ? Check("workspace_name", .passed, compared: compared)
            : Check(
                "workspace_name", .failed, compared: compared,
                advice: "the workspace was renamed, or the token is another workspace's")
    }

    private func address(_ identity: SlackIdentity, submitted: String) -> Check {
        let wanted = SlackDomain.label(in: submitted)
        guard let url = identity.url, let found = SlackDomain.label(in: url) as String?, !found.isEmpty else {
            return Check("workspace_domain", .inconclusive, compared: "auth.test names no address")
        }
        let compared = "submitted \(Label.shown(wanted)), Slack says \(found)"
        return found == wanted
            ? Check("workspace_domain", .passed, compared: compared)
            : Check(
                "workspace_domain", .failed, compared: compared,
                advice: "give the part before .slack.com of the workspace the token is of")
    }

    private func scopes(_ identity: SlackIdentity) -> Check {
        guard let granted = identity.scopes else {
            return Check("scopes", .inconclusive, compared: "Slack did not list the token's scopes")
        }
        let missing = profile.botScopes.filter { !granted.contains($0) }
        guard !profile.botScopes.isEmpty else {
            let list = granted.isEmpty ? "none" : granted.joined(separator: " ")
            return Check("scopes", .passed, compared: "the profile asks for none; the token has \(list)")
        }
        return missing.isEmpty
            ? Check("scopes", .passed, compared: "the token has all of \(profile.botScopes.joined(separator: " "))")
            : Check(
                "scopes", .failed, compared: "missing: \(missing.joined(separator: " "))",
                advice: "add the missing bot scopes under OAuth & Permissions and install the app again")
    }

    private func owner(_ identity: SlackIdentity) -> Check {
        if let owner {
            guard let appID else {
                return Check(
                    "app_id", .passed, compared: "none was submitted; Slack says the token is of \(owner.value)")
            }
            let compared = "submitted \(appID.value), the token is of \(owner.value)"
            return owner == appID
                ? Check("app_id", .passed, compared: compared)
                : Check(
                    "app_id", .failed, compared: compared,
                    advice: "the bot token belongs to the app \(owner.value), not to \(appID.value): "
                        + "copy App ID and token from the same app")
        }
        switch botsInfo {
        case .failure(let failure) where failure.code == "missing_scope":
            // It still proves a live token (platforms, 1.6).
            return Check(
                "app_id", .inconclusive, compared: "bots.info needs users:read, which the token lacks",
                advice: appID == nil
                    ? "give the App ID of Basic Information; the first signed event will confirm it"
                    : "the first signed event will confirm the App ID")
        case .failure(let failure):
            return Check(
                "app_id", .inconclusive, compared: "bots.info answers \(failure.code)", advice: failure.sentence)
        case nil, .success:
            return Check("app_id", .inconclusive, compared: "only a bot's token tells its app")
        }
    }

    private func rotation(_ identity: SlackIdentity) -> Check {
        identity.expiresIn == nil
            ? Check("token_rotation", .passed, compared: "the token does not expire")
            : Check(
                "token_rotation", .inconclusive, compared: "the token expires: token rotation is on for this app",
                advice: "install the app through Postern, so that it holds the refresh token too")
    }

    /// nil where nobody asked for a pair and none is stored.
    private var clientPair: Check? {
        if usesPKCE {
            return Check("client_pair", .inconclusive, compared: "the app uses PKCE; its secret is not looked at")
        }
        guard let probe else {
            let isRequired = profile.fields.contains { $0.place == .secret(.clientSecret) && $0.required }
            guard isRequired else { return nil }
            return Check(
                "client_pair", .pending, compared: "Client ID and Client Secret are not both stored")
        }
        switch probe.code {
        case "invalid_code":
            return Check(
                "client_pair", .inconclusive, compared: "oauth.v2.access refused only the made-up code",
                advice: "probably right; the first real authorization will confirm it")
        case "invalid_client_id":
            return Check(
                "client_pair", .failed, compared: "oauth.v2.access does not know the Client ID",
                advice: "copy Client ID, not App ID, from Basic Information > App Credentials")
        case "bad_client_secret", "invalid_client":
            return Check(
                "client_pair", .failed, compared: "oauth.v2.access refuses the Client Secret",
                advice: "copy the Client Secret again; after regenerating, the old one works 24 hours")
        case "pkce_not_allowed", "invalid_code_verifier":
            return Check("client_pair", .inconclusive, compared: "the app uses PKCE; its secret is not looked at")
        default:
            return Check(
                "client_pair", .inconclusive, compared: "oauth.v2.access answers \(probe.code)", advice: probe.sentence)
        }
    }

    private var signingSecret: Check {
        Check(
            "signing_secret", .pending, compared: "no call of Slack's takes it",
            advice: "it is proven by the first signed request: save the Request URL under Event Subscriptions")
    }

    /// The redirect URLs and the event URL, which only a manifest shows.
    private var addresses: [Check] {
        var wanted = redirects
        if wanted.isEmpty, let appID { wanted = profile.redirectURLs(for: appID) }
        var list: [Check] = []
        if !profile.redirects.isEmpty || !redirects.isEmpty {
            list.append(
                address("redirect_url", wanted, at: "OAuth & Permissions > Redirect URLs") { manifest in
                    manifest.tree["oauth_config", "redirect_urls"]?.texts ?? []
                })
        }
        if profile.events != nil {
            let url = appID.flatMap { profile.eventURL(for: $0) }
            list.append(
                address("event_url", url.map { [$0] } ?? [], at: "Event Subscriptions > Request URL") { manifest in
                    manifest.tree["settings", "event_subscriptions", "request_url"]?.string.map { [$0] } ?? []
                })
        }
        return list
    }

    private func address(
        _ name: String, _ wanted: [String], at place: String, _ read: (SlackManifest) -> [String]
    ) -> Check {
        switch manifest {
        case nil:
            return Check(
                name, .pending, compared: "Slack does not show it without an app configuration token",
                advice:
                    "under \(place) there must be \(wanted.isEmpty ? "the app's own" : wanted.joined(separator: " "))")
        case .failure(let failure):
            return Check(
                name, .inconclusive, compared: "apps.manifest.export answers \(failure.code)", advice: failure.sentence)
        case .success(let manifest):
            let found = read(manifest)
            let missing = wanted.filter { !found.contains($0) }
            guard missing.isEmpty else {
                let there = found.isEmpty ? "none" : found.map(Label.shown).joined(separator: " ")
                return Check(
                    name, .failed, compared: "missing: \(missing.joined(separator: " ")); the manifest has \(there)",
                    advice: "enter it under \(place), or let postern app apply-manifest do it")
            }
            return Check(name, .passed, compared: "the manifest has \(wanted.joined(separator: " "))")
        }
    }
}

/// A workspace's domain, whether it was pasted as a label, a host or a URL.
enum SlackDomain {
    static func label(in text: String) -> String {
        var rest = Substring(text.lowercased().filter { !$0.isWhitespace })
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        rest = rest.prefix { $0 != "/" && $0 != ":" }
        if rest.hasSuffix(".slack.com") { rest = rest.dropLast(10) }
        return String(rest)
    }
}

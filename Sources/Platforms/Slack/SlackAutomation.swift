package import Rules

/// What an administrator may leave to us: app manifests by an app configuration token, and turning long-lived tokens
/// into rotating ones (platforms, 1.10).
extension Slack {
    /// `tooling.tokens.rotate`: a new configuration token for a refresh token, which dies by it. Needs no other proof.
    package func rotateConfiguration(refreshToken: String) -> PlatformRequest {
        PlatformRequest(
            name: "tooling.tokens.rotate", method: "POST", url: "\(api)/tooling.tokens.rotate", headers: Self.form,
            body: [UInt8](Form.encode([("refresh_token", refreshToken)]).utf8), repeatable: false)
    }

    /// `apps.manifest.export`: the app's manifest as it is, without secrets. All `token`s here are configuration tokens.
    package func exportManifest(of app: AppID, token: String) -> PlatformRequest {
        call("apps.manifest.export", token: token, [("app_id", app.value)])
    }

    /// `apps.manifest.validate`: whether Slack would take the manifest, for this app or for a new one.
    package func validate(_ manifest: SlackManifest, of app: AppID?, token: String) -> PlatformRequest {
        let pairs = [("manifest", manifest.tree.encoded())] + (app.map { [("app_id", $0.value)] } ?? [])
        return call("apps.manifest.validate", token: token, pairs)
    }

    /// `apps.manifest.update`: replaces the whole manifest; what is absent is removed. Doing it twice changes nothing.
    package func update(_ manifest: SlackManifest, of app: AppID, token: String) -> PlatformRequest {
        call(
            "apps.manifest.update", token: token,
            [("app_id", app.value), ("manifest", manifest.tree.encoded())])
    }

    /// `apps.manifest.create`: a new app, whose answer has four of its credentials. Twice makes two apps.
    package func create(_ manifest: SlackManifest, token: String) -> PlatformRequest {
        let request = call("apps.manifest.create", token: token, [("manifest", manifest.tree.encoded())])
        return PlatformRequest(
            name: request.name, method: request.method, url: request.url, headers: request.headers,
            body: request.body, repeatable: false)
    }

    /// `oauth.v2.exchange`: a rotating pair for a token that does not end. Works once per token; the old one lives until
    /// the pair's first refresh.
    package func makeRotate(token: String, _ client: OAuthClient) -> PlatformRequest {
        let pairs = [
            ("client_id", client.clientID), ("client_secret", client.clientSecret ?? ""), ("token", token),
        ]
        return PlatformRequest(
            name: "oauth.v2.exchange", method: "POST", url: "\(api)/oauth.v2.exchange", headers: Self.form,
            body: [UInt8](Form.encode(pairs).utf8), repeatable: false)
    }
}

/// What Slack finds wrong with a manifest: one entry of `errors`, made fit to be shown.
package struct SlackManifestFault: Sendable, Equatable {
    /// Slack's sentence, without control characters.
    package let message: String
    /// A path into the manifest, such as `/display_information/name`; nil where Slack names none.
    package let pointer: String?

    /// For a line: the pointer, a colon, the message.
    package var line: String { pointer.map { "\($0): \(message)" } ?? message }
}

/// What an updated manifest means for who has the app installed.
package struct SlackManifestUpdate: Sendable, Equatable {
    package let appID: AppID
    /// True when scopes changed: people must install the app again.
    package let permissionsUpdated: Bool
}

/// What `apps.manifest.create` made. Holds secrets in the clear on their way into the vault: no description.
package struct SlackCreatedApp: Sendable {
    package let appID: AppID
    package let clientID: String
    package let clientSecret: String
    package let signingSecret: String
    package let verificationToken: String?
}

extension PlatformAnswer {
    /// Reads `tooling.tokens.rotate`. Kept whatever is odd about it: the refresh token is spent.
    package func slackConfiguration() throws(PlatformFailure) -> TokenPair {
        let object = try slackObject()
        guard let token = object.word("token", longest: JSONFields.longestToken) else {
            throw .unexpected("Slack", "tooling.tokens.rotate carries no token")
        }
        let refresh = object.word("refresh_token", longest: JSONFields.longestToken)
        var life: Int64?
        if let issued = object.integer("iat"), let ends = object.integer("exp") {
            let (seconds, overflow) = ends.subtractingReportingOverflow(issued)
            if !overflow, JSONFields.isLife(seconds) { life = seconds }
        }
        return TokenPair(
            token: token, refreshToken: refresh, expiresIn: life ?? TokenPair.assumedLife,
            oddities: (life == nil ? [.noLife] : []) + (refresh == nil ? [.noRefreshToken] : []))
    }

    /// Reads `apps.manifest.export`.
    package func slackManifest() throws(PlatformFailure) -> SlackManifest {
        _ = try slackObject()
        guard let tree = JSONTree(body)?["manifest"], case .object = tree else {
            throw .unexpected("Slack", "apps.manifest.export carries no manifest")
        }
        return SlackManifest(tree)
    }

    /// Reads `apps.manifest.validate`: what is wrong, nothing for a good manifest.
    package func slackManifestFaults() throws(PlatformFailure) -> [SlackManifestFault] {
        do throws(PlatformFailure) {
            return try slackObject().slackFaults
        } catch {
            guard error.code == "invalid_manifest", let faults = JSONFields(body)?.slackFaults, !faults.isEmpty else {
                throw error
            }
            return faults
        }
    }

    /// Reads `apps.manifest.update`. After `invalid_manifest`, `slackManifestFaults` says what is wrong.
    package func slackManifestUpdate() throws(PlatformFailure) -> SlackManifestUpdate {
        let object = try slackObject()
        guard let app = object.string("app_id").flatMap({ AppID($0) }) else {
            throw .unexpected("Slack", "apps.manifest.update names no app")
        }
        // Where Slack does not say, installing again is the safe advice.
        return SlackManifestUpdate(appID: app, permissionsUpdated: object.bool("permissions_updated") ?? true)
    }

    /// Reads `apps.manifest.create`.
    package func slackCreatedApp() throws(PlatformFailure) -> SlackCreatedApp {
        let object = try slackObject()
        guard let app = object.string("app_id").flatMap({ AppID($0) }), let found = object.object("credentials"),
            let id = found.word("client_id", longest: 128), let secret = found.word("client_secret"),
            let signing = found.word("signing_secret")
        else { throw .unexpected("Slack", "apps.manifest.create names no app with its credentials") }
        return SlackCreatedApp(
            appID: app, clientID: id, clientSecret: secret, signingSecret: signing,
            verificationToken: found.word("verification_token"))
    }
}

extension JSONFields {
    /// At most fifty entries of `errors`.
    fileprivate var slackFaults: [SlackManifestFault] {
        (objects("errors") ?? []).prefix(50).map { fields in
            SlackManifestFault(
                message: fields.label("message") ?? "not accepted",
                pointer: fields.word("pointer", longest: 200).map(Label.shown))
        }
    }
}

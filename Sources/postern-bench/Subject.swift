import Rules

/// One app at a simulated platform, as the benchmarks use it.
struct Subject {
    /// A token that can end, and the call that gives the next one.
    struct Storm {
        let leg: String
        /// What the ledger calls it.
        let call: String
        /// The field of its answer that says how long the token lives.
        let lifeField: String
        /// Whether a person must have installed the app first; else its own credentials are enough.
        let needsInstallation: Bool

        var access: String { #"{"as":"\#(leg)","deliver":"token"}"# }
    }

    let platform: String
    let appID: String
    /// What the ledger calls the trade of a code for tokens.
    let exchangeCall: String
    let storms: [Storm]
    /// What an installation asks for, `scope` and `user_scope`.
    let scope: String
    let userScope: String
    /// Where the bridge of the benchmarks takes codes; nobody connects to it.
    let redirect: String
    /// The app as the simulation knows it, secrets included.
    let app: Told
    /// The same, as it came.
    let json: String

    var path: String { "/v1/apps/\(platform)/\(appID)" }

    /// What posternd must be told to find the simulation.
    static func flags(_ base: String) -> [String] {
        [
            "slack.api=\(base)/api", "slack.authorize=\(base)/oauth/v2/authorize",
            "lark.open=\(base)/lark/open-apis", "lark.accounts=\(base)/lark/accounts/open-apis",
            "feishu.open=\(base)/feishu/open-apis", "feishu.accounts=\(base)/feishu/accounts/open-apis",
            "genesys.api=\(base)/genesys/{region}/api", "genesys.login=\(base)/genesys/{region}/login",
        ].flatMap { ["--platform-url", $0] } + ["--callback-listen", "off"]
    }

    /// Platforms both sides know.
    static let platforms = ["slack", "lark", "feishu", "genesys"]

    private static func exchangeCall(of platform: String) -> String {
        switch platform {
        case "slack": "oauth.v2.access"
        case "genesys": "oauth.token"
        default: "authen.v2.oauth.token"
        }
    }

    static func storms(of platform: String) -> [Storm] {
        let call = exchangeCall(of: platform)
        func consented(_ leg: String) -> Storm {
            Storm(leg: leg, call: call, lifeField: "expires_in", needsInstallation: true)
        }
        return switch platform {
        case "slack": [consented("bot")]
        case "genesys":
            [consented("user"), Storm(leg: "app", call: call, lifeField: "expires_in", needsInstallation: false)]
        default:
            [
                consented("user"),
                Storm(
                    leg: "tenant", call: "auth.v3.tenant_access_token.internal", lifeField: "expire",
                    needsInstallation: false),
            ]
        }
    }

    /// Registers an app at the simulation, or changes it.
    static func register(
        _ platform: String, at simulation: SimulatedPlatforms, rotating: Bool = false, grace: Int = 0
    ) throws -> Subject {
        let redirect = "https://bridge.example/thirdparty/\(platform)/oauth2/callback"
        let appID: String
        let more: String
        var (scope, userScope) = ("", "")
        switch platform {
        case "slack":
            appID = "A0FAKEBNCH1"
            let rotation = #","token_rotation_enabled":true,"refresh_grace":\#(grace)"#
            more = #","bot_scopes":["chat:write","users:read"]"# + (rotating ? rotation : "")
            scope = "chat:write"
        case "lark", "feishu":
            appID = "cli_fakebench0001"
            more =
                #","tenant_scopes":["im:message:send_as_bot"],"#
                + #""user_scopes":["contact:user.base:readonly","offline_access"]"#
            userScope = "contact:user.base:readonly offline_access"
        case "genesys":
            appID = "fa4e0000-0000-4000-8000-000000000001"
            more = #","region":"mypurecloud.ie","token_rate":1000000"#
        default: throw Problem(.badRequest, "the benchmarks do not know \(platform)")
        }
        let json = try simulation.text(
            "POST", "apps",
            #"{"platform":"\#(platform)","app_id":"\#(appID)","workspace_name":"Bench","#
                + #""redirect_urls":["\#(redirect)"]\#(more)}"#)
        return Subject(
            platform: platform, appID: appID, exchangeCall: exchangeCall(of: platform), storms: storms(of: platform),
            scope: scope,
            userScope: userScope, redirect: redirect, app: Told(json) ?? .nothing,
            json: String(decoding: json, as: UTF8.self))
    }

    func field(_ name: String) throws -> String {
        guard let value = app[name]?.text else {
            throw Problem(.internal, "the simulation did not say the \(name) of its app")
        }
        return value
    }

    // MARK: - In the vault

    /// Adds the app to the vault.
    func add(to deployment: Deployment) throws {
        func object(_ names: [String]) throws -> String {
            "{" + (try names.map { "\"\($0)\":" + Told.quoted(try field($0)) }).joined(separator: ",") + "}"
        }
        let (fields, secrets) =
            switch platform {
            case "slack": (["client_id"], ["client_secret", "signing_secret"])
            case "genesys": (["client_id", "region"], ["client_secret"])
            default: ([], ["app_secret"])
            }
        try deployment.admin("POST", "tenants", #"{"slug":"\#(platform)","name":"Tenant of \#(platform)"}"#)
        try deployment.admin(
            "POST", "apps",
            #"{"tenant":"\#(platform)","profile":"\#(platform)","platform":"\#(platform)","app_id":"\#(appID)","#
                + #""fields":\#(try object(fields)),"secrets":\#(try object(secrets)),"#
                + #""redirect_uris":["\#(redirect)"],"verify":false}"#)
    }

    /// The service `bench`, which is us, and its grant to do everything with every app.
    static func allow(_ deployment: Deployment) throws {
        try deployment.admin("POST", "services", #"{"name":"bench","selectors":["uid:\#(deployment.uid)"]}"#)
        try deployment.admin(
            "POST", "grants",
            #"{"service":"bench","pattern":"*/*/*","actions":["access:bot","access:user","access:tenant","access:app","#
                + #""deliver:token","oauth:start","oauth:finish","installation:read"],"methods":["*"],"scope":[],"#
                + #""max_ttl_seconds":600}"#)
    }

    /// Begins an installation; where the browser goes.
    func begin(_ deployment: Deployment) throws -> String {
        let scopes =
            (scope.isEmpty ? "" : #","scope":"\#(scope)""#)
            + (userScope.isEmpty ? "" : #","user_scope":"\#(userScope)""#)
        let begun = try deployment.broker(
            "POST", "\(path)/oauth/authorize",
            #"{"purpose":"install","redirect_uri":"\#(redirect)","browser_binding":"\#(Self.binding)"\#(scopes)}"#)
        guard let url = begun["authorization_url"]?.text else {
            throw Problem(.internal, "there is no authorization_url to open")
        }
        return url
    }

    /// Goes to the consent page of an installation: what comes back, all in the callback's URL.
    func consent(_ url: String, _ simulation: SimulatedPlatforms) throws -> (code: String, state: String) {
        let back = try simulation.consent(url)
        guard let code = query("code", in: back), let state = query("state", in: back) else {
            throw Problem(.internal, "the consent page sent no code back")
        }
        return (code, state)
    }

    /// What the bridge sends to finish: the call that is measured.
    func callback(_ deployment: Deployment, code: String, state: String) -> [UInt8] {
        deployment.request(
            "POST", "\(path)/oauth/callback",
            #"{"code":\#(Told.quoted(code)),"state":\#(Told.quoted(state)),"browser_binding":"\#(Self.binding)"}"#)
    }

    /// An installation of the app, its tokens in the vault.
    func install(_ deployment: Deployment, _ simulation: SimulatedPlatforms) throws {
        let (code, state) = try consent(try begin(deployment), simulation)
        guard let connection = Connection(path: deployment.brokerSocket),
            let answer = connection.answer(to: callback(deployment, code: code, state: state)), answer.status == 200
        else { throw Problem(.internal, "the installation at \(platform) was not finished") }
    }

    /// Whether the platform takes a token now.
    func works(_ token: String, _ storm: Storm, _ simulation: SimulatedPlatforms) throws -> Bool {
        let answer =
            switch platform {
            case "slack": try simulation.call("POST", "/api/auth.test", bearer: token)
            case "genesys":
                try simulation.call(
                    "GET", "/genesys/\(try field("region"))/api/api/v2/\(storm.leg == "app" ? "tokens" : "users")/me",
                    bearer: token)
            default:
                try simulation.call(
                    "GET",
                    "/\(platform)/open-apis/\(storm.leg == "user" ? "authen/v1/user_info" : "bot/v3/info")",
                    bearer: token)
            }
        return answer["ok"]?.isTrue == true || answer["code"]?.number == 0 || answer["OAuthClient"] != nil
            || answer["id"] != nil
    }

    private static let binding = "the-benchmark-binds-its-flow-to-itself-1"
}

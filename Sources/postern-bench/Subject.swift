import Rules

/// One app at a simulated platform, as the benchmarks use it.
struct Subject {
    let platform: String
    let appID: String
    /// What the ledger calls the request that trades a code or a refresh token.
    let tokenCall: String
    let storm: Storm
    /// What `access` is asked as.
    let leg: String
    /// What an installation asks for.
    let scope: String
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
        ].flatMap { ["--platform-url", $0] } + ["--callback-listen", "off"]
    }

    /// Platforms both sides know.
    static let platforms = ["slack"]

    /// The call at expiry.
    struct Storm {
        /// What the ledger calls it.
        let call: String
        /// Whether there must be an installation first; else the token is made from the app's own credentials.
        let needsInstallation: Bool
    }

    /// Registers an app at the simulation, or changes it.
    static func register(
        _ platform: String, at simulation: SimulatedPlatforms, rotating: Bool = false, tokenSeconds: Int? = nil
    ) throws -> Subject {
        let more =
            (rotating ? #","token_rotation":true"# : "") + (tokenSeconds.map { #","token_seconds":\#($0)"# } ?? "")
        let redirect = "https://bridge.example/thirdparty/\(platform)/oauth2/callback"
        switch platform {
        case "slack":
            let json = try simulation.text(
                "POST", "apps",
                #"{"app_id":"A0FAKEBNCH1","workspace_name":"Bench","redirect_urls":["\#(redirect)"],"#
                    + #""bot_scopes":["chat:write","users:read"]\#(more)}"#)
            return Subject(
                platform: platform, appID: "A0FAKEBNCH1", tokenCall: "oauth.v2.access",
                storm: Storm(call: "oauth.v2.access", needsInstallation: true), leg: "bot",
                scope: "chat:write", redirect: redirect,
                app: Told(json) ?? .nothing, json: String(decoding: json, as: UTF8.self))
        default: throw Problem(.badRequest, "the benchmarks do not know \(platform)")
        }
    }

    func field(_ name: String) throws -> String {
        guard let value = app[name]?.text else {
            throw Problem(.internal, "the simulation did not say the \(name) of its app")
        }
        return value
    }

    // MARK: - In the vault

    /// Adds the app to the vault and lets the service `bench`, which is us, do everything with it.
    func add(to deployment: Deployment) throws {
        let fields: String
        let secrets: String
        switch platform {
        default:
            fields = #""client_id":\#(Told.quoted(try field("client_id")))"#
            secrets =
                #""client_secret":\#(Told.quoted(try field("client_secret"))),"#
                + #""signing_secret":\#(Told.quoted(try field("signing_secret")))"#
        }
        try deployment.admin("POST", "tenants", #"{"slug":"\#(platform)","name":"Tenant of \#(platform)"}"#)
        try deployment.admin(
            "POST", "apps",
            #"{"tenant":"\#(platform)","profile":"\#(platform)","platform":"\#(platform)","app_id":"\#(appID)","#
                + #""fields":{\#(fields)},"secrets":{\#(secrets)},"redirect_uris":["\#(redirect)"],"verify":false}"#)
    }

    /// The service `bench` and its grant, once for all subjects.
    static func allow(_ deployment: Deployment) throws {
        try deployment.admin("POST", "services", #"{"name":"bench","selectors":["uid:\#(deployment.uid)"]}"#)
        try deployment.admin(
            "POST", "grants",
            #"{"service":"bench","pattern":"*/*/*","actions":["access:bot","access:user","access:tenant","access:app","#
                + #""deliver:token","oauth:start","oauth:finish","installation:read"],"methods":["*"],"scope":[],"#
                + #""max_ttl_seconds":600}"#)
    }

    /// Begins an installation and goes to the consent page: what comes back, all in the callback's URL.
    func consent(_ deployment: Deployment, _ simulation: SimulatedPlatforms) throws -> (code: String, state: String) {
        let begun = try deployment.broker(
            "POST", "\(path)/oauth/authorize",
            #"{"purpose":"install","redirect_uri":"\#(redirect)","browser_binding":"\#(Self.binding)","scope":"\#(scope)"}"#
        )
        guard let url = begun["authorization_url"]?.text else {
            throw Problem(.internal, "there is no authorization_url to open")
        }
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
        let (code, state) = try consent(deployment, simulation)
        guard let connection = Connection(path: deployment.brokerSocket),
            let answer = connection.answer(to: callback(deployment, code: code, state: state)), answer.status == 200
        else { throw Problem(.internal, "the installation at \(platform) was not finished") }
    }

    /// Whether the platform takes a token now.
    func works(_ token: String, _ simulation: SimulatedPlatforms) throws -> Bool {
        switch platform {
        default: try simulation.call("POST", "/api/auth.test", bearer: token)["ok"]?.isTrue == true
        }
    }

    private static let binding = "the-benchmark-binds-its-flow-to-itself-1"
}

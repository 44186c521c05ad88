import Linux
import Rules

/// The demo, from an empty directory to a vault that notices what was done to it.
final class Story {
    let stage: Stage
    let bridge: Bridge
    private let stranger: Bridge
    private(set) var platforms = SimulatedPlatforms(base: "")
    /// Where browsers reach the courier.
    private var callback = ""
    /// What the platforms said of the customers' apps, by customer.
    private(set) var registered: [String: JSON] = [:]

    init(stage: Stage) throws(Failure) {
        self.stage = stage
        bridge = try Bridge("acme-bridge", number: 1, on: stage)
        stranger = try Bridge("other-bridge", number: 2, on: stage)
    }

    /// `mayGoOn` throws once the person has had enough.
    func play(_ mayGoOn: () throws(Failure) -> Void) throws(Failure) {
        let console = stage.console
        console.out(
            "Postern in \(stage.directory): all of it is real but the platforms, which are simulated on this machine.")
        let steps: [(String, () throws(Failure) -> Void)] = [
            ("A vault, and a recovery kit that is proven to work", makeVault),
            ("The daemon with its courier", startDaemon),
            ("Four customers hand over their apps: Slack, Lark, Feishu and Genesys Cloud", addApps),
            ("Two bridges, known by what the kernel says about them; one gets grants", addServices),
            ("The one reads what it was granted, the other is refused", readSecret),
            ("A customer installs the app in the browser", install),
            ("The bridge sends a message on all four platforms and never sees a token", sendMessages),
            ("A token ends while fifty callers want it: one refresh, fifty good tokens", outlive),
            ("The signing secret is rotated; the old one stays valid for a day", rotate),
            ("A customer leaves: over here at once, and at the platform too", disconnect),
            ("Every step is in the log, and the log is whole", audit),
            ("Somebody changes a copy of the vault, and it is noticed", tamper),
        ]
        for (index, step) in steps.enumerated() {
            try mayGoOn()
            console.out("\n" + console.bold("\(index + 1). \(step.0)"))
            try step.1()
        }
        console.out("\nThat was it; everything is removed again. To begin for real: postern init --help")
    }

    private func makeVault() throws(Failure) {
        try stage.postern(
            ["init", "--root-key", "file:\(stage.directory)/root.key", "--kit-file", stage.directory + "/kit.txt"]
                + (stage.users.map { ["--user", $0.keeper] } ?? []), showing: 5)
    }

    private func startDaemon() throws(Failure) {
        platforms = SimulatedPlatforms(base: try stage.startSimulator())
        let address = try freeAddress()
        callback = "http://\(address)"
        try stage.startDaemon(["--callback-listen", address, "--public-url", callback] + platforms.options)
        let status = try stage.quietly(["status"])
        let who = stage.users.map { "posternd runs as \($0.keeper), the courier as \($0.courier)" } ?? "both run as you"
        stage.show(
            "\(Show.cell(status["status"])): \(who); only the courier can reach the network, only posternd the vault")
    }

    private func redirect(of customer: Customer) -> String {
        "\(callback)/thirdparty/\(customer.app)/oauth2/callback"
    }

    private func addApps() throws(Failure) {
        for customer in Customer.all {
            var body = customer.registration
            body["platform"] = .string(customer.platform)
            body["app_id"] = .string(customer.appID)
            body["workspace_name"] = .string(customer.organisation)
            body["redirect_urls"] = .array([.string(redirect(of: customer))])
            let app = try platforms.control("POST", "apps", .object(body))
            registered[customer.slug] = app
            var handed: [String: JSON] = [:]
            for name in customer.credentials { handed[name] = app[name] }
            _ = try stage.quietly(["tenant", "add", customer.slug, "--name", customer.organisation])
            try stage.postern(
                [
                    "app", "add", "--tenant", customer.slug, "--profile", customer.profile, "--redirect-uri",
                    redirect(of: customer), "--from-file", "-",
                ], input: String(decoding: JSON.object(handed).compact(), as: UTF8.self), expecting: [0, 8],
                only: startsWith(
                    customer.slug == "acme"
                        ? ["slack/", "SECRET", "client_secret", "signing_secret", "bot_token", "passed", "pending"]
                        : ["\(customer.platform)/", "passed"]))
        }
    }

    private func addServices() throws(Failure) {
        for bridge in [bridge, stranger] {
            try stage.postern(
                ["service", "add", bridge.name] + bridge.selectors.flatMap { ["--selector", $0] }, showing: 1)
        }
        for customer in Customer.all {
            let actions =
                ["access:\(customer.leg)"]
                + (customer.slug == "acme"
                    ? ["secret:read:signing_secret", "installation:read", "installation:disconnect"] : [])
                + (customer.slug == "globex" ? ["access:user", "deliver:token"] : [])
            try stage.postern(
                [
                    "grant", "add", bridge.name, "\(customer.slug)/\(customer.app)", "--action",
                    actions.joined(separator: ","), "--method", customer.method, "--max-ttl", "10m",
                ], showing: customer.slug == "acme" ? 1 : 0)
        }
    }

    private func readSecret() throws(Failure) {
        let target = "/v1/apps/\(Customer.acme.app)/secrets/signing_secret"
        let answer = try bridge.call("GET", target, on: stage)
        try expect(200, answer, "\(bridge.name) reads its secret")
        let length = answer.body["value"]?.text?.utf8.count ?? 0
        stage.show("\(bridge.name): GET \(target) → 200, version \(Show.cell(answer.body["version"])), \(length) bytes")
        let refused = try stranger.call("GET", target, on: stage)
        try expect(403, refused, "\(stranger.name) is refused")
        let id = Show.cell(refused.body["request_id"])
        stage.show("\(stranger.name): GET \(target) → 403 \(Show.cell(refused.body["code"])), request \(id)")
        try stage.postern(["why", id], only: startsWith(["denied", "who", "  uid", "  exe", "rule", "to allow"]))
    }

    private func install() throws(Failure) {
        try approve(Customer.acme, [])
        try stage.postern(["installation", "list", Customer.acme.app])
    }

    /// Somebody at the customer opens the link and presses Allow.
    func approve(_ customer: Customer, _ scopes: [String]) throws(Failure) {
        let url = try stage.postern(
            ["oauth", "url", customer.app, "--purpose", "install", "--quiet"]
                + scopes.flatMap { ["--user-scope", $0] }
        ).trimmed
        var browser = Browser()
        let stops = try browser.open(url)
        for stop in stops { stage.show("browser: \(stop.url.prefix { $0 != "?" }) → \(stop.status)") }
        guard stops.last?.status == 200 else { throw Failure.error("the installation did not end well") }
    }

    private func audit() throws(Failure) {
        try stage.postern(["audit", "list", "--limit", "10"])
        try stage.postern(["audit", "verify"])
    }

    private func tamper() throws(Failure) {
        stage.stopDaemon()
        let copy = try Tampering.copy(of: stage)
        try Tampering.change("Globex", to: "Globey", in: copy)
        stage.show(
            "in the copy, the tenant's name Globex was changed to Globey with an editor; then the daemon is started on it:"
        )
        let (ending, text) = try stage.run(stage.programs + "/posternd", stage.daemonOptions(copy))
        for line in text.split(separator: "\n").suffix(3) { stage.show(String(line)) }
        guard ending == .exited(Exit.integrity.code) else {
            throw Failure.error("posternd started on a changed vault: it ended with \(ending)")
        }
        stage.show("posternd ended with 11, integrity failure")
    }
}

/// Picks lines by how they start.
private func startsWith(_ starts: [String]) -> (String) -> Bool {
    { line in starts.contains { line.hasPrefix($0) } }
}

// MARK: What the steps share

extension Story {
    func expect(_ status: Int, _ answer: (status: Int, body: JSON), _ what: String) throws(Failure) {
        guard answer.status == status else {
            throw Failure.error("\(what): expected \(status), got \(answer.status) \(Show.cell(answer.body["detail"]))")
        }
    }

    /// A port nobody uses just now.
    private func freeAddress() throws(Failure) -> String {
        do throws(Problem) {
            let socket = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
            return "127.0.0.1:\(socket.boundPort ?? 0)"
        } catch {
            throw Failure(error)
        }
    }
}

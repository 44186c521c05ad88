import HTTPClient
import Linux
import Rules

/// The demo, from an empty directory to a vault that notices what was done to it.
final class Story {
    let stage: Stage
    private let first: Bridge
    private let second: Bridge
    /// The simulated Slack, and where browsers reach the courier.
    private var slack = ""
    private var callback = ""

    static let acme = "slack/A0DEMOACME"
    static let globex = "slack/A0DEMOGLOBEX"

    init(stage: Stage) throws(Failure) {
        self.stage = stage
        first = try Bridge("acme-bridge", number: 1, on: stage)
        second = try Bridge("other-bridge", number: 2, on: stage)
    }

    /// `mayGoOn` throws once the person has had enough.
    func play(_ mayGoOn: () throws(Failure) -> Void) throws(Failure) {
        let console = stage.console
        console.out("Postern in \(stage.directory): all of it is real but Slack, which is simulated on this machine.")
        let steps: [(String, () throws(Failure) -> Void)] = [
            ("A vault, and a recovery kit that is proven to work", makeVault),
            ("The daemon with its courier", startDaemon),
            ("Two customers hand over the credentials of their Slack apps", addApps),
            ("Two bridges, known by what the kernel says about them; one gets a grant", addServices),
            ("The one reads what it was granted, the other is refused", readSecret),
            ("A customer installs the app in the browser", install),
            ("The bridge posts a message and never sees the token", postMessage),
            ("The signing secret is rotated; the old one stays valid for a day", rotate),
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
        slack = try stage.startSimulator()
        let address = try freeAddress()
        callback = "http://\(address)"
        try stage.startDaemon([
            "--callback-listen", address, "--public-url", callback, "--platform-url",
            "slack.api=\(slack)/api", "--platform-url", "slack.authorize=\(slack)/oauth/v2/authorize",
        ])
        let status = try stage.quietly(["status"])
        let who = stage.users.map { "posternd runs as \($0.keeper), the courier as \($0.courier)" } ?? "both run as you"
        stage.show(
            "\(Show.cell(status["status"])): \(who); only the courier can reach the network, only posternd the vault")
    }

    private func addApps() throws(Failure) {
        for (slug, name, app) in [("acme", "Acme Corp", Story.acme), ("globex", "Globex", Story.globex)] {
            try stage.postern(["tenant", "add", slug, "--name", name], showing: 1)
            let id = String(app.dropFirst("slack/".count))
            let redirect = "\(callback)/thirdparty/slack/\(id)/oauth2/callback"
            let made = try simulator(
                "POST", "/_sim/apps",
                [
                    "app_id": .string(id), "name": "Demo", "workspace_name": .string(name), "bot_token": true,
                    "redirect_urls": [.string(redirect)],
                    "bot_scopes": ["chat:write", "users:read", "im:write", "im:history"],
                    "user_scopes": ["identity.basic", "identity.team"],
                ])
            var credentials: [String: JSON] = ["workspace_name": .string(name), "app_id": .string(id)]
            for key in ["client_id", "client_secret", "signing_secret", "bot_token"] { credentials[key] = made[key] }
            try stage.postern(
                [
                    "app", "add", "--tenant", slug, "--profile", "alibaba-slack", "--redirect-uri", redirect,
                    "--from-file", "-",
                ], input: String(decoding: JSON.object(credentials).compact(), as: UTF8.self),
                only: startsWith(
                    slug == "acme"
                        ? ["slack/", "SECRET", "client_secret", "signing_secret", "bot_token", "passed", "pending"]
                        : ["slack/"]))
        }
    }

    private func addServices() throws(Failure) {
        for bridge in [first, second] {
            try stage.postern(
                ["service", "add", bridge.name] + bridge.selectors.flatMap { ["--selector", $0] }, showing: 1)
        }
        try stage.postern(
            [
                "grant", "add", first.name, "acme/\(Story.acme)", "--action", "secret:read:signing_secret,access:bot",
                "--method", "chat.postMessage", "--scope", "chat:write", "--max-ttl", "10m",
            ], showing: 1)
    }

    private func readSecret() throws(Failure) {
        let target = "/v1/apps/\(Story.acme)/secrets/signing_secret"
        let answer = try first.call("GET", target, on: stage)
        try expect(200, answer, "\(first.name) reads its secret")
        let length = answer.body["value"]?.text?.utf8.count ?? 0
        stage.show("\(first.name): GET \(target) → 200, version \(Show.cell(answer.body["version"])), \(length) bytes")
        let refused = try second.call("GET", target, on: stage)
        try expect(403, refused, "\(second.name) is refused")
        let id = Show.cell(refused.body["request_id"])
        stage.show("\(second.name): GET \(target) → 403 \(Show.cell(refused.body["code"])), request \(id)")
        try stage.postern(["why", id], only: startsWith(["denied", "who", "  uid", "  exe", "rule", "to allow"]))
    }

    private func install() throws(Failure) {
        let url = try stage.postern(["oauth", "url", Story.acme, "--purpose", "install", "--quiet"]).trimmed
        var browser = Browser()
        let stops = try browser.open(url)
        for stop in stops { stage.show("browser: \(stop.url.prefix { $0 != "?" }) → \(stop.status)") }
        guard stops.last?.status == 200 else { throw Failure.error("the installation did not end well") }
        try stage.postern(["installation", "list", Story.acme])
    }

    private func postMessage() throws(Failure) {
        let lease = try first.call(
            "POST", "/v1/apps/\(Story.acme)/access",
            ["as": "bot", "methods": ["chat.postMessage"], "scope": "chat:write", "ttl": 300], on: stage)
        try expect(201, lease, "\(first.name) gets a lease")
        let gateway = Show.cell(lease.body["gateway"])
        stage.show(
            "\(first.name): POST /v1/apps/\(Story.acme)/access → lease for \(Show.seconds(lease.body["expires_in"])), token: "
                + "\(lease.body["access_token"] == .null ? "not shown" : "shown")")
        let message: JSON = ["channel": "C024BE91L", "text": "Ticket 4711 was answered"]
        let posted = try first.call("POST", gateway + "chat.postMessage", message, on: stage)
        try expect(200, posted, "the message is posted")
        stage.show("\(first.name): POST \(gateway)chat.postMessage → ok \(Show.cell(posted.body["ok"]))")
        let refused = try first.call("POST", gateway + "users.list", [:], on: stage)
        stage.show(
            "\(first.name): POST \(gateway)users.list → \(refused.status) \(Show.cell(refused.body["code"])), since the grant has one method"
        )
        try stage.postern(["lease", "list"])
    }

    private func rotate() throws(Failure) {
        try stage.postern(
            ["secret", "rotate", Story.acme, "signing_secret", "-", "--grace", "24h", "--yes"],
            input: "a-new-signing-secret-for-the-demo\n")
        for (query, what) in [("", "the new one"), ("?version=1", "the old one, by its number")] {
            let answer = try first.call("GET", "/v1/apps/\(Story.acme)/secrets/signing_secret\(query)", on: stage)
            try expect(200, answer, "\(first.name) reads \(what)")
            stage.show(
                "\(first.name): reads \(what): version \(Show.cell(answer.body["version"])), \(Show.cell(answer.body["state"]))"
            )
        }
    }

    private func audit() throws(Failure) {
        try stage.postern(["audit", "list", "--limit", "8"])
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
    private func expect(_ status: Int, _ answer: (status: Int, body: JSON), _ what: String) throws(Failure) {
        guard answer.status == status else {
            throw Failure.error("\(what): expected \(status), got \(answer.status) \(Show.cell(answer.body["detail"]))")
        }
    }

    private func simulator(_ method: String, _ path: String, _ body: JSON) throws(Failure) -> JSON {
        var request = HTTPClient.Request(method, slack + path)
        request.headers = [HTTPClient.Header("Content-Type", "application/json")]
        request.body = body.compact()
        do {
            let answer = try HTTPClient().perform(request)
            guard answer.status < 300, let json = JSON(parsing: answer.body) else {
                throw Failure.error("the simulated Slack answered \(answer.status)")
            }
            return json
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.error("the simulated Slack does not answer")
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

import Glibc
import Linux
import Testing
import VendorSDK

@testable import postern_sim

/// Files on their way into a vault; removed with this value.
private final class Plain {
    let folder: String

    init() throws {
        var template = Array("/tmp/postern-import-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        folder = unsafe template.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
    }

    deinit { _ = try? Shell.run("/bin/rm", ["-rf", folder]) }

    func file(_ name: String, _ text: String) throws -> String {
        let path = "\(folder)/\(name)"
        try FileDescriptor.open(path, .write, creating: 0o600).write(Array(text.utf8))
        return path
    }

    /// A store made by slack_sdk itself.
    func store(_ kind: String) throws -> String {
        let path = "\(folder)/\(kind)"
        let made = try PythonSDK.run(
            [
                "-I", PythonSDK.file("Python/slack_sdk_stores.py"), try PythonSDK.slack.packages(), kind, path,
            ], environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"])
        try #require(made.ending == .exited(0), "\(made.said)")
        return path
    }
}

extension Stand {
    fileprivate func reveal(_ app: String, _ kind: String, installation: Int64? = nil) throws -> String? {
        var body: [String: JSON] = ["reason": "a test"]
        if let installation { body["installation"] = .integer(installation) }
        return try must("POST", "apps/\(app)/secrets/\(kind)/reveal", .object(body))["value"]?.text
    }

    /// The installations of an app by team or organisation and person.
    fileprivate func places(_ app: String) throws -> [String: (id: Int64, row: JSON)] {
        guard case .array(let rows)? = try must("GET", "installations?app=\(app)")["installations"] else { return [:] }
        var found: [String: (Int64, JSON)] = [:]
        for row in rows {
            guard case .integer(let id)? = row["id"] else { continue }
            let team = row["team_id"]?.text ?? ""
            let place = team.isEmpty ? row["enterprise_id"]?.text ?? "" : team
            found[place + (row["user_id"]?.text ?? "")] = (id, row)
        }
        return found
    }
}

@Suite struct `Credentials in plain files` {
    private static let dotenv = """
        # the bridge of Acme
        PORT=3000
        export SLACK_APP_ID=A0123456789
        SLACK_SIGNING_SECRET='0123456789abcdef0123456789abcdef'  # a comment
        SLACK_CLIENT_SECRET="fake\\tclient \\"secret\\"\\nof two lines"
        LARK_APP_ID=cli_fake0000000001
        LARK_APP_SECRET=fakefakefakefakefakefakefakefake
        LARK_ENCRYPT_KEY=`fake
        key`
        NOTHING=
        BOT=xoxb-1234567890-1234567890123-fakefakefakefakefakefake
        """

    @Test func `of a bridge's environment are shown, stored, found again and taken out`() throws {
        let stand = try Stand().start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        let plain = try Plain()
        let path = try plain.file(".env", Self.dotenv)
        let words = [
            "import", "auto", path, "--tenant", "acme", "--map", "BOT=slack.bot_token", "--no-verify", "--as-is",
        ]
        let check = try stand.postern(words + ["--check"])
        #expect(check.code == 12, "\(check.all)")
        #expect(check.out.contains("lark/cli_fake0000000001") && check.out.contains("encrypt_key"), "\(check.all)")
        #expect(check.error.contains("PORT"), "\(check.all)")
        #expect(try stand.must("GET", "apps")["apps"] == .array([]))
        let asked = try stand.postern(words)
        #expect(asked.code == 2 && asked.error.contains("--yes"), "\(asked.all)")
        let done = try stand.postern(words + ["--yes"])
        #expect(done.code == 0, "\(done.all)")
        for said in [check, asked, done] {
            for secret in ["0123456789abcdef", "xoxb-", "fakefakefake", "two lines"] {
                #expect(!said.all.contains(secret), "\(said.all)")
            }
        }
        #expect(try stand.reveal("slack/A0123456789", "signing_secret") == "0123456789abcdef0123456789abcdef")
        #expect(try stand.reveal("slack/A0123456789", "client_secret") == "fake\tclient \"secret\"\nof two lines")
        #expect(try stand.reveal("slack/A0123456789", "bot_token")?.hasSuffix("-fakefakefakefakefakefake") == true)
        #expect(try stand.reveal("lark/cli_fake0000000001", "encrypt_key") == "fake\nkey")
        let head = try stand.must("GET", "apps/slack/A0123456789")["secrets"]
        let again = try stand.postern(words + ["--yes", "--remove-source"])
        #expect(again.code == 0 && again.out.contains("there already"), "\(again.all)")
        #expect(try stand.must("GET", "apps/slack/A0123456789")["secrets"] == head)
        #expect(Shell.text(of: path) == "# the bridge of Acme\nPORT=3000\nNOTHING=\n")
    }

    @Test func `are brought in as README says`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish()
        let plain = try Plain()
        let path = try plain.file(
            ".env", "SLACK_CLIENT_SECRET=\(planted.clientSecret)\nBOT=\(try #require(planted.botToken))\n")
        let programs = Program.sibling("postern").split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let script = """
            set -e
            cd "\(plain.folder)"
            export PATH="\(programs):$PATH" POSTERN_DATA_DIR="\(stand.path)" HOME=/none APP=\(Stand.appID)
            \(try Readme.block("import"))
            """
        let run = try Shell.run("/bin/sh", ["-c", script])
        #expect(run.ending == .exited(0), "\(run.output)")
        #expect(run.output.contains("there already") && !run.output.contains(planted.clientSecret), "\(run.output)")
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func `that differ from the vault's stop the import, and what was replaced since is left alone`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let plain = try Plain()
        func words(_ secret: String) throws -> [String] {
            let path = try plain.file("\(secret.suffix(1)).env", "SLACK_SIGNING_SECRET=\(secret)\n")
            return ["import", "env", path, "--tenant", "acme", "--app", Stand.app, "--no-verify", "--yes"]
        }
        let one = String(repeating: "1", count: 32)
        let two = String(repeating: "2", count: 32)
        let before = try stand.reveal(Stand.app, "signing_secret")
        let refused = try stand.postern(try words(one))
        #expect(refused.code == 6, "\(refused.all)")
        #expect(try stand.reveal(Stand.app, "signing_secret") == before)
        #expect(try stand.postern(try words(one) + ["--replace"]).code == 0)
        #expect(try stand.postern(try words(two) + ["--replace"]).code == 0)
        let older = try stand.postern(try words(one) + ["--replace"])
        #expect(older.code == 0 && older.out.contains("the vault has a newer one"), "\(older.all)")
        #expect(try stand.reveal(Stand.app, "signing_secret") == two)
    }

    @Test(
        .disabled(if: PythonSDK.isOffline, "POSTERN_TEST_OFFLINE is set: pip cannot fetch slack_sdk"),
        arguments: ["sqlite", "sqlite-wal", "files"])
    func `of slack_sdk's stores become installations`(_ kind: String) throws {
        let stand = try Stand().start()
        try stand.furnish()
        let plain = try Plain()
        let path = try plain.store(kind)
        let before = try Shell.run("/usr/bin/find", [plain.folder, "-type", "f"]).output
        let words = ["import", "auto", path, "--tenant", "acme", "--no-verify"]
        // The copies are made here, so that those of other tests are not in sight.
        let memory = "/dev/shm/postern-test-\(UInt64.random(in: 0 ..< .max))"
        try Directory.makeNew(memory, mode: 0o700)
        defer { try? Directory.removeEmpty(memory) }
        let check = try stand.postern(words + ["--check"], environment: ["XDG_RUNTIME_DIR=\(memory)"])
        #expect(try Shell.run("/usr/bin/find", [memory, "-mindepth", "1"]).output.isEmpty)
        #expect(check.code == 12 && check.out.contains("T0FAKEBETA"), "\(check.all)")
        #expect(check.error.contains("has ended"), "\(check.all)")
        // Looking changes nothing of the store.
        #expect(try Shell.run("/usr/bin/find", [plain.folder, "-type", "f"]).output == before)
        let done = try stand.postern(words + ["--yes"])
        #expect(done.code == 0, "\(done.all)")
        #expect(!(check.all + done.all).contains("fake-"), "\(check.all) \(done.all)")
        let places = try stand.places(Stand.app)
        #expect(
            Set(places.keys) == ["T0FAKEBETA", "T0FAKEGAMMA", "T0FAKEGAMMAU0FAKEGUS", "E0FAKEORG"], "\(places.keys)")
        for (place, tokenKind, token) in [
            ("T0FAKEBETA", "bot_token", "xoxe.xoxb-fake-beta-new"), ("T0FAKEGAMMA", "bot_token", "xoxb-fake-gamma"),
            ("T0FAKEGAMMAU0FAKEGUS", "user_token", "xoxp-fake-gus"), ("E0FAKEORG", "bot_token", "xoxb-fake-org"),
            ("T0FAKEBETA", "webhook_url", "https://hooks.example/fake-beta-new"),
        ] {
            let id = try #require(places[place]?.id)
            #expect(try stand.reveal(Stand.app, tokenKind, installation: id) == token)
        }
        guard case .array(let legs)? = places["T0FAKEBETA"]?.row["legs"] else { return }
        #expect(legs.first?["expires_at"]?.text != nil)
        let again = try stand.postern(words + ["--check"])
        #expect(again.code == 0, "\(again.all)")
        let removed = try stand.postern(words + ["--yes", "--remove-source"])
        #expect(removed.code == 0, "\(removed.all)")
        #expect(try Shell.run("/usr/bin/find", [plain.folder, "-type", "f"]).output.isEmpty)
    }

    @Test func `of the Genesys blueprint become its two apps`() throws {
        let stand = try Stand().start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        let plain = try Plain()
        let path = try plain.file(
            "common-variables.js",
            """
            module.exports = {
                // Genesys Cloud Client Credentials OAuth
                clientId: "fa4e0000-0000-4000-8000-000000000001",
                clientSecret: 'fakefakefakefakefakefakefakefakefakefakefak',
                open_messaging_secret_token: "fake-secret-\\u0074oken",
                open_messaging_direct_messaging_id: "fa4e0000-0000-4000-8000-00000000000a",
                open_messaging_app_mention_id: "fa4e0000-0000-4000-8000-00000000000b",
                /* Slack */
                app_verification_token: "fakefakefakefakefakefake",
                slack_bearer_token: "xoxb-1234567890-1234567890123-fakefakefakefakefakefake",
                slack_app_mention_channel: "C0FAKE00001",
            };
            """)
        let words = ["import", "auto", path, "--tenant", "acme", "--app", "slack/A0FAKE0001", "--no-verify", "--yes"]
        let lacking = try stand.postern(words)
        #expect(lacking.code == 2 && lacking.error.contains("--field region="), "\(lacking.all)")
        let done = try stand.postern(words + ["--field", "region=mypurecloud.ie", "--remove-source"])
        #expect(done.code == 0 && done.error.contains("signing_secret"), "\(done.all)")
        #expect(
            try stand.reveal("genesys/fa4e0000-0000-4000-8000-000000000001", "webhook_secret") == "fake-secret-token")
        let fields = try stand.must("GET", "apps/genesys/fa4e0000-0000-4000-8000-000000000001")["fields"]
        #expect(
            fields?["integration_ids"]?.text
                == "fa4e0000-0000-4000-8000-00000000000a,fa4e0000-0000-4000-8000-00000000000b")
        #expect(try stand.must("GET", "apps/slack/A0FAKE0001")["fields"]?["channel_id"]?.text == "C0FAKE00001")
        #expect(!Shell.exists(path) && Shell.bytes(of: path).isEmpty)
    }

    @Test func `that another tenant has are refused, and nothing is stored of the app that failed`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish()
        try stand.must("POST", "tenants", ["slug": "beta", "name": "Beta"])
        let plain = try Plain()
        let path = try plain.file(
            "creds.json",
            """
            [{"profile": "lark", "app_id": "cli_fake0000000001", "app_secret": "fakefakefakefakefakefakefakefake"},
             {"profile": "slack", "app_id": "\(Stand.appID)", "signing_secret": "\(String(repeating: "1", count: 32))"}]
            """)
        let run = try stand.postern(["import", "json", path, "--tenant", "beta", "--no-verify", "--yes"])
        #expect(run.code == 6 && run.error.contains("stored: lark/cli_fake0000000001"), "\(run.all)")
        guard case .array(let apps)? = try stand.must("GET", "apps?tenant=beta")["apps"] else {
            throw SystemError("apps", EINVAL)
        }
        #expect(apps.map { $0["platform"]?.text } == ["lark"])
        #expect(try stand.reveal(Stand.app, "signing_secret") == planted.signingSecret)
    }
}

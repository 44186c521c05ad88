import Rules
import Testing

@Suite struct `An answer of the daemon` {
    static let app = """
        {"schema":1,"platform":"slack","app_id":"A0123456789","tenant":"acme","profile":"alibaba-slack",\
        "state":"active","claim":"proven","fields":{"workspace_name":"株式会社アクメ","client_id":"1.2"},\
        "redirect_uris":["https://x.example/cb"],"created_at":"2026-11-20T10:00:00.123Z",\
        "secrets":[{"kind":"signing_secret","version":2,"state":"current","length":32,"fingerprint":"5b0c",\
        "created_at":"2026-11-20T10:00:00Z"}]}
        """

    @Test func `is shown in aligned columns, wide characters included`() throws {
        let admin = try FakeAdmin([
            "GET tenants": (
                200,
                """
                {"tenants":[{"slug":"acme","name":"株式会社","state":"active","apps":2,"created_at":"2026-11-20T10:00:00Z"},
                {"slug":"b","name":"Béta\\u001b[31m","state":"suspended","apps":10,"created_at":null}]}
                """
            )
        ])
        let run = try Run(["tenant", "list"], at: admin)
        #expect(
            run.out == """
                SLUG  NAME       STATE      APPS  CREATED
                acme  株式会社   active        2  2026-11-20 10:00:00Z
                b     Béta?[31m  suspended    10  -

                """)
        #expect(run.error.isEmpty)
    }

    @Test func `has what is read whole below its row where the terminal is narrow, and nothing cut`() throws {
        let grant = """
            {"id":13,"service":"bridge","pattern":"acme/slack/A0123456789","max_ttl":600,"max_age":86400,"bind":"service",
            "actions":["secret:read:signing_secret","access:bot"],"methods":["auth.test","chat.postMessage"],"scope":[]}
            """
        let admin = try FakeAdmin(["GET grants": (200, #"{"grants":[\#(grant)]}"#)])
        let narrow = try Run(["grant", "list"], at: admin, environment: ["COLUMNS": "70"])
        let lines = narrow.out.split(separator: "\n")
        #expect(lines.count >= 3 && lines.allSatisfy { $0.count <= 70 }, "\(narrow.out)")
        #expect(!lines[0].contains("ACTIONS") && !narrow.out.contains("…"), "\(narrow.out)")
        #expect(
            narrow.out.contains("    actions: secret:read:signing_secret access:bot\n    methods: "), "\(narrow.out)")
        let wide = try Run(["grant", "list"], at: admin, environment: ["COLUMNS": "200"])
        #expect(wide.out.contains("ACTIONS") && wide.out.split(separator: "\n").count == 2, "\(wide.out)")
    }

    @Test func `says of no lease that has ended that it has time left`() throws {
        func lease(_ id: String, _ state: String) -> String {
            """
            {"lease_id":"ls_\(id)","service":"bridge","platform":"slack","app_id":"A0123456789","as":"bot",\
            "deliver":"tcp","state":"\(state)","expires_in":299,"methods":["auth.test"],"scope":[]}
            """
        }
        let admin = try FakeAdmin([
            "GET leases": (200, "{\"leases\":[\(lease("a", "live")),\(lease("b", "revoked"))],\"live\":1}")
        ])
        let all = try Run(["lease", "list", "--state", "all"], at: admin)
        #expect(
            all.out == """
                LEASE  SERVICE  APP                AS   DELIVER  STATE      LEFT  METHODS    SCOPE
                ls_a   bridge   slack/A0123456789  bot  tcp      live     4m 59s  auth.test  -
                ls_b   bridge   slack/A0123456789  bot  tcp      revoked       -  auth.test  -

                """, "\(all.out)\(all.error)")
        // Where only live ones are asked for, nobody needs to be told.
        #expect(
            try Run(["lease", "list"], at: admin).out.hasPrefix(
                "LEASE  SERVICE  APP                AS   DELIVER    LEFT"))
    }

    @Test func `comes as JSON with the same structure and keys in order`() throws {
        let admin = try FakeAdmin(["GET apps/slack/A0123456789": (200, Self.app)])
        let run = try Run(["app", "show", "slack/A0123456789", "-o", "json"], at: admin)
        #expect(run.code == 0)
        let keys = run.out.split(separator: "\n").filter { $0.hasPrefix("  \"") }.compactMap {
            $0.split(separator: "\"").dropFirst().first
        }
        #expect(keys == keys.sorted())
        let sent = try Run(program: "/usr/bin/python3", ["-c", same], input: Self.app + "\n\u{1}" + run.out)
        #expect(sent.out == "True\n", "\(sent.error)")
    }

    private let same = "import json,sys; a,b=sys.stdin.read().split('\\x01'); print(json.loads(a)==json.loads(b))"

    @Test(arguments: Problem.Code.allCases)
    func `that refuses gives its exit code, says why and what to do`(_ code: Problem.Code) throws {
        let admin = try FakeAdmin(["GET tenants": (code.status, problem(code.rawValue, code.status))])
        let run = try Run(["tenant", "list"], at: admin)
        #expect(run.code == code.exitCode)
        #expect(run.error == "postern: our words\n  next: do this\n  request id: 01JREQUEST\n")
        #expect(run.out.isEmpty)
        let json = try Run(["tenant", "list", "-o", "json"], at: admin)
        #expect(json.code == code.exitCode)
        #expect(json.out.isEmpty)
        for part in [
            "\"code\": \"\(code.rawValue)\"", "\"exit_code\": \(code.exitCode)", "\"request_id\": \"01JREQUEST\"",
        ] {
            #expect(json.error.contains(part))
        }
    }

    @Test(arguments: [
        ("<html>hello</html>", 200), ("<html>hello</html>", 500), ("[1", 200), ("\"text\"", 404),
    ])
    func `that is none of Postern's is an error`(_ body: String, _ status: Int) throws {
        let run = try Run(["tenant", "list"], at: FakeAdmin(["GET tenants": (status, body)]))
        #expect(run.code == 1)
        #expect(run.error.contains("is not a Postern daemon (HTTP \(status))"))
    }

    @Test(arguments: [("ok", 0), ("degraded", 1), ("sealed", 3), ("strange", 1)] as [(String, Int32)])
    func `about its state sets the exit code`(_ state: String, _ code: Int32) throws {
        let answer = """
            {"status":"\(state)","version":"0.1.0","vault_id":"v1","started_at":"2026-11-20T10:00:00Z",\
            "uptime_seconds":3725,"root_key":"file","counts":{"tenants":1,"apps":2},"audit":{"records":7},\
            "courier":{"running":true,"pid":12},"warnings":["look here"]}
            """
        let run = try Run(["status"], at: FakeAdmin(["GET status": (200, answer)]))
        #expect(run.code == code)
        #expect(run.out.hasPrefix("\(state)  postern 0.1.0\nup       1h 2m, since 2026-11-20 10:00:00Z\n"))
        #expect(run.out.contains("1 tenant, 2 apps"))
        #expect(run.error == "warning: look here\n")
        #expect(try Run(["status", "-o", "json"], at: FakeAdmin(["GET status": (200, answer)])).code == code)
    }

    @Test func `that allows or denies sets the exit code of can`() throws {
        let yes = #"{"allowed":true,"rule":"grant","explanation":"grant 3 allows it","grant_id":3}"#
        let no = #"{"allowed":false,"rule":"no_grant","explanation":"no grant","suggestion":"postern grant add b x"}"#
        let words = ["can", "bridge", "secret:read:signing_secret", "slack/A1"]
        let admin = try FakeAdmin(["GET can": (200, yes)])
        #expect(try Run(words, at: admin).code == 0)
        #expect(
            admin.calls.map(\.target) == ["can?service=bridge&action=secret%3Aread%3Asigning_secret&app=slack%2FA1"])
        let denied = try Run(words, at: FakeAdmin(["GET can": (200, no)]))
        #expect(denied.code == 4)
        #expect(denied.out == "denied: no grant\nto allow it: postern grant add b x\n")
    }

    @Test func `about a damaged log ends with 11 and names the record`() throws {
        let bad =
            #"{"ok":false,"records":9,"checkpoints":1,"head":"ab","first_bad":{"seq":4,"damage":"hash"},"public_key":"pk"}"#
        let run = try Run(["audit", "verify"], at: FakeAdmin(["GET audit/verify": (200, bad)]))
        #expect(run.code == 11)
        #expect(run.out.hasPrefix("failed: record 4: hash\n"))
    }

    @Test func `about checks that failed ends with 8`() throws {
        let checks =
            #"{"checks":[{"name":"token","result":"passed"},{"name":"team","result":"failed","compared":"a, b","advice":"look"}]}"#
        let run = try Run(["app", "verify", "slack/A1"], at: FakeAdmin(["POST apps/slack/A1/verify": (200, checks)]))
        #expect(run.code == 8)
        #expect(run.out == "passed        token\nfailed        team\n              a, b\n              next: look\n")
    }

    @Test func `is missed when nobody listens, with what to do`() throws {
        let directory = try temporaryDirectory()
        let run = try Run(["status", "--data-dir", directory])
        #expect(run.code == 1)
        #expect(run.error.contains("no socket at \(directory)/run/admin.sock"))
        #expect(run.error.contains("POSTERN_ADMIN_SOCKET"))
        let file = try Run(["status", "--socket", "/etc/passwd", "-o", "json"])
        #expect(file.error.contains("is not a socket"))
        #expect(file.error.contains("\"code\": \"no_daemon\""))
    }
}

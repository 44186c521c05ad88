import Testing

@Suite struct `A command line` {
    @Test(
        arguments: [
            (["tennant", "list"], "did you mean postern tenant?"),
            (["tenant", "lst"], "did you mean postern tenant list?"),
            (["rotate"], "did you mean postern secret rotate?"),
            (["tenant", "list", "--ouput", "json"], "did you mean --output?"),
            (["app", "list", "--tennant", "x"], "did you mean --tenant?"),
            (["app", "show", "slakc/A0123456789"], "did you mean slack/A0123456789?"),
            (["app", "show", "acme/slack/A1"], "write slack/A1"),
            (["secret", "history", "slack/A1", "signing-secret"], "did you mean signing_secret?"),
            (["grant", "add", "b", "slack/A1", "--action", "webhook:verify"], "write tenant/platform/app_id"),
            (["grant", "add", "b", "*/slack/A*", "--action", "webhook:verify"], "whole segment"),
            (["grant", "add", "b", "*/slack/*", "--action", "webhook:verfy"], "did you mean webhook:verify?"),
            (["grant", "add", "b", "*/slack/*", "--action", "access:bot", "--max-ttl", "10"], "90s, 15m, 24h or 7d"),
            (["grant", "add", "b", "*/slack/*", "--action", "access:bot", "--max-ttl", "2h"], "at most 1h"),
            (["service", "add", "b", "--selector", "exe:/bin/x"], "add one of user:, uid: or unit:"),
            (["service", "add", "b", "--selector", "1001"], "write KIND:VALUE"),
            (["service", "add", "Bridge", "--selector", "uid:1"], "a-z, 0-9 and -"),
            (["role", "add", "uid:1", "auditr"], "did you mean auditor?"),
            (["can", "b", "secret:read:bot_tokn", "slack/A1"], "did you mean secret:read:bot_token?"),
            (["audit", "list", "--limit", "0"], "whole number from 1"),
            (["audit", "list", "--since", "yesterday"], "2026-11-20T10:00:00Z"),
            (["tenant", "show"], "SLUG is missing"),
            (["tenant", "show", "a", "b"], "too many arguments"),
            (["app", "add", "--profile", "slack"], "--tenant is missing"),
            (["app", "add", "--tenant", "a", "--tenant", "b", "--profile", "slack"], "given twice"),
            (["tenant", "list", "--yes=1"], "takes no value"), (["tenant", "list", "-o"], "needs a value"),
            (["tenant", "list", "-x"], "no option -x"), (["tenant"], "needs a command: add, list, show"),
            ([], "needs a command"),
            (["tenant", "list", "--grace", "1h"], "not an option of postern tenant list"),
            (["tenant", "list", "-o", "yaml"], "table, json"), (["tenant", "list", "--timeout", "30"], "30s or 2m"),
        ] as [([String], String)])
    func `that cannot be meant is refused with what to do, and exit 2`(_ words: [String], _ hint: String) throws {
        let admin = try FakeAdmin()
        let run = try Run(words, at: admin)
        #expect(run.code == 2)
        #expect(run.error.contains(hint), "\(run.error)")
        #expect(run.out.isEmpty)
        #expect(admin.calls.isEmpty)
    }

    @Test(arguments: [
        ["app", "list", "--tenant", "acme", "-o", "json"], ["-o", "json", "app", "list", "--tenant=acme"],
        ["--tenant", "acme", "app", "-ojson", "list"], ["app", "--output=json", "list", "--tenant=acme", "--"],
    ])
    func `takes options anywhere`(_ words: [String]) throws {
        let admin = try FakeAdmin(["GET apps": (200, #"{"apps":[]}"#)])
        let run = try Run(words, at: admin)
        #expect(run.code == 0, "\(run.error)")
        #expect(run.out == "{\n  \"apps\": []\n}\n")
        #expect(admin.calls.map(\.target) == ["apps?tenant=acme"])
    }

    @Test func `keeps words after -- as they are`() throws {
        let run = try Run(["why", "--", "--help"], at: FakeAdmin())
        #expect(run.code == 5)
    }

    @Test func `leaves another program's words to it`() throws {
        let words = ["--prefix=xoxb-", "https://hooks.slack.com/services/T/B/x"]
        let run = try Run(
            ["run", "--app", "slack/A1", "--env", "S=signing_secret", "--check", "--", "true"] + words, at: FakeAdmin())
        #expect(run.code == 12, "\(run.error)")
    }

    @Test(arguments: [
        ["secret", "set", "slack/A1", "signing_secret", "f00dfeed-not-shown"],
        ["secret", "rotate", "slack/A1", "signing_secret", "f00dfeed-not-shown", "--yes"],
        ["secret", "set", "slack/A1", "signing_secret", "--value", "f00dfeed-not-shown"],
        ["secret", "set", "slack/A1", "signing_secret", "--signing-secret=f00dfeed-not-shown"],
        ["secret", "set", "slack/A1", "bot_token", "xoxb-1-f00dfeed-not-shown"],
        ["secret", "set", "slack/A1", "bot_token", "--", "xoxb-1-f00dfeed-not-shown"],
        ["--", "xoxb-1-f00dfeed-not-shown"],
        ["run", "--app", "slack/A1", "--env", "S=xoxb-1-f00dfeed-not-shown", "--", "true"],
        ["app", "add", "--tenant", "a", "--profile", "slack", "--field", "client_secret=f00dfeed-not-shown"],
        ["app", "add", "--tenant", "a", "--profile", "slack", "--field", "workspace_name=xoxb-f00dfeed-not-shown"],
        ["tenant", "add", "a", "--name", "https://hooks.slack.com/services/T/B/f00dfeed-not-shown"],
        ["secret", "set", "slack/A1", "signing_secret", "-", "f00dfeed-not-shown"],
    ])
    func `with a secret in it is refused, and the secret not repeated`(_ words: [String]) throws {
        let admin = try FakeAdmin()
        let run = try Run(words, at: admin, input: "x")
        #expect(run.code == 2)
        #expect(!(run.out + run.error).contains("not-shown"))
        #expect(run.error.contains("refused") || run.error.contains("too many arguments"))
        #expect(admin.calls.isEmpty)
    }
}

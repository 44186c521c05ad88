import Testing

@Suite struct `A change` {
    static let lists: [String: (Int, String)] = [
        "GET tenants/acme": (200, #"{"slug":"acme","state":"active"}"#),
        "GET tenants/idle": (200, #"{"slug":"idle","state":"suspended"}"#),
        "GET apps": (200, #"{"apps":[{"platform":"slack","app_id":"A1","tenant":"acme"}]}"#),
        "GET apps/slack/A1": (200, #"{"platform":"slack","app_id":"A1","tenant":"acme","state":"active"}"#),
        "GET installations": (200, #"{"installations":[{"id":"i1"}]}"#),
        "GET services/bridge": (200, #"{"name":"bridge","state":"active"}"#),
        "GET grants": (
            200,
            #"{"grants":[{"id":3,"service":"bridge","pattern":"acme/slack/*","actions":["secret:read:signing_secret"]}]}"#
        ),
        "GET roles": (200, #"{"roles":[{"id":2,"selector":"uid:1000","role":"admin"}]}"#),
        "GET leases": (
            200,
            #"{"leases":[{"lease_id":"L1","service":"bridge","platform":"slack","app_id":"A1","as":"bot","state":"live","expires_in":60}]}"#
        ),
        "GET leases/L1": (
            200,
            #"{"lease_id":"L1","service":"bridge","platform":"slack","app_id":"A1","as":"bot","state":"live","expires_in":60}"#
        ),
        "POST leases/revoke": (200, #"{"leases_revoked":1}"#),
        "GET apps/slack/A1/secrets/signing_secret/versions": (
            200,
            #"{"versions":[{"version":2,"state":"current"},{"version":1,"state":"previous","ends_in":90}]}"#
        ),
        "POST tenants/acme/suspend": (200, "{}"), "POST apps/slack/A1/suspend": (200, "{}"),
        "POST services/bridge/suspend": (200, "{}"), "DELETE services/bridge": (204, ""), "DELETE grants/3": (204, ""),
        "DELETE roles/2": (204, ""), "DELETE leases/L1": (204, ""),
        "POST apps/slack/A1/secrets/signing_secret/rotate": (
            200,
            #"{"kind":"signing_secret","version":3,"length":5,"fingerprint":"ff","previous":{"version":2,"ends_at":"2026-11-21T10:00:00Z","ends_in":86400}}"#
        ),
    ]

    static let destructive: [([String], [String])] = [
        (["tenant", "suspend", "acme"], ["suspend the tenant acme", "slack/A1 can no longer", "lease L1 of bridge"]),
        (["app", "suspend", "slack/A1"], ["suspend slack/A1", "1 installation", "lease L1"]),
        (["service", "suspend", "bridge"], ["suspend the service bridge", "lease L1"]),
        (["service", "remove", "bridge"], ["with 1 grant", "grant 3 on acme/slack/*", "lease L1"]),
        (["grant", "remove", "3"], ["take from bridge: secret:read:signing_secret", "lease L1"]),
        (["role", "remove", "2"], ["remove uid:1000 as admin", "no admin but root is left"]),
        (["lease", "revoke", "L1"], ["end the lease of bridge for slack/A1", "1m left"]),
        (["lease", "revoke", "--app", "slack/A1"], ["end all leases of the app slack/A1", "lease L1 of bridge"]),
        (["lease", "revoke", "--service", "bridge"], ["end all leases of the service bridge", "lease L1 of bridge"]),
        (["lease", "revoke", "--tenant", "acme"], ["end all leases of the tenant acme", "lease L1 of bridge"]),
        (
            ["secret", "rotate", "slack/A1", "signing_secret", "-", "--grace", "0s"],
            [
                "version 2 (current) is destroyed now", "version 1 (previous, 1m 30s left) ends",
                "services that read it: bridge",
            ]
        ),
    ]

    @Test(arguments: destructive)
    func `that takes something away shows its reach and needs a yes`(_ words: [String], _ reach: [String]) throws {
        let admin = try FakeAdmin(Self.lists)
        let asked = try Run(words, at: admin, input: "value")
        #expect(asked.code == 2)
        for part in reach + ["--yes"] { #expect(asked.error.contains(part), "\(asked.error)") }
        #expect(admin.changes.isEmpty)
        let done = try Run(words + ["--yes"], at: admin, input: "value")
        #expect(done.code == 0, "\(done.error)")
        #expect(admin.changes.count == 1)
    }

    @Test(arguments: destructive)
    func `is only shown under --check, with exit 12`(_ words: [String], _ reach: [String]) throws {
        let admin = try FakeAdmin(Self.lists)
        let run = try Run(words + ["--check"], at: admin)
        #expect(run.code == 12)
        for part in reach { #expect(run.out.contains(part), "\(run.out)") }
        let json = try Run(words + ["--check", "-o", "json"], at: admin)
        #expect(json.code == 12)
        #expect(json.out.contains("\"would_change\": true"))
        #expect(admin.changes.isEmpty)
    }

    @Test(arguments: [
        ["tenant", "add", "new"], ["service", "add", "new", "--selector", "uid:1"],
        ["grant", "add", "bridge", "*/slack/*", "--action", "webhook:verify"], ["role", "add", "uid:5", "auditor"],
        ["secret", "set", "slack/A1", "signing_secret", "-"], ["tenant", "resume", "idle"],
        ["secret", "rotate", "slack/A1", "signing_secret", "-", "--grace", "24h"],
        ["app", "add", "--tenant", "acme", "--profile", "slack", "--app-id", "A7654321", "--from-file", "-"],
    ])
    func `that only adds is shown under --check, too`(_ words: [String]) throws {
        let admin = try FakeAdmin(Self.lists)
        let run = try Run(
            words + ["--check"], at: admin, input: #"{"signing_secret":"0123456789abcdef0123456789abcdef"}"#)
        #expect(run.code == 12, "\(run.error)")
        #expect(run.out.hasPrefix("would "))
        #expect(admin.changes.isEmpty)
    }

    @Test func `that rotates with a grace asks nobody, so that a pipe can do it`() throws {
        let admin = try FakeAdmin(Self.lists)
        let words = ["secret", "rotate", "slack/A1", "signing_secret", "-", "--grace", "24h"]
        let run = try Run(words, at: admin, input: "value")
        #expect(run.code == 0, "\(run.error)")
        #expect(admin.changes.map(\.body) == [#"{"grace_seconds":86400,"value":"value"}"#])
    }

    @Test(arguments: [["tenant", "suspend", "idle"], ["tenant", "resume", "acme"], ["service", "resume", "bridge"]])
    func `that is already so would change nothing`(_ words: [String]) throws {
        let run = try Run(words + ["--check"], at: FakeAdmin(Self.lists))
        #expect(run.code == 0)
        #expect(run.error == "nothing would change\n")
    }

    @Test func `of something that is not there ends with 5`() throws {
        for words in [["grant", "remove", "9"], ["role", "remove", "9"], ["lease", "revoke", "L9"]] {
            #expect(try Run(words + ["--check"], at: FakeAdmin(Self.lists)).code == 5)
        }
    }
}

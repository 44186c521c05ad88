import Linux

/// What goes on once customers and bridges are there.
extension Story {
    /// One lease and one message a platform. A token that is made from the app's own credentials is asked for once.
    func sendMessages() throws(Failure) {
        for customer in Customer.all {
            let integration = registered[customer.slug]?["integration_ids"]?.text?.prefix { $0 != "," } ?? ""
            let (path, body) = customer.message(integration: String(integration))
            let lease = try bridge.call(
                "POST", "/v1/apps/\(customer.app)/access",
                ["as": .string(customer.leg), "methods": .array([.string(customer.method)]), "ttl": 300], on: stage)
            try expect(201, lease, "\(bridge.name) gets a lease for \(customer.app)")
            let gateway = Show.cell(lease.body["gateway"])
            let token = lease.body["access_token"] == .null ? "no token in it" : "with a token"
            stage.show(
                "\(customer.platform): a lease as \(customer.leg), \(token); POST \(gateway)\(path.prefix { $0 != "?" })"
            )
            let sent = try bridge.call("POST", gateway + path, body, on: stage)
            try expect(200, sent, "the message at \(customer.platform)")
            guard customer.slug == "acme" else { continue }
            let refused = try bridge.call("POST", gateway + "users.list", [:], on: stage)
            stage.show(
                "slack: POST \(gateway)users.list → \(refused.status) \(Show.cell(refused.body["code"])), since the grant has one method"
            )
        }
        let posted = try platforms.control("GET", "messages")["messages"]?.items.count ?? 0
        let minted = try platforms.count("auth.v3.tenant_access_token.internal", of: "lark")
        stage.show(
            "the platforms got \(posted) messages; Lark was asked for a token \(times(minted)), to verify and to send")
        try stage.postern(["lease", "list"])
    }

    /// A person's token at Lark, made to end after a second.
    func outlive() throws(Failure) {
        let globex = Customer.globex
        let call = "authen.v2.oauth.token"
        try platforms.control(
            "POST", "faults", ["match": .string("lark:\(call)"), "fault": "edit:set:expires_in=1", "times": 1])
        try approve(globex, ["contact:user.base:readonly", "offline_access"])
        Descriptor.waitMilliseconds(1100)
        let (good, tokens) = try bridge.crowd(
            50, "/v1/apps/\(globex.app)/access", ["as": "user", "deliver": "token"], on: stage)
        let refreshes = try platforms.count(call, of: "lark") - 1
        stage.show(
            "50 callers after its end: \(good) good answers, \(tokens) token; Lark was asked to refresh \(times(refreshes))"
        )
        guard good == 50, tokens == 1, refreshes == 1 else { throw Failure.error("that is not what should happen") }
        try stage.postern(["installation", "list", globex.app])
    }

    func rotate() throws(Failure) {
        let acme = Customer.acme.app
        try stage.postern(
            ["secret", "rotate", acme, "signing_secret", "-", "--grace", "24h", "--yes"],
            input: "a-new-signing-secret-for-the-demo\n")
        for (query, what) in [("", "the new one"), ("?version=1", "the old one, by its number")] {
            let answer = try bridge.call("GET", "/v1/apps/\(acme)/secrets/signing_secret\(query)", on: stage)
            try expect(200, answer, "\(bridge.name) reads \(what)")
            stage.show(
                "\(bridge.name): reads \(what): version \(Show.cell(answer.body["version"])), \(Show.cell(answer.body["state"]))"
            )
        }
    }

    /// The bridge hears that a customer ended the contract.
    func disconnect() throws(Failure) {
        let path = "/v1/apps/\(Customer.acme.app)"
        let list = try bridge.call("GET", path + "/installations", on: stage)
        for item in list.body["installations"]?.items ?? [] {
            let target = "\(path)/installations/\(Show.cell(item["id"]))"
            let done = try bridge.call("DELETE", target, on: stage)
            try expect(200, done, "\(bridge.name) disconnects")
            stage.show("\(bridge.name): DELETE \(target) → \(Show.cell(done.body["state"]))")
        }
        let refused = try bridge.call("POST", path + "/access", ["as": "bot"], on: stage)
        stage.show("\(bridge.name): POST \(path)/access → \(refused.status) \(Show.cell(refused.body["code"]))")
        for _ in 0..<100 where try platforms.count("auth.revoke", of: "slack") == 0 { Descriptor.waitMilliseconds(20) }
        stage.show("Slack was asked to revoke the token \(times(try platforms.count("auth.revoke", of: "slack")))")
    }

    private func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

import Linux

/// Rotations of secrets through the admin socket, beside a bare server and the disk.
enum Write {
    static func run(_ options: Options) throws -> Report {
        var report = Report(
            title: "write: one new version of a secret, durable with its audit record", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let deployment = try Deployment(in: temporary.path + "/vault")
        defer { deployment.stop() }
        try deployment.fill(tenants: options.tenants[0], secrets: options.secrets[0])
        let bare = try Bare.start(beside: deployment, path: temporary.path + "/bare.sock")
        defer { bare.end() }
        let disk = try Disk(in: temporary.path)
        let writes = deployment.apps.enumerated().map { index, app in
            deployment.request(
                "PUT", "/v1/admin/apps/slack/\(app)/secrets/signing_secret",
                #"{"value":"\#(Deployment.secret(index + 1_000_000))"}"#)
        }
        for clients in options.clients ?? [1, 16, 64] {
            let results = try interleave(
                [
                    Contender("\(clients) clients, bare") {
                        try Load.drive(
                            temporary.path + "/bare.sock", clients: clients, seconds: options.seconds, requests: writes)
                    },
                    Contender("\(clients) clients, secret set") {
                        try Load.drive(
                            deployment.adminSocket, clients: clients, seconds: options.seconds, requests: writes)
                    },
                    Contender("\(clients) clients, fdatasync by one") {
                        try disk.run(seconds: min(options.seconds, 0.3))
                    },
                ], rounds: options.rounds
            ) { options.note("\(clients) clients, round \($0)") }
            for result in results { report.add(result) }
            report.figures.append(
                Report.Figure(
                    "\(clients) clients, set p50 / (bare p50 + fdatasync p50)", unit: "x",
                    results[1].p50 / (results[0].p50 + results[2].p50)))
        }
        return report
    }
}

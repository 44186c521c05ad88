import Linux
import Rules

/// Calls of a platform's API through the gateway, beside the same calls straight to the simulation over connections that
/// are kept, and the price of one durable record.
enum Gateway {
    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "gateway: Slack's auth.test, over connections that are kept", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let simulation = try SimulatedPlatforms()
        let deployment = try Deployment(in: temporary.path + "/vault", flags: Subject.flags(simulation.base))
        defer { deployment.stop() }
        let subject = try Subject.register("slack", at: simulation)
        try Subject.allow(deployment)
        try subject.add(to: deployment)
        try subject.install(deployment, simulation)
        let lease = try deployment.broker("POST", "\(subject.path)/access", #"{"as":"bot"}"#)
        let token = try deployment.broker("POST", "\(subject.path)/access", #"{"as":"bot","deliver":"token"}"#)
        guard let id = lease["lease_id"]?.text, let bearer = token["access_token"]?.text,
            let port = simulation.base.split(separator: ":").last.map(String.init)
        else { throw Problem(.internal, "there is no lease to measure with") }
        let through = deployment.request("POST", "/v1/gateway/\(id)/auth.test", "")
        let straight = Array(
            """
            POST /api/auth.test HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAuthorization: Bearer \(bearer)\r\n\
            Content-Length: 0\r\n\r\n
            """.utf8)
        let disk = try Disk(in: temporary.path)
        for clients in options.clients ?? [1, 64] {
            let results = try interleave(
                [
                    Contender("\(clients) clients, straight") {
                        try Load.drive(port, clients: clients, seconds: options.seconds, requests: [straight])
                    },
                    Contender("\(clients) clients, gateway") {
                        try Load.drive(
                            deployment.brokerSocket, clients: clients, seconds: options.seconds, requests: [through])
                    }, Contender("fdatasync") { try disk.run(seconds: min(options.seconds, 0.3)) },
                ], rounds: options.rounds
            ) { options.note("\(clients) clients, round \($0)") }
            for result in results { report.add(result) }
            if clients == 1 {
                let added = results[1].p50 - results[0].p50 - results[2].p50
                report.goals.append(
                    Report.Goal(
                        "gateway p50 - straight p50 - one fdatasync p50, ms", Series(added.values.map { $0 * 1e-6 }),
                        atMost: 0.5))
            } else {
                let ratio = results[1].throughput / results[0].throughput
                report.goals.append(
                    Report.Goal("gateway / straight throughput, \(clients) clients", ratio, atLeast: 0.15))
            }
        }
        return report
    }
}

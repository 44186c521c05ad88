import Linux
import Rules

/// Gateway leases, each durable with its audit record before it is answered, beside a bare server.
enum Access {
    /// What a bridge asks for before it posts a message.
    private static let ask = #"{"as":"bot","methods":["chat.postMessage"],"ttl":600}"#

    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "access: one gateway lease, durable and recorded", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let deployment = try Deployment(in: temporary.path + "/vault")
        defer { deployment.stop() }
        let requests = try prepare(deployment, options, ask)
        try Beside(name: "access", deployment: deployment, requests: requests, goal: 0.25)
            .measure(clients: options.clients ?? [1, 64], in: temporary.path, options, into: &report)
        return report
    }

    /// Fills a vault with apps that have a bot token, which the service of ours may use; the requests for access to each.
    static func prepare(_ deployment: Deployment, _ options: Options, _ ask: String) throws -> [[UInt8]] {
        try deployment.fill(tenants: options.tenants[0], secrets: options.secrets[0], withTokens: true)
        try deployment.admin(
            "POST", "grants",
            #"{"service":"bench","pattern":"*/slack/*","actions":["access:bot"],"methods":["chat.postMessage"],"#
                + #""max_ttl_seconds":3600}"#)
        // A benchmark asks for more than a service of its own would.
        try deployment.admin("POST", "services/bench/edit", #"{"max_leases":1000000}"#)
        let requests = deployment.apps.map { deployment.request("POST", "/v1/apps/slack/\($0)/access", ask) }
        guard let answer = Connection(path: deployment.brokerSocket)?.answer(to: requests[0]), answer.status == 201,
            Told(answer.body)?["lease_id"]?.text != nil
        else { throw Problem(.internal, "the daemon does not give the benchmark access") }
        return requests
    }
}

/// A hundred thousand leases that have not ended: what they cost in memory and at a start.
enum Leases {
    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "leases: \(options.leases) live ones", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let deployment = try Deployment(in: temporary.path + "/vault")
        defer { deployment.stop() }
        let requests = try Access.prepare(
            deployment, options, #"{"as":"bot","methods":["chat.postMessage"],"ttl":3600}"#)
        // The first answers cost memory that has nothing to do with leases.
        _ = try Load.drive(deployment.brokerSocket, clients: 64, seconds: 0.5, requests: deployment.reads)
        let before = try idle(deployment)
        options.note("asking for \(options.leases) leases")
        let failures = try Load.each(
            deployment.brokerSocket, requests: (0..<options.leases).map { requests[$0 % requests.count] })
        guard failures == 0 else { throw Problem(.internal, "\(failures) leases were refused") }
        let after = try idle(deployment)
        report.figures.append(Report.Figure("keeper before", unit: "MB resident", Series([before])))
        report.figures.append(Report.Figure("keeper after", unit: "MB resident", Series([after])))
        report.goals.append(Report.Goal("more memory for them, MB", Series([after - before]), atMost: 60))
        var starts = Series()
        for round in 1...options.rounds {
            options.note("restart, round \(round)")
            deployment.kill()
            let begun = Clock.monotonicNanoseconds
            try deployment.start()
            try Restart.firstRead(deployment)
            starts.add(Double(Clock.monotonicNanoseconds - begun) / 1e6)
        }
        report.goals.append(Report.Goal("kill -9, start to first audited read, ms", starts, atMost: 200))
        report.figures.append(
            Report.Figure("keeper after the restart", unit: "MB resident", Series([try idle(deployment)])))
        return report
    }

    /// Resident memory once nobody asks for anything.
    private static func idle(_ deployment: Deployment) throws -> Double {
        Signal().wait(until: .after(milliseconds: 1500))
        guard let megabytes = deployment.daemon.residentMegabytes else {
            throw Problem(.internal, "the daemon is gone")
        }
        return megabytes
    }
}

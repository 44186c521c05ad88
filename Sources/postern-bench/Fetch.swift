import Linux
import Rules

/// The figures the first release must reach, all in one run.
enum Fetch {
    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "fetch", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        options.note("filling: \(options.tenants[0]) tenants, \(options.secrets[0]) secrets")
        let small = try Deployment(in: temporary.path + "/small")
        try small.fill(tenants: options.tenants[0], secrets: options.secrets[0])
        try small.growAudit(to: options.records)
        options.note("filling: \(options.tenants[1]) tenants, \(options.secrets[1]) secrets")
        let large = try Deployment(in: temporary.path + "/large")
        try large.fill(tenants: options.tenants[1], secrets: options.secrets[1])
        let bare = try Bare.start(beside: small, path: temporary.path + "/bare.sock")
        let disk = try Disk(in: temporary.path)
        defer {
            bare.end()
            small.stop()
            large.stop()
        }
        let seconds = options.seconds

        func contender(_ name: String, _ path: String, _ clients: Int, _ requests: [[UInt8]]) -> Contender {
            Contender("\(clients) clients, \(name)") {
                try Load.drive(path, clients: clients, seconds: seconds, requests: requests)
            }
        }
        let barePath = temporary.path + "/bare.sock"
        let crowds = options.clients ?? [64, 256]
        let alone = [
            contender("bare", barePath, 1, small.reads), contender("secret read", small.brokerSocket, 1, small.reads),
            Contender("fdatasync") { try disk.run(seconds: min(seconds, 0.3)) },
        ]
        let one = try interleave(alone, rounds: options.rounds) { options.note("1 client, round \($0)") }
        report.add(one[0])
        report.add(one[1])
        report.figures.append(Report.Figure("fdatasync, p50", unit: "us", one[2].p50, scale: 0.001))
        report.goals.append(
            Report.Goal("read p50 / (bare p50 + fdatasync p50)", one[1].p50 / (one[0].p50 + one[2].p50), atMost: 1.5))

        for clients in crowds {
            let results = try interleave(
                [
                    contender("bare", barePath, clients, small.reads),
                    contender("secret read", small.brokerSocket, clients, small.reads),
                    contender("secret read, large vault", large.brokerSocket, clients, large.reads),
                ], rounds: options.rounds
            ) { options.note("\(clients) clients, round \($0)") }
            for result in results { report.add(result) }
            report.goals.append(
                Report.Goal(
                    "read / bare throughput, \(clients) clients", results[1].throughput / results[0].throughput,
                    atLeast: clients < 256 ? 0.35 : 0.45))
            report.goals.append(
                Report.Goal(
                    "large vault's time / small one's, \(clients) clients",
                    results[1].throughput / results[2].throughput, atMost: 1.15))
        }
        try Memory.measure(large, options, into: &report)
        try Status.measure(small, options, into: &report)
        try Restart.measure(small, options, into: &report)
        return report
    }
}

extension Bare {
    /// A bare server whose answers are as long as the secret reads of a deployment.
    static func start(beside deployment: Deployment, path: String) throws -> Child {
        let wanted = try deployment.answer()
        let trial = try start(path: path, body: wanted.body)
        guard let answer = Connection(path: path)?.answer(to: deployment.reads[0]) else {
            throw Problem(.internal, "the bare server does not answer")
        }
        trial.end()
        return try start(path: path, body: wanted.body + wanted.head - answer.head.utf8.count)
    }
}

/// Resident memory of both processes, idle, after a restart.
enum Memory {
    static func measure(_ deployment: Deployment, _ options: Options, into report: inout Report) throws {
        deployment.stop()
        try deployment.start()
        _ = try Restart.firstRead(deployment)
        var keeper = Series()
        var courier = Series()
        for _ in 0..<options.rounds {
            Signal().wait(until: .after(milliseconds: 200))
            if let resident = resident(deployment.daemon.pid) { keeper.add(resident) }
            if let pid = deployment.courier, let resident = resident(pid) { courier.add(resident) }
        }
        report.goals.append(Report.Goal("keeper, idle, MB resident", keeper, atMost: 40))
        if courier.values.isEmpty {
            report.notes.append("there is no courier to measure")
        } else {
            report.goals.append(Report.Goal("courier, idle, MB resident", courier, atMost: 25))
        }
    }
}

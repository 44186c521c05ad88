import Linux
import Rules

/// One call of the daemon, beside a bare server that takes the same requests and gives answers of the same length.
struct Beside {
    /// What the call is called in the table.
    let name: String
    let deployment: Deployment
    let requests: [[UInt8]]
    /// The least share of the bare server's throughput with sixty-four clients.
    let goal: Double

    /// Measures with each number of clients; the first request is one that succeeds.
    func measure(clients: [Int], in directory: String, _ options: Options, into report: inout Report) throws {
        guard let answer = Connection(path: deployment.brokerSocket)?.answer(to: requests[0]) else {
            throw Problem(.internal, "the daemon does not answer")
        }
        let path = directory + "/bare.sock"
        let bare = try Bare.start(path: path, body: answer.body.count)
        defer { bare.end() }
        for clients in clients {
            var work = Work()
            let results = try interleave(
                [
                    Contender("\(clients) clients, bare") { try drive(path, bare, clients, options, &work.bare) },
                    Contender("\(clients) clients, \(name)") {
                        try drive(deployment.brokerSocket, deployment.daemon, clients, options, &work.keeper)
                    },
                ], rounds: options.rounds
            ) { options.note("\(clients) clients, round \($0)") }
            for result in results { report.add(result) }
            for (who, series) in [("bare", work.bare), (name, work.keeper)] {
                report.figures.append(
                    Report.Figure("\(clients) clients, \(who), server's processor time", unit: "us", series))
            }
            let ratio = results[1].throughput / results[0].throughput
            if clients == 64 {
                report.goals.append(Report.Goal("\(name) / bare throughput, 64 clients", ratio, atLeast: goal))
            } else {
                report.figures.append(Report.Figure("\(name) / bare throughput, \(clients) clients", unit: "x", ratio))
            }
        }
    }

    /// What the servers spent on each answer, microseconds a round.
    private struct Work {
        var bare = Series()
        var keeper = Series()
    }

    private func drive(
        _ path: String, _ server: Child, _ clients: Int, _ options: Options, _ work: inout Series
    ) throws -> Outcome {
        let before = server.processorSeconds
        let outcome = try Load.drive(path, clients: clients, seconds: options.seconds, requests: requests)
        if let before, let after = server.processorSeconds, outcome.latencies.count > 0 {
            work.add((after - before) * 1e6 / Double(outcome.latencies.count))
        }
        return outcome
    }
}

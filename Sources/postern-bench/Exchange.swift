import Linux
import Rules

/// A code exchange through the broker beside the same exchange by curl, at a platform that takes 50 ms.
enum Exchange {
    static let delayMilliseconds = 50

    static func run(_ options: Options) throws -> Report {
        var report = Report(
            title: "exchange: a code for tokens, the platform takes \(delayMilliseconds) ms", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let simulation = try SimulatedPlatforms()
        let deployment = try Deployment(in: temporary.path + "/vault", flags: Subject.flags(simulation.base))
        defer { deployment.stop() }
        try Subject.allow(deployment)
        let disk = try Disk(in: temporary.path)
        for platform in options.platforms ?? Subject.platforms {
            let subject = try Subject.register(platform, at: simulation)
            try subject.add(to: deployment)
            try simulation.delay(subject.exchangeCall, milliseconds: delayMilliseconds)
            try measure(subject, deployment, simulation, disk, options, into: &report)
        }
        return report
    }

    private static func measure(
        _ subject: Subject, _ deployment: Deployment, _ simulation: SimulatedPlatforms, _ disk: Disk,
        _ options: Options, into report: inout Report
    ) throws {
        let results = try interleave(
            [
                Contender("\(subject.platform), by curl") {
                    try timed(options) {
                        let page = subject.handMade(try subject.begin(deployment))
                        let (code, _) = try subject.consent(page, simulation)
                        return try subject.exchangeByHand(code: code, simulation)
                    }
                },
                Contender("\(subject.platform), through the broker") {
                    guard let connection = Connection(path: deployment.brokerSocket) else {
                        throw Problem(.internal, "the daemon does not answer")
                    }
                    return try timed(options) {
                        let (code, state) = try subject.consent(try subject.begin(deployment), simulation)
                        let request = subject.callback(deployment, code: code, state: state)
                        let begun = Clock.monotonicNanoseconds
                        let status = connection.exchange(request)
                        let took = Clock.monotonicNanoseconds - begun
                        return status == 200 ? took : nil
                    }
                },
                Contender("fdatasync") { try disk.run(seconds: min(options.seconds, 0.3)) },
            ], rounds: options.rounds
        ) { options.note("\(subject.platform), round \($0)") }
        for result in results {
            report.figures.append(Report.Figure("\(result.name), p50", unit: "ms", result.p50, scale: 1e-6))
            report.note(failures: result.failures, of: result.name)
        }
        let over = results[1].p50 - results[0].p50 - results[2].p50 - results[2].p50
        report.goals.append(
            Report.Goal(
                "\(subject.platform): broker p50 - curl p50 - two fdatasync p50, ms",
                Series(over.values.map { $0 * 1e-6 }), atMost: 3))
    }

    /// As many exchanges as the round has time for, at least three; nil counts as one that failed.
    private static func timed(_ options: Options, _ one: () throws -> Int64?) rethrows -> Outcome {
        var outcome = Outcome()
        let begun = Clock.monotonicNanoseconds
        while outcome.latencies.count + outcome.failures < 3
            || Clock.monotonicNanoseconds - begun < Int64(options.seconds * 1e9)
        {
            if let took = try one() { outcome.latencies.add(took) } else { outcome.failures += 1 }
        }
        outcome.seconds = Double(Clock.monotonicNanoseconds - begun) / 1e9
        return outcome
    }
}

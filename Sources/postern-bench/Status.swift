import Linux
import Rules

/// `postern status`, the whole process, against the curl program doing the same request.
enum Status {
    static func measure(_ deployment: Deployment, _ options: Options, into report: inout Report) throws {
        let curl = ["/usr/bin/curl", "/usr/local/bin/curl"].first { (try? FileStatus.of($0)) ?? nil != nil }
        guard let curl else {
            report.notes.append("there is no curl to compare postern status with")
            return
        }
        let socket = deployment.adminSocket
        let results = try interleave(
            [
                program(
                    "curl, the same request",
                    [curl, "-s", "--unix-socket", socket, "http://localhost/v1/admin/status"],
                    options),
                program("postern status", [Program.sibling("postern"), "status", "--socket", socket], options),
            ], rounds: options.rounds
        ) { options.note("status, round \($0)") }
        for result in results {
            report.figures.append(Report.Figure("\(result.name), p50", unit: "ms", result.p50, scale: 1e-6))
        }
        for result in results { report.note(failures: result.failures, of: result.name) }
        report.goals.append(Report.Goal("postern status / curl", results[1].p50 / results[0].p50, atMost: 3))
    }

    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "status", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let deployment = try Deployment(in: temporary.path + "/vault")
        defer { deployment.stop() }
        try deployment.fill(tenants: options.tenants[0], secrets: options.secrets[0])
        try measure(deployment, options, into: &report)
        return report
    }

    private static func program(_ name: String, _ arguments: [String], _ options: Options) -> Contender {
        Contender(name) {
            var outcome = Outcome()
            let begun = Clock.monotonicNanoseconds
            var now = begun
            while now - begun < Int64(options.seconds * 1e9) {
                let before = now
                let ended = try Child(arguments, quiet: true).wait()
                now = Clock.monotonicNanoseconds
                if ended == .exited(0) { outcome.latencies.add(now - before) } else { outcome.failures += 1 }
            }
            outcome.seconds = Double(now - begun) / 1e9
            return outcome
        }
    }
}

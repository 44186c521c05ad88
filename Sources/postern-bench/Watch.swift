import Linux
import Rules
import Synchronization

/// Many connections that watch, and rotations they are all told of.
enum Watch {
    static func run(_ options: Options) throws -> Report {
        let count = options.watchers
        var report = Report(title: "watch: \(count) watchers told of a rotation", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let deployment = try Deployment(in: temporary.path + "/vault", flags: ["--watch-limit", "\(count)"])
        defer { deployment.stop() }
        try deployment.fill(tenants: options.tenants[0], secrets: options.secrets[0])
        // Warm, so that what is measured below are the watchers.
        _ = try Load.drive(deployment.brokerSocket, clients: 16, seconds: 0.3, requests: deployment.reads)
        let before = deployment.daemon.residentMegabytes ?? 0
        let crowd = try Crowd(count, deployment.brokerSocket)
        defer { crowd.leave() }
        let after = deployment.daemon.residentMegabytes ?? 0
        var all = Series()
        var middle = Series()
        var behind = Series()
        for round in 0...options.rounds {
            options.note("round \(round)")
            let (sent, acknowledged) = try rotate(deployment, round)
            let heard = try crowd.heard(round)
            guard round > 0, let last = heard.last else { continue }
            all.add(Double(last - sent) / 1e6)
            middle.add(Double(heard[heard.count / 2] - sent) / 1e6)
            behind.add(Double(last - acknowledged) / 1e6)
        }
        report.figures = [
            Report.Figure("rotation sent to half of all told", unit: "ms", middle),
            Report.Figure("rotation acknowledged to all told", unit: "ms", behind),
            Report.Figure("memory, each watcher", unit: "KB", Series([(after - before) * 1024 / Double(count)])),
            Report.Figure("memory with \(count) watchers", unit: "MB", Series([after])),
        ]
        report.goals = [Report.Goal("rotation sent to all \(count) told, ms", all, atMost: 1000)]
        return report
    }

    /// When the new version was sent, and when it was acknowledged.
    private static func rotate(_ deployment: Deployment, _ round: Int) throws -> (sent: Int64, acknowledged: Int64) {
        guard let connection = Connection(path: deployment.adminSocket) else {
            throw Problem(.internal, "the daemon does not answer")
        }
        let request = deployment.request(
            "POST", "/v1/admin/apps/slack/\(deployment.apps[0])/secrets/signing_secret/rotate",
            #"{"value":"\#(Deployment.secret(2_000_000 + round))","grace_seconds":3600}"#)
        let sent = Clock.monotonicNanoseconds
        guard connection.exchange(request) == 200 else { throw Problem(.internal, "the daemon does not rotate") }
        return (sent, Clock.monotonicNanoseconds)
    }
}

/// Watchers, a thread each, that note when they are told.
private final class Crowd: Sendable {
    private struct State {
        var open = 0
        /// When each was told, by round.
        var told: [[Int64]] = []
        var lost = 0
    }

    private let count: Int
    private let state = Gate(State())
    private let stop = Atomic(false)

    /// Returns when all of them are being served.
    init(_ count: Int, _ path: String) throws {
        self.count = count
        for _ in 0..<count {
            try Thread.start(name: "watcher", stackBytes: 128 * 1024) { self.watch(path) }
        }
        let isOpen = state.wait(until: .after(seconds: 60)) { $0.open == count ? true : $0.lost > 0 ? false : nil }
        guard isOpen == true else { throw Problem(.internal, "not every watcher was let in") }
    }

    /// When each of them was told in this round, in order.
    func heard(_ round: Int) throws -> [Int64] {
        let all: [Int64]? = state.wait(until: .after(seconds: 20)) { state in
            state.told.count > round && state.told[round].count == self.count ? state.told[round] : nil
        }
        guard let all else { throw Problem(.internal, "not every watcher was told") }
        return all.sorted()
    }

    func leave() { stop.store(true, ordering: .releasing) }

    private func watch(_ path: String) {
        do throws(SystemError) {
            let socket = try FileDescriptor.connect(unix: path)
            let request = "GET /v1/watch?event=secret.rotated HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try socket.send(Array(request.utf8), until: .after(seconds: 30))
            var chunk = [UInt8](repeating: 0, count: 4096)
            var isOpen = false
            var round = 0
            while !stop.load(ordering: .acquiring) {
                var span = chunk.mutableSpan
                let got: Int
                do throws(SystemError) { got = try socket.receive(into: &span, until: .after(milliseconds: 500)) } catch
                {
                    guard error.number == 110 || error.number == 11 else { throw error }
                    continue
                }
                let now = Clock.monotonicNanoseconds
                guard got > 0 else { break }
                let text = String(decoding: chunk[..<got], as: UTF8.self)
                // Small enough to come in one piece, as it is sent.
                if !isOpen, text.contains("id: ") {
                    isOpen = true
                    state.withLock { $0.open += 1 }
                    state.wakeAll()
                }
                guard text.contains("secret.rotated") else { continue }
                state.withLock { state in
                    while state.told.count <= round { state.told.append([]) }
                    state.told[round].append(now)
                }
                state.wakeAll()
                round += 1
            }
        } catch {}
        state.withLock { $0.lost += 1 }
        state.wakeAll()
    }
}

import Glibc
import Linux
import Synchronization
import Testing

@testable import postern_sim

/// What a load has been told is done.
private final class Acknowledged: Sendable {
    private let lists = Mutex<(tenants: [String], reads: [String])>(([], []))

    func add(tenant: String) { lists.withLock { $0.tenants.append(tenant) } }
    func add(read: String) { lists.withLock { $0.reads.append(read) } }
    var tenants: [String] { lists.withLock { $0.tenants } }
    var reads: [String] { lists.withLock { $0.reads } }
}

@Suite struct `After kill -9 under load` {
    /// How often it is killed; a hundred times with POSTERN_CRASH_ROUNDS=100.
    private static let rounds: Int = {
        let text = Environment.value(of: "POSTERN_CRASH_ROUNDS")
        return text.flatMap { Int($0) } ?? 20
    }()

    @Test func `every acknowledged write is there, every acknowledged read is in the log, and the log verifies`() throws
    {
        let stand = try Stand().start()
        try stand.furnish()
        for round in 0..<Self.rounds {
            let done = Acknowledged()
            let before = try stand.head()
            var threads: [Linux.Thread] = []
            for line in 0..<3 {
                threads.append(
                    try Thread.start(name: "write") {
                        guard let wire = try? Wire(stand.adminSocket) else { return }
                        for one in 0..<100_000 {
                            let slug = "t-\(round)-\(line)-\(one)"
                            let reply = try? wire.call(
                                "POST", "/v1/admin/tenants", ["slug": .string(slug), "name": "T"])
                            guard reply?.status == 201 else { return }
                            done.add(tenant: slug)
                        }
                    })
                threads.append(
                    try Thread.start(name: "read") {
                        guard let wire = try? Wire(stand.brokerSocket, uid: Stand.bridge) else { return }
                        while let reply = try? wire.call("GET", "/v1/apps/\(Stand.app)/secrets/signing_secret"),
                            reply.status == 200, let id = reply.requestID
                        { done.add(read: id) }
                    })
            }
            // Killed in the middle of work, at another point each time.
            #expect(eventually { done.tenants.count > 5 + round && done.reads.count > 20 + 7 * round })
            stand.kill()
            for thread in threads { thread.join() }
            try stand.start()
            let listed = try stand.must("GET", "tenants").text
            for tenant in done.tenants {
                #expect(listed.contains("\"\(tenant)\""), "round \(round): \(tenant) was acknowledged and is lost")
            }
            var logged: Set<String> = []
            var after = before
            while true {
                let records = try stand.records(after: after)
                guard !records.isEmpty else { break }
                for record in records {
                    if record["action"] == "secret.read", let id = record["request_id"]?.text { logged.insert(id) }
                    if case .integer(let seq)? = record["seq"] { after = max(after, seq) }
                }
            }
            let unlogged = done.reads.filter { !logged.contains($0) }
            #expect(unlogged.isEmpty, "round \(round): answered without a record")
            let verified = try stand.must("GET", "audit/verify")
            #expect(verified["ok"] == true, "round \(round): \(verified.text)")
        }
    }
}

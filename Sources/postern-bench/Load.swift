import Linux
import Synchronization

/// Clients that each send a request, wait for the answer and send the next.
enum Load {
    /// Drives `clients` threads for `seconds`, each choosing evenly among `requests`; answers other than 200 to 299
    /// count as failures.
    ///
    /// `path` is a Unix socket, or a number: a port of this machine.
    static func drive(
        _ path: String, clients: Int, seconds: Double, requests: [[UInt8]]
    ) throws -> Outcome {
        let started = Gate(0)
        let go = Gate(false)
        let stop = Atomic(false)
        let total = Mutex(Outcome())
        var threads: [Thread] = []
        for number in 0..<clients {
            threads.append(
                try Thread.start(name: "client") {
                    var own = Outcome()
                    let connection = UInt16(path).map { Connection(port: $0) } ?? Connection(path: path)
                    started.withLock { $0 += 1 }
                    started.wakeAll()
                    _ = go.wait { $0 ? true : nil }
                    if let connection {
                        client(connection, number, requests, stop, &own)
                    } else {
                        own.failures += 1
                    }
                    total.withLock { total in
                        total.latencies.add(own.latencies)
                        total.failures += own.failures
                    }
                })
        }
        _ = started.wait(until: .after(seconds: 30)) { $0 == clients ? true : nil }
        let begun = Clock.monotonicNanoseconds
        go.withLock { $0 = true }
        go.wakeAll()
        Signal().wait(until: .after(milliseconds: Int64(seconds * 1000)))
        stop.store(true, ordering: .relaxed)
        let elapsed = Clock.monotonicNanoseconds - begun
        for thread in threads { thread.join() }
        var outcome = total.withLock { $0 }
        outcome.seconds = Double(elapsed) / 1e9
        return outcome
    }

    /// Sends each request once, over at most 64 connections; the number that was not answered with 200 to 299.
    static func each(_ path: String, requests: [[UInt8]]) throws -> Int {
        let next = Atomic(0)
        let failures = Atomic(0)
        let threads = try (0..<min(64, requests.count)).map { _ in
            try Thread.start(name: "sender") {
                let connection = Connection(path: path)
                while true {
                    let index = next.add(1, ordering: .relaxed).oldValue
                    guard index < requests.count else { return }
                    let status = connection?.exchange(requests[index]) ?? 0
                    if !(200..<300).contains(status) { failures.add(1, ordering: .relaxed) }
                }
            }
        }
        for thread in threads { thread.join() }
        return failures.load(ordering: .relaxed)
    }

    private static func client(
        _ connection: borrowing Connection, _ number: Int, _ requests: [[UInt8]],
        _ stop: borrowing Atomic<Bool>, _ own: inout Outcome
    ) {
        // xorshift64*: even enough, and free.
        var random = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
        var before = Clock.monotonicNanoseconds
        while !stop.load(ordering: .relaxed) {
            random ^= random >> 12
            random ^= random << 25
            random ^= random >> 27
            let choice = Int((random &* 0x2545_F491_4F6C_DD1D) >> 33) % requests.count
            guard let got = connection.exchange(requests[choice]) else {
                own.failures += 1
                return
            }
            let now = Clock.monotonicNanoseconds
            if (200..<300).contains(got) { own.latencies.add(now - before) } else { own.failures += 1 }
            before = now
        }
    }
}

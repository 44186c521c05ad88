import Glibc
import Testing

@testable import Linux

@Suite struct `A thread` {
    @Test func `has a name and can be joined`() throws {
        let name = Gate("")
        let thread = try Thread.start(name: "a-long-thread-name") {
            let text = Proc.text("/proc/thread-self/comm") ?? ""
            name.withLock { $0 = text }
        }
        thread.join()
        thread.join()
        #expect(name.withLock { $0 } == "a-long-thread-n")
    }

    @Test func `runs on when nobody keeps it`() throws {
        let signal = Signal()
        try Thread.start(name: "free") { signal.raise() }
        #expect(signal.wait(until: .after(seconds: 20)))
    }
}

@Suite struct `A signal` {
    @Test func `is never lost`() throws {
        let there = Signal()
        let back = Signal()
        let rounds = 20_000
        let thread = try Thread.start(name: "echo") {
            for _ in 0..<rounds {
                there.wait()
                back.raise()
            }
        }
        var answered = 0
        for _ in 0..<rounds {
            there.raise()
            if back.wait(until: .after(seconds: 20)) { answered += 1 }
        }
        #expect(answered == rounds)
        thread.join()
    }

    @Test func `counts when raised before, once`() {
        let signal = Signal()
        signal.raise()
        signal.raise()
        #expect(signal.wait())
        #expect(!signal.wait(until: .after(milliseconds: 5)))
        signal.raise()
        #expect(signal.wait(until: .after(milliseconds: -1)))
    }
}

@Suite struct `A gate` {
    @Test func `lets producers and consumers meet`() throws {
        struct Queue {
            var items: [Int] = []
            var sum = 0
            var taken = 0
        }
        let gate = Gate(Queue())
        let each = 5_000
        var threads: [Thread] = []
        for number in 0..<4 {
            threads.append(
                try Thread.start(name: "consumer") {
                    for _ in 0..<each {
                        let item = gate.wait(until: .after(seconds: 20)) { $0.items.popLast() }
                        gate.withLock {
                            $0.sum += item ?? 0
                            $0.taken += item == nil ? 0 : 1
                        }
                    }
                })
            threads.append(
                try Thread.start(name: "producer") {
                    for item in 0..<each {
                        gate.withLock { $0.items.append(item * number) }
                        gate.wakeOne()
                    }
                })
        }
        for thread in threads { thread.join() }
        #expect(gate.withLock { $0.taken } == 4 * each)
        let sum = each * (each - 1) / 2 * 6  // of all items, times 0 + 1 + 2 + 3
        #expect(gate.withLock { $0.sum } == sum)
    }

    @Test func `gives up at the deadline`() {
        let gate = Gate(0)
        #expect(gate.wait(until: .after(milliseconds: 5)) { $0 == 1 ? true : nil } == nil)
        #expect(gate.wait(until: .after(milliseconds: -1)) { $0 == 0 ? true : nil } == true)
    }

    @Test func `passes errors on and stays usable`() {
        let gate = Gate(0)
        #expect(throws: SystemError("x", 1)) {
            try gate.withLock { (_: inout Int) throws(SystemError) in throw SystemError("x", 1) }
        }
        gate.withLock { $0 = 5 }
        #expect(gate.withLock { $0 } == 5)
    }
}

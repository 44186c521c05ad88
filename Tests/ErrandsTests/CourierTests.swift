import Linux
import Rules
import Synchronization
import Testing

@testable import Errands

private func echo(_ errand: Errand) -> ErrandReply? {
    .answer(ErrandAnswer(status: 200, headers: [("X-URL", errand.url)], body: errand.body))
}

private func errand(_ body: [UInt8] = []) -> Errand {
    Errand(method: "POST", url: "https://slack.com/api/auth.test", body: body, timeoutSeconds: 10)
}

@Suite struct `A keeper with a courier` {
    @Test(arguments: [0, 1, 70_000, Frame.maxBody])
    func `gets the whole answer to its errand`(_ count: Int) throws {
        let house = Household(carry: echo)
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let answer = try house.courier.carry(errand(body))
        #expect(answer.status == 200 && answer.body == body)
        #expect(answer.header("x-url") == "https://slack.com/api/auth.test")
    }

    @Test func `knows who is running and what it said`() throws {
        let house = Household(carry: echo)
        #expect(!house.courier.isRunning)
        try house.courier.begin()
        #expect(house.courier.isRunning && house.courier.pid == 4711)
        #expect(house.courier.report == CourierReport(landlock: 4, seccomp: true))
    }

    @Test func `has many errands under way at once`() throws {
        let arrived = Gate(0)
        let house = Household { errand in
            // Answers to none before all are there.
            arrived.withLock { $0 += 1 }
            arrived.wakeAll()
            _ = arrived.wait(until: .after(seconds: 60)) { $0 == 100 ? true : nil }
            return echo(errand)
        }
        let bodies = try Household.atOnce(100) { index in
            (try? house.courier.carry(errand([UInt8(index)])))?.body ?? []
        }
        #expect(bodies == (0..<100).map { [UInt8($0)] })
        #expect(house.starts == 1)
    }

    @Test(arguments: Unreachable.allCases)
    func `learns why a platform was not reached`(_ why: Unreachable) {
        let house = Household { _ in .unreachable(why) }
        guard case .failed(let problem, let sent) = house.courier.attempt(errand()) else {
            Issue.record("an answer out of nothing")
            return
        }
        #expect(problem.code == .platformUnreachable && problem.reason.contains(why.reason))
        #expect(sent == why.mayHaveBeenSent)
    }

    @Test func `refuses a malformed errand without starting anybody`() {
        let house = Household(carry: echo)
        var bad = errand()
        bad.headers = [("A", "b\r\nC: d")]
        #expect(throws: Problem(.badRequest, "")) { try house.courier.carry(bad) }
        #expect(house.starts == 0)
    }

    @Test func `does not take more than it asked for`() {
        let house = Household(carry: echo)
        var small = errand([1, 2, 3])
        small.maxAnswerBytes = 2
        #expect(throws: Problem(.courierUnavailable, "")) { try house.courier.carry(small) }
    }

    @Test func `that is stopping carries nothing more`() throws {
        let house = Household(carry: echo)
        try house.courier.begin()
        house.courier.stop()
        #expect(throws: Problem(.stopping, "")) { try house.courier.carry(errand()) }
        #expect(house.starts == 1 && !house.courier.isRunning)
    }
}

@Suite struct `When a courier dies` {
    @Test func `its errands fail, as possibly sent, and the next one works`() throws {
        let first = Mutex(true)
        let house = Household { errand in
            first.withLock { first in
                defer { first = false }
                return first ? nil : echo(errand)
            }
        }
        guard case .failed(let problem, let sent) = house.courier.attempt(errand()) else {
            Issue.record("an answer from the dead")
            return
        }
        #expect(problem.code == .courierUnavailable && sent)
        #expect(try house.courier.carry(errand([7])).body == [7])
        #expect(house.starts == 2)
    }

    @Test func `another is started before anybody has an errand`() throws {
        let house = Household(carry: echo)
        try house.courier.begin()
        house.newest.die()
        #expect(house.waitForStarts(2))
        #expect(try house.courier.carry(errand([7])).body == [7])
        #expect(house.starts == 2)
    }

    @Test func `and again and again, it is not started in a tight loop`() throws {
        let starts = Mutex(0)
        let courier = Courier(
            start: { () throws(Problem) in
                starts.withLock { $0 += 1 }
                throw Problem(.courierUnavailable, "No courier today.")
            }, answer: { _ in .page(CallbackPage(.failed)) })
        for _ in 0..<50 { #expect(throws: Problem(.courierUnavailable, "")) { try courier.carry(errand()) } }
        #expect(starts.withLock { $0 } <= StartHistory.limit)
    }

    @Test func `while it starts, that is said`() throws {
        let courier = Courier(
            start: { () throws(Problem) in
                do throws(SystemError) {
                    return try SocketPair(.messages).split { near, _ in Courier.Started(control: near, pid: 1) }
                } catch { throw error.problem(doing: "make a pair") }
            }, answer: { _ in .page(CallbackPage(.failed)) })
        #expect(throws: Problem(.courierUnavailable, "")) { try courier.begin() }
    }

    @Test(arguments: ["callback", "carry", "{}", "nonsense"])
    func `or says what it should not, it is replaced`(_ message: String) throws {
        let house = Household(carry: echo)
        try house.courier.begin()
        try house.newest.control.sendMessage(Array(message.utf8), until: .after(seconds: 30))
        #expect(house.waitForStarts(2))
        #expect(try house.courier.carry(errand([7])).body == [7])
    }
}

@Suite struct `A browser's question` {
    private static let request = CallbackRequest(kind: .callback, platform: "slack", appID: "A0", code: "c", state: "s")

    @Test func `reaches the keeper and its answer comes back`() throws {
        let house = Household(
            answer: { $0 == Self.request ? .redirect(to: "https://a/", setCookie: nil) : .page(CallbackPage(.failed)) },
            carry: echo)
        try house.courier.begin()
        #expect(try house.newest.ask(Self.request) == .redirect(to: "https://a/", setCookie: nil))
    }

    @Test func `is told "too many" above the limit, and heard again below it`() throws {
        let inside = Gate((count: 0, open: false))
        let house = Household(
            answer: { _ in
                inside.withLock { $0.count += 1 }
                inside.wakeAll()
                _ = inside.wait(until: .after(seconds: 60)) { $0.open ? true : nil }
                return .page(CallbackPage(.success))
            }, carry: echo)
        try house.courier.begin()
        let fake = house.newest
        let answers = try Household.atOnce(Courier.maxCallbacks + 1) { index -> CallbackAnswer? in
            if index == Courier.maxCallbacks {
                // The one too many comes when all places are taken, and opens the gate for them.
                _ = inside.wait(until: .after(seconds: 60)) { $0.count == Courier.maxCallbacks ? true : nil }
                defer {
                    inside.withLock { $0.open = true }
                    inside.wakeAll()
                }
                return try? fake.ask(Self.request)
            }
            return try? fake.ask(Self.request)
        }
        #expect(answers.dropLast().allSatisfy { $0 == .page(CallbackPage(.success)) })
        #expect(answers.last == .page(CallbackPage(.rateLimited)))
        #expect(try fake.ask(Self.request) == .page(CallbackPage(.success)))
    }
}

@Suite struct `Starts` {
    @Test func `are few within the window and possible after it`() {
        var history = StartHistory()
        let allowed = [0, 1, 2, 3, 4, 9_999, 10_000, 10_000, 10_001].map { history.mayStart(now: $0) }
        #expect(allowed == [true, true, true, true, true, false, true, false, true])
    }
}

import Linux
import Rules
import Testing

@testable import Errands

@Suite struct `A call through the gateway` {
    private let house = Household { errand in .answer(ErrandAnswer(status: 200, body: errand.body)) }

    private func pass(_ word: String, body: PassageAsk.Body = .whole, of service: Int64 = 1) throws(Problem) -> Int {
        let ask = PassageAsk(
            method: "POST", url: "https://slack.com/api/\(word)", headers: [], body: body, timeoutSeconds: 10,
            mayRepeat: false)
        let passage = try house.courier.pass(ask, body: [], house.courier.turn(of: service))
        defer { passage.end() }
        return try passage.answer(until: .after(seconds: 30)).status
    }

    @Test func `uses the stream of the last one`() throws {
        for word in ["200", "404", "599"] { #expect(try pass(word) == Int(word)) }
        #expect(house.newest.streams == 1)
    }

    /// What ends at the courier takes no call with it.
    @Test func `does not use a stream that the courier is about to end`() throws {
        for _ in 0..<3 {
            #expect(throws: Problem(.platformUnreachable, "")) { try pass("closed") }
            #expect(try pass("200") == 200)
            #expect(try pass("200", body: .chunks(length: 5)) == 200)
            #expect(try pass("200") == 200)
        }
    }

    @Test func `is refused an answer that is none, and not blamed for it`() throws {
        for word in ["600", "999", "101"] { #expect(throws: Problem(.platformRefused, "")) { try pass(word) } }
        #expect(try pass("200") == 200)
    }

    @Test func `goes to the next courier where this one has just ended`() throws {
        for _ in 0..<3 {
            // Leaves no stream behind that would still be served.
            #expect(try pass("200", body: .chunks(length: 5)) == 200)
            house.newest.die()
            #expect(try pass("200", body: .chunks(length: 5)) == 200)
        }
    }

    @Test func `takes no turn of other services, and none of errands`() throws {
        var turns: [Courier.Turn] = []
        for service in 1...3 as ClosedRange<Int64> {
            for _ in 0..<Courier.maxPassagesOfOne { turns.append(try house.courier.turn(of: service)) }
            #expect(throws: Problem(.rateLimited, "")) { try pass("200", of: service) }
            if service < 3 { #expect(try pass("200", of: 9) == 200) }
        }
        #expect(throws: Problem(.rateLimited, "")) { try pass("200", of: 9) }
        let errand = Errand(method: "POST", url: "https://slack.com/api/auth.test", timeoutSeconds: 10)
        #expect(try house.courier.carry(errand).status == 200)
        turns.removeLast()
        #expect(try pass("200", of: 9) == 200)
        turns = []
        #expect(try pass("200", of: 1) == 200)
    }
}

import Rules
import Sealing
import Testing

@testable import Broker

@Suite struct `Webhooks that were seen` {
    private func mark(_ number: Int) -> Digest32 { Digest32.hash("mark \(number)".utf8.span) }

    @Test func `are known for a lifetime, each app's apart`() {
        let seen = SeenWebhooks(lifetime: 600_000)
        #expect(!seen.note([mark(1), mark(2)], of: 7, at: 0).isRepeat)
        #expect(!seen.note([mark(1)], of: 8, at: 0).isRepeat)
        // One of the two is enough: a retry has another signature and the same event.
        #expect(seen.note([mark(3), mark(2)], of: 7, at: 599_000).isRepeat)
        #expect(seen.note([mark(3)], of: 7, at: 599_000).isRepeat)
        #expect(!seen.note([mark(1)], of: 7, at: 3_000_000).isRepeat)
    }

    @Test func `are forgotten when they were not answered`() {
        let seen = SeenWebhooks(lifetime: 600_000)
        let (_, new) = seen.note([mark(1), mark(2)], of: 7, at: 0)
        seen.forget(new, of: 7)
        #expect(seen.count == 0)
        #expect(!seen.note([mark(1)], of: 7, at: 0).isRepeat)
        let (isRepeat, second) = seen.note([mark(5), mark(1)], of: 7, at: 1)
        #expect(isRepeat && second.count == 1)
        // What somebody else was answered stays.
        seen.forget(second, of: 7)
        #expect(seen.note([mark(1)], of: 7, at: 2).isRepeat)
    }

    @Test func `never take more room than they may, whoever sends how much`() {
        let seen = SeenWebhooks(lifetime: 600_000)
        for number in 0..<3 * SeenWebhooks.perApp { _ = seen.note([mark(number)], of: 1, at: 0) }
        #expect(seen.count <= 2 * SeenWebhooks.perApp + 64)
        #expect(seen.note([mark(3 * SeenWebhooks.perApp - 1)], of: 1, at: 0).isRepeat, "the newest are kept")
        for number in 0..<SeenWebhooks.inAll { _ = seen.note([mark(number)], of: Int64(number % 500 + 2), at: 1) }
        #expect(seen.count <= SeenWebhooks.inAll)
        #expect(
            seen.note([mark(SeenWebhooks.inAll - 1)], of: Int64((SeenWebhooks.inAll - 1) % 500 + 2), at: 1).isRepeat)
    }

    @Test func `of one app are not forgotten for the flood of others that send more`() {
        let seen = SeenWebhooks(lifetime: 600_000)
        for number in 0..<100 { _ = seen.note([mark(-1 - number)], of: 1, at: 0) }
        for number in 0..<2 * SeenWebhooks.inAll { _ = seen.note([mark(number)], of: Int64(number % 12 + 2), at: 1) }
        #expect(seen.count <= SeenWebhooks.inAll)
        for number in 0..<100 { #expect(seen.note([mark(-1 - number)], of: 1, at: 2).isRepeat) }
    }

    @Test func `are first for one of many that ask at once`() throws {
        let seen = SeenWebhooks(lifetime: 600_000)
        for round in 0..<50 {
            // Of a retry only the event is the same.
            let (signature, event) = (mark(2 * round), mark(2 * round + 1))
            let firsts = try together((0..<8).map { (name: "\($0)", row: $0) }) { row in
                let own = Digest32.hash("\(round) \(row)".utf8.span)
                return seen.note([row % 2 == 0 ? signature : own, event], of: 1, at: 0).isRepeat ? [] : ["first"]
            }
            #expect(firsts.count == 1)
        }
    }
}

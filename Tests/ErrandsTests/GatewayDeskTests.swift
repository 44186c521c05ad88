import Linux
import Rules
import Synchronization
import Testing

@testable import Errands

@Suite struct `Calls of the loopback gateway` {
    private static func ask(_ body: PassageAsk.Body = .whole) -> GatewayAsk {
        GatewayAsk(
            method: "POST", target: "/slack/api.test", headers: [("Accept", "*/*")], bearer: "ptcp_fake", uid: 1000,
            flaw: .host, body: body)
    }

    @Test(arguments: [PassageAsk.Body.whole, .chunks(length: nil), .chunks(length: 0), .chunks(length: 1 << 40)])
    func `arrive as they were asked`(_ body: PassageAsk.Body) throws {
        let ask = Self.ask(body)
        let frame = try ask.frame(body: [1, 2])
        #expect(try GatewayAsk(frame) == ask && frame.body == [1, 2])
        #expect(try GatewayAsk(frame) != Self.ask(.chunks(length: 7)))
        let refused = GatewayAsk(.init(.headerTooLarge, "0123456789abcdef01234567"), uid: 7)
        #expect(try GatewayAsk(try refused.frame(body: [])) == refused)
    }

    /// A desk, and the courier's end of a call to it.
    private static func open(_ ask: GatewayAsk, _ answer: @escaping GatewayDesk.Answer) throws -> (
        GatewayDesk, PassageStream
    ) {
        let desk = GatewayDesk(answer)
        let pair = try SocketPair(.stream)
        let near = pair.split { near, far in
            desk.hear(far)
            return near
        }
        let stream = PassageStream(near)
        try stream.send(try ask.frame(body: []), until: .after(seconds: 30))
        return (desk, stream)
    }

    @Test func `may send a long body once they are let, and get a long answer`() throws {
        let echoed = Mutex<[UInt8]>([])
        let (_, stream) = try Self.open(Self.ask(.chunks(length: nil))) { call in
            do {
                try call.goOn()
                var piece = [UInt8](repeating: 0, count: 1000)
                while true {
                    var room = piece.mutableSpan
                    let count = try call.receive(&room)
                    guard count > 0 else { break }
                    echoed.withLock { $0 += piece[..<count] }
                }
            } catch {}
            return GatewayDesk.Outcome(
                ErrandAnswer(status: 200, headers: [], body: [7]),
                rest: .init(
                    pull: { room in
                        echoed.withLock { rest in
                            let count = min(room.count, rest.count)
                            for index in 0..<count { room[index] = rest[index] }
                            rest.removeFirst(count)
                            return count
                        }
                    }, cut: {}))
        }
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let goOn = try stream.receive(maxBody: 0, until: .after(seconds: 30))
        guard case .answer(100, _, true) = try PassageReply(goOn.head) else { throw Unreachable.closed.problem }
        try stream.send(piece: body.span) { .after(seconds: 30) }
        try stream.endChunks(complete: true, until: .after(seconds: 30))
        let head = try stream.receive(maxBody: 10, until: .after(seconds: 30))
        guard case .answer(200, _, false) = try PassageReply(head.head) else { throw Unreachable.closed.problem }
        var got = head.body
        var piece = [UInt8](repeating: 0, count: 100_000)
        while true {
            var room = piece.mutableSpan
            let count = try stream.receive(chunk: &room, until: .after(seconds: 30))
            guard count > 0 else { break }
            got += piece[..<count]
        }
        #expect(got == [7] + body)
    }

    /// A platform that is silent in the middle of its answer does not hide that nobody waits for it.
    @Test func `end when their client is gone, also where nothing is sent meanwhile`() throws {
        let wake = Signal()
        let cuts = Atomic(0)
        let isSent = Atomic(false)
        let (desk, stream) = try Self.open(Self.ask()) { _ in
            GatewayDesk.Outcome(
                ErrandAnswer(status: 200, headers: [], body: [7]),
                rest: .init(
                    pull: { _ in
                        _ = wake.wait(until: .after(seconds: 60))
                        return nil
                    },
                    cut: {
                        cuts.add(1, ordering: .relaxed)
                        wake.raise()
                    }), sent: { isSent.store(true, ordering: .relaxed) })
        }
        _ = try stream.receive(maxBody: 10, until: .after(seconds: 30))
        desk.prune()
        #expect(cuts.load(ordering: .relaxed) == 0, "its client is still there")
        stream.cut()
        let deadline = Deadline.after(seconds: 30)
        while !isSent.load(ordering: .relaxed), !deadline.hasPassed {
            desk.prune()
            Clock.sleep(microseconds: 1000)
        }
        #expect(isSent.load(ordering: .relaxed) && cuts.load(ordering: .relaxed) > 0)
    }
}

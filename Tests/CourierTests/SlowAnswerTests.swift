import Errands
import Linux
import Rules
import Testing

/// A platform that says how its answer begins, and then a byte of it now and then, or nothing.
private final class SlowServer: Sendable {
    let port: UInt16
    private let listening: FileDescriptor

    init(isSilent: Bool) throws {
        listening = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        port = listening.boundPort ?? 0
        let copy = try listening.duplicate().release()
        try Thread.start(name: "slow") {
            guard let socket = try? FileDescriptor(owning: copy).accept() else { return }
            try? socket.send(
                Array("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n".utf8), until: .after(seconds: 5))
            // Until the other end has gone.
            while !socket.hasEnded {
                if !isSilent { try? socket.send([0x61], until: .after(seconds: 5)) }
                Clock.sleep(microseconds: 100_000)
            }
        }
    }

    deinit { listening.shutDown() }
}

/// The keeper waits as long as for any call, and must not take the courier for dead.
@Suite struct `An answer that comes slowly` {
    private static func answer(
        isSilent: Bool
    ) throws -> Result<(status: Int, count: Int, isWhole: Bool), Problem> {
        let server = try SlowServer(isSilent: isSilent)
        let courier = try LiveCourier()
        do throws(Problem) {
            let passage = try courier.keeper.pass(
                PassageAsk(
                    method: "GET", url: "http://127.0.0.1:\(server.port)/api/users.list", headers: [],
                    timeoutSeconds: 1, mayRepeat: false), body: [], courier.keeper.turn(of: 1))
            defer { passage.end() }
            let answer = try passage.answer(until: .after(seconds: 16))
            return .success((answer.status, answer.body.count, answer.isWhole))
        } catch { return .failure(error) }
    }

    @Test func `is passed on as far as it has come`() throws {
        let answer = try Self.answer(isSilent: false).get()
        #expect(answer.status == 200 && answer.count > 0 && !answer.isWhole)
    }

    @Test func `and has nothing but a head is the platform's silence`() throws {
        guard case .failure(let problem) = try Self.answer(isSilent: true) else {
            Issue.record("there was an answer")
            return
        }
        #expect(problem.code == .platformUnreachable)
    }
}

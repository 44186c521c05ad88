import Glibc
import HTTPServer
import Linux
import Synchronization
import Testing

private let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/// What a test's stream says next; `pull` waits for it.
private final class Script: Sendable {
    private struct State {
        var pieces: [String] = []
        var isOver = false
        var interruptions: [HTTPServer.Stream.Interruption] = []
        var waiting = 0
    }

    private let gate = Gate(State())
    let sent = Counter()
    let endsWhenStopped: Bool

    init(_ pieces: [String] = [], over: Bool = false, endsWhenStopped: Bool = true) {
        self.endsWhenStopped = endsWhenStopped
        gate.withLock { state in
            state.pieces = pieces
            state.isOver = over
        }
    }

    func say(_ text: String) {
        gate.withLock { $0.pieces.append(text) }
        gate.wakeAll()
    }

    var interruptions: [HTTPServer.Stream.Interruption] { gate.withLock { $0.interruptions } }

    var isWaiting: Bool { gate.withLock { $0.waiting > 0 } }

    func response(length: Int? = nil) -> HTTPServer.Response {
        let stream = HTTPServer.Stream(
            length: length,
            interrupted: { why in
                self.gate.withLock { state in
                    state.interruptions.append(why)
                    if why == .gone || self.endsWhenStopped { state.isOver = true }
                }
                self.gate.wakeAll()
            },
            pull: { room in
                self.gate.withLock { $0.waiting += 1 }
                defer { self.gate.withLock { $0.waiting -= 1 } }
                let next: String? = self.gate.wait { state -> String?? in
                    if !state.pieces.isEmpty { return .some(state.pieces.removeFirst()) }
                    return state.isOver ? .some(nil) : nil
                }.flatMap { $0 }
                guard let next else { return .end }
                guard next != "broken" else { return .broken }
                let bytes = Array(next.utf8)
                for index in bytes.indices { room[index] = bytes[index] }
                return .bytes(bytes.count)
            })
        return HTTPServer.Response(status: 200, body: .stream(stream)) { self.sent.add() }
    }
}

@Suite struct `A streamed answer` {
    @Test func `arrives piece by piece as it is made`() throws {
        let script = Script()
        let server = try TestServer { _ in script.response() }
        let wire = Wire(server.path)
        wire.say(get)
        script.say("one;")
        #expect(wire.hear(until: "one;\r\n").contains("Transfer-Encoding: chunked"))
        script.say("two;")
        #expect(wire.hear(until: "two;\r\n") == "4\r\ntwo;\r\n")
        #expect(script.sent.value == 0)
    }

    @Test(arguments: [nil, 8] as [Int?])
    func `ends where it says, and the next request is answered`(_ length: Int?) throws {
        let script = Script(["one;", "two;"], over: true)
        let server = try TestServer { request in
            request.path == "/" ? script.response(length: length) : text("next;")
        }
        let wire = Wire(server.path)
        wire.say(get + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        let heard = wire.hear(until: "next;")
        #expect(heard.hasSuffix("next;") && heard.contains("two;"), "\(heard)")
        #expect(heard.contains(length == nil ? "two;\r\n0\r\n\r\n" : "Content-Length: 8"), "\(heard)")
        #expect(script.sent.value == 1)
    }

    @Test(arguments: [(nil, ["one;", "broken"]), (9, ["one;", "two;"])] as [(Int?, [String])])
    func `that is cut short looks cut short`(_ length: Int?, _ pieces: [String]) throws {
        let script = Script(pieces, over: true)
        let server = try TestServer { _ in script.response(length: length) }
        let wire = Wire(server.path)
        wire.say(get)
        let heard = try #require(wire.hearToEnd())
        #expect(heard.contains("one;") && !heard.hasSuffix("0\r\n\r\n"), "\(heard)")
        #expect(comesTrue { script.sent.value == 1 })
    }

    @Test func `is not made for HEAD, which is told its length`() throws {
        let script = Script()
        let server = try TestServer { _ in script.response(length: 8) }
        let wire = Wire(server.path)
        wire.say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        let heard = wire.hear(until: "\r\n\r\n")
        #expect(heard.hasPrefix("HTTP/1.1 200 ") && heard.contains("Content-Length: 8\r\n"), "\(heard)")
        #expect(comesTrue { script.sent.value == 1 })
        #expect(script.interruptions.isEmpty)
    }

    @Test func `is told when its client has left or its connection was cut, whatever it waits for`() throws {
        for isCut in [false, true] {
            let script = Script()
            let held = Mutex<HTTPServer.Connection?>(nil)
            let server = try TestServer { request in
                held.withLock { $0 = request.connection }
                return script.response()
            }
            let client = Wire(server.path)
            client.say(get)
            #expect(comesTrue { script.isWaiting })
            if isCut {
                held.withLock { $0 }?.cut()
                #expect(client.hearToEnd()?.hasSuffix("0\r\n\r\n") == false)
                #expect(comesTrue { server.disconnections.value == 1 })
            } else {
                client.close()
            }
            #expect(comesTrue { script.interruptions == [.gone] && script.sent.value == 1 })
        }
    }

    @Test func `goes on to a client that has only ended its sending`() throws {
        let script = Script()
        let server = try TestServer { _ in script.response() }
        let wire = Wire(server.path)
        wire.say(get)
        wire.endSending()
        #expect(comesTrue { script.isWaiting })
        // Longer than the server needs to notice one that has left.
        #expect(!comesTrue(within: 1500) { !script.interruptions.isEmpty })
        script.say("still;")
        #expect(wire.hear(until: "still;").contains("still;"))
    }

    @Test func `is bounded by each piece, not in all`() throws {
        var limits = HTTPServer.Limits()
        limits.send = 800
        let script = Script()
        let server = try TestServer(limits: limits) { _ in script.response() }
        let wire = Wire(server.path)
        wire.say(get)
        for piece in 0..<4 {
            usleep(250_000)
            script.say("\(piece);")
            #expect(wire.hear(until: "\(piece);\r\n").hasSuffix("\(piece);\r\n"))
        }
        // Nobody reads: more than the socket holds cannot leave, and that ends it.
        for _ in 0..<400 { script.say(String(repeating: "x", count: 8000)) }
        #expect(comesTrue { script.sent.value == 1 && server.disconnections.value == 1 })
    }

    @Test func `is asked to end when the server stops`() throws {
        let script = Script()
        let server = try TestServer { _ in script.response() }
        let wire = Wire(server.path)
        wire.say(get)
        #expect(comesTrue { script.isWaiting })
        #expect(server.server.stop(within: 30_000))
        #expect(wire.hearToEnd()?.hasSuffix("0\r\n\r\n") == true)
        #expect(script.interruptions == [.stopping] && script.sent.value == 1)
    }

    @Test func `may finish when the server stops`() throws {
        let script = Script(endsWhenStopped: false)
        let server = try TestServer { _ in script.response() }
        let wire = Wire(server.path)
        wire.say(get)
        #expect(comesTrue { script.isWaiting })
        let stopped = Counter()
        try Thread.start(name: "stop") { if server.server.stop(within: 30_000) { stopped.add() } }
        #expect(comesTrue { script.interruptions == [.stopping] })
        script.say("rest;")
        #expect(wire.hear(until: "rest;").contains("rest;"))
        #expect(stopped.value == 0)
        wire.close()
        #expect(comesTrue { stopped.value == 1 })
    }
}

import Glibc
import HTTPServer
import Linux
import Synchronization
import Testing

private let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/// Four megabytes that tests change while they are being sent.
@safe private final class Shared: @unchecked Sendable {
    static let count = 4 * 1024 * 1024
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)

    init() { fill(UInt8(ascii: "a")) }

    deinit { unsafe memory.deallocate() }

    func fill(_ byte: UInt8) { unsafe memory.initializeMemory(as: UInt8.self, repeating: byte) }

    var lent: HTTPServer.LentBytes { unsafe HTTPServer.LentBytes(UnsafeRawBufferPointer(memory)) }
}

@Suite struct `An answer` {
    /// A platform sends such fields, and an answer must not be lost for one.
    @Test func `leaves with a field that has no value left out`() throws {
        let server = try TestServer { _ in
            HTTPServer.Response(
                status: 200, headers: [.init("ETag", ""), .init("X-A", " \t"), .init("X-B", "b")], body: .text("whole"))
        }
        let wire = Wire(server.path)
        wire.say(get)
        let heard = wire.hear(until: "whole")
        #expect(heard.contains("X-B: b\r\n") && !heard.contains("ETag") && !heard.contains("X-A"))
    }

    @Test func `of lent memory is sent from there`() throws {
        let shared = Shared()
        let sent = Counter()
        let server = try TestServer { _ in
            HTTPServer.Response(status: 200, body: .lent(shared.lent)) { sent.add() }
        }
        let wire = Wire(server.path)
        wire.say(get)
        let begun = wire.hear() ?? ""
        #expect(begun.hasPrefix("HTTP/1.1 200 ") && begun.hasSuffix("a"))
        #expect(sent.value == 0)
        shared.fill(UInt8(ascii: "b"))
        var heard = ""
        while sent.value == 0, let more = wire.hear() { heard = more }
        while !heard.hasSuffix("b"), let more = wire.hear() { heard = more }
        #expect(heard.hasSuffix("b"))
        #expect(sent.value == 1)
    }

    @Test(arguments: ["GET", "HEAD", "POST"])
    func `says once that it has left`(_ method: String) throws {
        let sent = Counter()
        let server = try TestServer { _ in
            HTTPServer.Response(status: 200, headers: [.init("X-End", "1")], body: .text("done;")) { sent.add() }
        }
        let wire = Wire(server.path)
        for round in 1...3 {
            wire.say("\(method) / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            #expect(wire.hear(until: method == "HEAD" ? "\r\n\r\n" : "done;").contains("Content-Length: 5"))
            #expect(comesTrue { sent.value == round })
        }
        wire.close()
        #expect(comesTrue { server.disconnections.value == 1 })
        #expect(sent.value == 3)
    }

    @Test func `whose client has gone says so once`() throws {
        let shared = Shared()
        let sent = Counter()
        let server = try TestServer { _ in HTTPServer.Response(status: 200, body: .lent(shared.lent)) { sent.add() } }
        for gone in 1...20 {
            do {
                let wire = Wire(server.path)
                wire.say(get)
                if gone % 2 == 0 { _ = wire.hear() }
            }
            #expect(comesTrue { server.disconnections.value == gone })
        }
        #expect(sent.value <= 20 && comesTrue { server.server.connections == 0 })
        // Those that left before their request was read have none.
        #expect(sent.value >= 10)
    }

    @Test func `nobody takes ends with its time`() throws {
        var limits = HTTPServer.Limits()
        limits.send = 200
        let shared = Shared()
        let sent = Counter()
        let server = try TestServer(limits: limits) { _ in
            HTTPServer.Response(status: 200, body: .lent(shared.lent)) { sent.add() }
        }
        let wire = Wire(server.path)
        wire.say(get)
        #expect(comesTrue { sent.value == 1 && server.disconnections.value == 1 })
    }

    @Test func `with a field that is none becomes no answer`() throws {
        let sent = Counter()
        let server = try TestServer { _ in
            HTTPServer.Response(status: 200, headers: [.init("X", "a\r\nSet-Cookie: b")]) { sent.add() }
        }
        let wire = Wire(server.path)
        wire.say(get)
        #expect(wire.hearToEnd()?.contains("Set-Cookie") == false)
        #expect(comesTrue { sent.value == 1 })
    }
}

@Suite struct `A server` {
    @Test func `cuts a connection in the middle of a request`() throws {
        let held = Mutex<HTTPServer.Connection?>(nil)
        let entered = Counter()
        let shared = Shared()
        let server = try TestServer { request in
            held.withLock { $0 = request.connection }
            entered.add()
            return HTTPServer.Response(status: 200, body: .lent(shared.lent))
        }
        let wire = Wire(server.path)
        wire.say(get)
        #expect(comesTrue { entered.value == 1 })
        held.withLock { $0 }?.cut()
        let heard = try #require(wire.hearToEnd())
        #expect(heard.utf8.count < Shared.count)
        #expect(comesTrue { server.disconnections.value == 1 })
        held.withLock { $0 }?.cut()
    }

    @Test func `that stops lets running requests finish and takes no more`() throws {
        let entered = Counter()
        let go = Counter()
        let server = try TestServer { _ in
            entered.add()
            _ = comesTrue { go.value == 1 }
            return text("done;")
        }
        let idle = Wire(server.path)
        let running = Wire(server.path)
        running.say(get)
        #expect(comesTrue { entered.value == 1 && server.server.connections == 2 })
        let stopped = Counter()
        try Thread.start(name: "stop") { if server.server.stop(within: 30_000) { stopped.add() } }
        #expect(idle.hearToEnd() == "")
        let late = Wire(server.path)
        #expect(!late.say(get) || late.hearToEnd() == "")
        #expect(stopped.value == 0)
        go.add()
        let heard = try #require(running.hearToEnd())
        #expect(heard.hasSuffix("done;") && heard.contains("Connection: close"))
        #expect(comesTrue { stopped.value == 1 && server.disconnections.value == 2 })
    }

    @Test func `says when requests did not finish in time`() throws {
        let go = Counter()
        let entered = Counter()
        let server = try TestServer { _ in
            entered.add()
            _ = comesTrue { go.value == 1 }
            return text("done;")
        }
        let wire = Wire(server.path)
        wire.say(get)
        #expect(comesTrue { entered.value == 1 })
        #expect(!server.server.stop(within: 50))
        go.add()
    }

    @Test func `lives through five thousand connections`() throws {
        #expect(Hardening.raiseDescriptorLimit(to: 12_000) >= 12_000, "this test needs 12 000 descriptors")
        var limits = HTTPServer.Limits()
        limits.connectionsPerShare = 5000
        let server = try TestServer(limits: limits) { _ in text("done;") }
        let wires = (0..<5000).map { _ in
            let wire = Wire(server.path)
            wire.say(get)
            return wire
        }
        var answered = 0
        var refused = 0
        for wire in wires {
            let heard = wire.hear(until: "}", or: ";")
            if heard.contains("too_many_connections") { refused += 1 }
            if heard.hasSuffix("done;") { answered += 1 }
        }
        // All of them stay open until all have heard: on a busy machine the last are accepted long after the first.
        for wire in wires { wire.close() }
        #expect(answered == 4096 && refused == 904)
        #expect(comesTrue { server.server.connections == 0 })
        let wire = Wire(server.path)
        wire.say(get)
        #expect(wire.hear(until: ";").hasSuffix("done;"))
    }
}

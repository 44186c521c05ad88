import HTTPServer
import Testing

private func quick() -> HTTPServer.Limits {
    var limits = HTTPServer.Limits()
    limits.receive = 500
    limits.idle = 500
    return limits
}

@Suite struct `A request that is not whole` {
    @Test(arguments: [
        "", "GET", "GET / HTTP/1.1\r\nHost: h\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ])
    func `is told so when its time is over, and the connection ends`(_ beginning: String) throws {
        let server = try TestServer(limits: quick()) { _ in text("never") }
        let wire = Wire(server.path)
        wire.say(beginning)
        let heard = try #require(wire.hearToEnd())
        #expect(heard.hasPrefix("HTTP/1.1 408 "), "\(heard)")
        #expect(heard.contains("application/problem+json") && heard.hasSuffix("{\"code\":\"request_timeout\"}"))
        #expect(comesTrue { server.disconnections.value == 1 })
    }

    @Test func `gains no time by sending a byte now and then`() throws {
        let server = try TestServer(limits: quick()) { _ in text("never") }
        let wire = Wire(server.path)
        wire.say("GET / HTTP/1.1\r\nX: ")
        #expect(comesTrue { !wire.say("x") })
        #expect(wire.hearToEnd()?.hasPrefix("HTTP/1.1 408 ") == true)
    }

    @Test func `does not begin before one answer has ended`() throws {
        let server = try TestServer(limits: quick()) { _ in text("done;") }
        let wire = Wire(server.path)
        wire.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(wire.hear(until: "done;").hasSuffix("done;"))
        // Idle, so it ends without a word.
        #expect(wire.hearToEnd() == "")
    }
}

@Suite struct `A request that is refused` {
    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 66_000))\r\n\r\n", "431", "header_too_large"),
        ("GET /a\u{0}b HTTP/1.1\r\nHost: h\r\n\r\n", "400", "bad_request"),
        ("GET /a\u{0} HTTP/1.1\r\nHost: h\r\n\r\n", "400", "bad_request"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", "413", "too_large"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n\(String(repeating: "x", count: 101))",
            "413", "too_large"
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400", "bad_request"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", "400",
            "bad_request"
        ),
    ])
    func `is answered in our words without being read further, and the connection ends`(
        _ sent: String, _ status: String, _ code: String
    ) throws {
        let server = try TestServer(bodyLimit: 100) { _ in text("taken") }
        let wire = Wire(server.path)
        wire.say(sent)
        let heard = try #require(wire.hearToEnd())
        #expect(heard.hasPrefix("HTTP/1.1 \(status) "), "\(heard)")
        #expect(heard.hasSuffix("{\"code\":\"\(code)\"}"), "\(heard)")
        #expect(comesTrue { server.server.connections == 0 && server.disconnections.value == 1 })
        #expect(server.refusals.value == 1)
    }

    @Test(arguments: [
        "\r\n\r\n\r\n\u{0}", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", "GET /\r\n\r\n\r\n", "\u{1}\u{2}\u{3} \r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 200_000))\r\n\r\n",
        "GET /\(String(repeating: "x", count: 200_000)) HTTP/1.1\r\nHost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ])
    func `because it is no HTTP never reaches the handler, and the service hears of it`(_ sent: String) throws {
        let handled = Counter()
        let server = try TestServer(limits: quick()) { request in
            handled.add()
            return text("taken")
        }
        let wire = Wire(server.path)
        wire.say(sent)
        let heard = try #require(wire.hearToEnd())
        #expect(!heard.hasPrefix("HTTP/1.1 2"), "\(heard)")
        #expect(handled.value == 0)
        #expect(comesTrue { server.server.connections == 0 && server.disconnections.value == 1 })
        #expect(server.refusals.value == 1)
    }

    /// Who leaves has asked nothing, and what was answered was no refusal.
    @Test func `is told from one that was never made`() throws {
        let server = try TestServer { _ in text("done;") }
        Wire(server.path).close()
        let half = Wire(server.path)
        half.say("GET / HT")
        half.close()
        let later = Wire(server.path)
        later.say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(later.hearToEnd()?.hasSuffix("done;") == true)
        #expect(comesTrue { server.disconnections.value == 3 })
        #expect(server.refusals.value == 0)
        let kept = Wire(server.path)
        kept.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(kept.hear(until: "done;").hasSuffix("done;"))
        kept.say("GET /\(String(repeating: "x", count: 200_000)) HTTP/1.1\r\n\r\n")
        #expect(comesTrue { server.disconnections.value == 4 })
        #expect(server.refusals.value == 1)
    }

    @Test func `may have the largest body and header there are`() throws {
        let server = try TestServer { request in
            text("\(request.body.byteCount) \(request.header("x")?.utf8.count ?? 0);")
        }
        let wire = Wire(server.path)
        wire.say("POST / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 65_000))\r\n")
        wire.say("Content-Length: 1048576\r\n\r\n\(String(repeating: "x", count: 1_048_576))")
        #expect(wire.hear(until: ";").hasSuffix("1048576 65000;"))
    }
}

@Suite struct `A connection` {
    @Test func `that is not wanted is closed without a word`() throws {
        let server = try TestServer(connected: { _ in nil }, handle: { _ in text("never") })
        let wire = Wire(server.path)
        #expect(wire.hearToEnd() == "")
        #expect(server.disconnections.value == 0)
    }

    @Test(arguments: [(2, 100), (100, 2)])
    func `over the limit or the share is told so and ends, until one has left`(_ all: Int, _ each: Int) throws {
        var limits = HTTPServer.Limits()
        limits.connections = all
        limits.connectionsPerShare = each
        let server = try TestServer(limits: limits) { _ in text("done;") }
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        do {
            let first = Wire(server.path)
            let second = Wire(server.path)
            first.say(get)
            second.say(get)
            #expect(first.hear(until: ";").hasSuffix("done;") && second.hear(until: ";").hasSuffix("done;"))
            let third = Wire(server.path)
            third.say(get)
            let heard = try #require(third.hearToEnd())
            #expect(heard.hasPrefix("HTTP/1.1 503 ") && heard.hasSuffix("{\"code\":\"too_many_connections\"}"))
        }
        #expect(comesTrue { server.server.connections == 0 })
        let fourth = Wire(server.path)
        fourth.say(get)
        #expect(fourth.hear(until: ";").hasSuffix("done;"))
    }
}

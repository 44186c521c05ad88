import Errands
import Glibc
import Linux
import Rules
import Testing

@Suite struct `The courier` {
    @Test func `carries an errand as it is and brings the whole answer`() throws {
        let platform = try LoopbackPlatform()
        let courier = try LiveCourier()
        let errand = Errand(
            method: "POST", url: platform.url("/api/chat.postMessage?a=1%2F2"),
            headers: [("Authorization", "Bearer xoxb-1"), ("Content-Type", "application/json"), ("X-Empty", "")],
            body: Array(#"{"text":"é"}"#.utf8), timeoutSeconds: 10)
        let answer = try courier.keeper.carry(errand)
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.status == 200 && answer.header("x-oauth-scopes") == "chat:write")
        #expect(text.hasPrefix("POST /api/chat.postMessage?a=1%2F2\n"))
        #expect(text.contains("Authorization: Bearer xoxb-1\n") && text.contains("X-Empty: \n"))
        #expect(text.hasSuffix("\n\n{\"text\":\"é\"}"))
        #expect(!text.contains("Expect:") && !text.contains("Cookie:"))
    }

    @Test func `says how long an empty body is`() throws {
        let platform = try LoopbackPlatform()
        let courier = try LiveCourier()
        let answer = try courier.keeper.carry(Errand(method: "POST", url: platform.url("/api/auth.test")))
        #expect(String(decoding: answer.body, as: UTF8.self).contains("Content-Length: 0\n"))
    }

    @Test func `brings at most what was asked for, up to 4 MiB`() throws {
        let platform = try LoopbackPlatform()
        let courier = try LiveCourier()
        #expect(courier.get(platform.url("/bytes?n=\(Frame.maxBody)")).answer?.body.count == Frame.maxBody)
        #expect(courier.get(platform.url("/bytes?n=\(Frame.maxBody + 1)")).unreachable == .tooLarge)
        #expect(courier.get(platform.url("/bytes?n=100"), limit: 100).answer?.body.count == 100)
        #expect(courier.get(platform.url("/bytes?n=101"), limit: 100).unreachable == .tooLarge)
        #expect(courier.get(platform.url("/bytes?n=0"), limit: 0).answer?.body.isEmpty == true)
    }

    @Test func `does not follow a redirect`() throws {
        let other = try LoopbackPlatform()
        let platform = try LoopbackPlatform(redirect: other.url("/elsewhere"))
        let courier = try LiveCourier()
        let answer = courier.get(platform.url("/redirect")).answer
        #expect(answer?.status == 302 && answer?.header("Location") == other.url("/elsewhere"))
        #expect(platform.requests.count == 1 && other.requests.isEmpty)
    }

    @Test(
        arguments: [
            ("", .closed), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", .closed), ("SSH-2.0-x\r\n", .closed),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", .closed),
        ] as [(String, Unreachable)])
    func `says so when an answer is cut off, and asks only once`(_ answer: String, _ why: Unreachable) throws {
        let platform = try RawPlatform(answer)
        let courier = try LiveCourier()
        #expect(courier.get(platform.url("/")).unreachable == why)
        #expect(platform.connections == 1)
    }

    @Test func `brings an error page as an answer`() throws {
        let platform = try RawPlatform("HTTP/1.1 503 Down\r\nContent-Length: 6\r\n\r\n<html>")
        let courier = try LiveCourier()
        let answer = courier.get(platform.url("/")).answer
        #expect(answer?.status == 503 && answer?.body == Array("<html>".utf8))
    }

    @Test func `says so when nobody is there`() throws {
        let port = try { try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0)).boundPort ?? 0 }()
        let courier = try LiveCourier()
        #expect(courier.get("http://127.0.0.1:\(port)/").unreachable == .connect)
    }

    @Test func `gives up in time`() throws {
        // Accepts in the kernel, never answers.
        let silent = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let courier = try LiveCourier()
        let errand = Errand(method: "GET", url: "http://127.0.0.1:\(silent.boundPort ?? 0)/", timeoutSeconds: 1)
        #expect(courier.keeper.attempt(errand).unreachable == .timeout)
    }

    @Test func `sends nothing in plain text to anybody but this machine by name`() throws {
        // 0.0.0.0 reaches the loopback listener, so a packet would be seen.
        let platform = try RawPlatform("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let courier = try LiveCourier()
        for host in ["0.0.0.0", "[::ffff:127.0.0.1]", "u:p@127.0.0.1"] {
            #expect(courier.get("http://\(host):\(platform.port)/").unreachable == .refusedURL, "\(host)")
        }
        for url in ["ftp://127.0.0.1:\(platform.port)/", "file:///etc/passwd", "gopher://127.0.0.1:\(platform.port)/"] {
            #expect(courier.get(url).unreachable == .refusedURL, "\(url)")
        }
        #expect(platform.connections == 0)
        #expect(courier.get("http://127.0.0.1:\(platform.port)/").answer?.status == 200)
    }

    @Test func `carries many at once, and each ends by itself`() throws {
        let platform = try LoopbackPlatform()
        let silent = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let courier = try LiveCourier()
        let results = Gate<[Bool]>([])
        for index in 0..<64 {
            let slow = index.isMultiple(of: 8)
            let url = slow ? "http://127.0.0.1:\(silent.boundPort ?? 0)/" : platform.url("/bytes?n=\(index * 1000)")
            try Thread.start(name: "errand \(index)") {
                let errand = Errand(method: "GET", url: url, timeoutSeconds: slow ? 2 : 20)
                let outcome = courier.keeper.attempt(errand)
                let isRight =
                    slow ? outcome.unreachable == .timeout : outcome.answer?.body.count == index * 1000
                results.withLock { $0.append(isRight) }
                results.wakeAll()
            }
        }
        let all = results.wait(until: .after(seconds: 60)) { $0.count == 64 ? $0 : nil }
        #expect(all == .init(repeating: true, count: 64))
    }

    @Test func `killed in the middle is replaced, and only its own errand fails`() throws {
        let platform = try LoopbackPlatform()
        let silent = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let courier = try LiveCourier()
        let first = courier.newest
        let port = silent.boundPort ?? 0
        let outcome = Gate<Courier.Outcome?>(nil)
        try Thread.start(name: "doomed") {
            let errand = Errand(method: "GET", url: "http://127.0.0.1:\(port)/", timeoutSeconds: 60)
            let result = courier.keeper.attempt(errand)
            outcome.withLock { $0 = result }
            outcome.wakeAll()
        }
        // Under way once its connection is there.
        let connection = try silent.accept(until: .after(seconds: 10))
        first.send(signal: SIGKILL)
        let ended = outcome.wait(until: .after(seconds: 20)) { $0 }
        connection.shutDown()
        guard case .failed(let problem, let sent) = ended else {
            Issue.record("the errand did not fail")
            return
        }
        #expect(problem.code == .courierUnavailable && sent)
        #expect(courier.get(platform.url("/bytes?n=5")).answer?.body.count == 5)
        #expect(courier.starts == 2)
    }

    @Test func `ends with its keeper`() throws {
        let courier = try LiveCourier()
        let child = courier.newest
        courier.keeper.stop()
        #expect(try child.wait() == .exited(0))
    }

    @Test func `is not ended by the signals a service manager sends to all`() throws {
        let platform = try LoopbackPlatform()
        let courier = try LiveCourier()
        for signal in [SIGTERM, SIGINT, SIGHUP] { courier.newest.send(signal: signal) }
        #expect(courier.get(platform.url("/bytes?n=5")).answer?.body.count == 5)
        #expect(courier.starts == 1)
    }

    @Test(arguments: [["--verbose"], ["--callback-listen"], ["--callback-listen", "example.com:1"]])
    func `refuses options it does not have`(_ arguments: [String]) throws {
        let child = try ChildProcess.start(Program.sibling("postern-courier"), arguments)
        #expect(try child.wait() == .exited(2))
    }
}

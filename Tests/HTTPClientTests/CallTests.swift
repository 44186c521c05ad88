import Glibc
import HTTPClient
import HTTPServer
import Linux
import Rules
import Synchronization
import Testing

private func echo(_ request: borrowing HTTPServer.Request) -> HTTPServer.Response {
    let fields = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
    return HTTPServer.Response(
        status: 207, headers: [.init("X-A", "1"), .init("x-a", "2"), .init("Set-Cookie", "c=1; Path=/")],
        body: .bytes(Array("\(request.method) \(request.target) \(request.body.byteCount) \(fields)".utf8)))
}

private func kind(_ request: HTTPClient.Request, by client: HTTPClient = HTTPClient()) -> HTTPClient.Failure.Kind? {
    do throws(HTTPClient.Failure) {
        _ = try client.perform(request)
        return nil
    } catch {
        return error.kind
    }
}

@Suite struct `A call` {
    @Test(arguments: [
        ("GET", 0, "GET /a%2F../b?x=1 0 Host="), ("POST", 3, "POST /a%2F../b?x=1 3 Host="),
        ("POST", 0, "POST /a%2F../b?x=1 0 Host="), ("PATCH", 200_000, "PATCH /a%2F../b?x=1 200000 Host="),
        ("DELETE", 0, "DELETE /a%2F../b?x=1 0 Host="),
    ])
    func `sends what it is told to and nothing else`(_ method: String, _ count: Int, _ want: String) throws {
        let server = try LoopbackServer(handle: echo)
        let body = [UInt8](repeating: 7, count: count)
        let answer = try HTTPClient().perform(
            HTTPClient.Request(
                method, server.url + "/a%2F../b?x=1", headers: [.init("X-One", "1"), .init("X-E", "")], body: body))
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.status == 207 && text.hasPrefix(want), "\(text)")
        #expect(answer.headers.filter { $0.name.lowercased() == "x-a" }.map(\.value) == ["1", "2"])
        #expect(answer.header("x-a") == "1")
        let names = text.split(separator: " ").last!.split(separator: "|").map { $0.split(separator: "=")[0] }
        #expect(Set(names).isSubset(of: ["Host", "X-One", "X-E", "Content-Length"]), "\(text)")
    }

    @Test func `goes over a Unix socket when told so`() throws {
        var template = Array("/tmp/postern-http-XXXXXX".utf8CString)
        let directory = unsafe String(cString: mkdtemp(&template))
        defer { _ = unsafe rmdir(directory) }
        let path = directory + "/s"
        defer { _ = unsafe unlink(path) }
        final class Nobody: Sendable {}
        let nobody = Nobody()
        let server = try HTTPServer(
            listening: UnixListener(path: path, mode: 0o600).takeDescriptor(),
            service: HTTPServer.Service(
                connected: { _ in HTTPServer.Admission(context: nobody, share: 0) },
                refuse: { problem, _ in HTTPServer.Response(status: problem.code.status) }, handle: echo))
        defer { _ = server.stop(within: 5000) }
        let answer = try HTTPClient().perform(HTTPClient.Request("GET", "http://localhost/v1", unixSocket: path))
        #expect(String(decoding: answer.body, as: UTF8.self) == "GET /v1 0 Host=localhost")
        #expect(kind(HTTPClient.Request("GET", "http://localhost/", unixSocket: directory + "/none")) == .connect)
    }

    @Test func `follows no redirect and keeps no cookie`() throws {
        let seen = Mutex<[String]>([])
        let server = try LoopbackServer { request in
            seen.withLock { $0.append(request.target + (request.header("Cookie") ?? "")) }
            return HTTPServer.Response(
                status: 302, headers: [.init("Location", "/elsewhere"), .init("Set-Cookie", "c=1; Path=/")])
        }
        let client = HTTPClient(keeping: 1)
        for _ in 0..<2 {
            let answer = try client.perform(HTTPClient.Request("GET", server.url + "/here"))
            #expect(answer.status == 302 && answer.header("location") == "/elsewhere")
        }
        #expect(seen.withLock { $0 } == ["/here", "/here"])
    }

    @Test func `has an answer up to its limit and no longer one`() throws {
        let server = try LoopbackServer { _ in
            HTTPServer.Response(status: 200, body: .bytes([UInt8](repeating: 1, count: 1000)))
        }
        var request = HTTPClient.Request("GET", server.url + "/")
        request.answerLimit = 1000
        #expect(try HTTPClient().perform(request).body.count == 1000)
        request.answerLimit = 999
        #expect(kind(request) == .tooLarge)
    }

    @Test(arguments: [1_048_577, 3_000_000, 30_000_000])
    func `with too large a body is told so over TCP too`(_ count: Int) throws {
        let server = try LoopbackServer(handle: echo)
        for _ in 0..<10 {
            let request = HTTPClient.Request("POST", server.url, body: [UInt8](repeating: 1, count: count))
            #expect(try HTTPClient().perform(request).status == 413)
        }
    }

    @Test func `reuses its connection only when it may keep it`() throws {
        let descriptors = Mutex<Set<UInt>>([])
        let server = try LoopbackServer { request in
            let connection = UInt(bitPattern: ObjectIdentifier(request.connection))
            _ = descriptors.withLock { $0.insert(connection) }
            // Held, so that no other can have its address.
            let held = request.connection
            return HTTPServer.Response(status: 200) { withExtendedLifetime(held) {} }
        }
        let client = HTTPClient(keeping: 1)
        for _ in 0..<5 { _ = try client.perform(HTTPClient.Request("GET", server.url + "/")) }
        #expect(descriptors.withLock { $0.count } == 1)
    }
}

@Suite struct `A call without an answer` {
    @Test(
        arguments: [
            (nil, .timeout), ("", .closed), ("220 smtp\r\n", .closed),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .closed),
            ("HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 80_000))\r\n\r\n", .tooLarge),
        ] as [(String?, HTTPClient.Failure.Kind)])
    func `says why`(_ said: String?, _ want: HTTPClient.Failure.Kind) throws {
        let server = try RawServer(saying: said)
        var request = HTTPClient.Request("GET", server.url + "/")
        request.timeout = said == nil ? 200 : 10_000
        #expect(kind(request) == want)
    }

    @Test func `says that nobody listens, or that no such host is known`() throws {
        let port = try freePort()
        #expect(kind(HTTPClient.Request("GET", "http://127.0.0.1:\(port)/")) == .connect)
        #expect(kind(HTTPClient.Request("GET", "https://nothing.invalid/")) == .resolve)
    }

    @Test func `goes nowhere with a field or method that is none`() throws {
        let server = try LoopbackServer(handle: echo)
        for header in [HTTPClient.Header("X", "a\r\nY: b"), .init("X Y", "a"), .init("", "a"), .init("X", "a\u{0}b")] {
            #expect(kind(HTTPClient.Request("GET", server.url, headers: [header])) == .refused)
        }
        for method in ["", "GET / HTTP/1.1\r\nX:", "A B"] {
            #expect(kind(HTTPClient.Request(method, server.url)) == .refused)
        }
    }

    @Test func `because the certificate is nobody's, sends nothing`() throws {
        var template = Array("/tmp/postern-tls-XXXXXX".utf8CString)
        let directory = unsafe String(cString: mkdtemp(&template))
        defer { _ = unsafe system("rm -rf \(directory)") }
        let made = unsafe system(
            "cd \(directory) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem "
                + "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null")
        try #require(made == 0, "this test needs the openssl program")
        let port = try freePort()
        let server = try ChildProcess.start(
            "/bin/sh",
            [
                "-c",
                "cd \(directory) && exec openssl s_server -quiet -accept 127.0.0.1:\(port) -cert c.pem -key k.pem -www "
                    + ">log 2>&1 </dev/null",
            ])
        defer {
            server.send(signal: SIGKILL)
            _ = try? server.wait()
        }
        let request = HTTPClient.Request("GET", "https://127.0.0.1:\(port)/")
        let deadline = Deadline.after(seconds: 30)
        while kind(request) == .connect, !deadline.hasPassed { usleep(20_000) }
        #expect(kind(request) == .tls)
        // The same one, trusted, is let through: it was the check that refused it.
        let trusting = HTTPClient(certificates: directory + "/c.pem")
        #expect(try trusting.perform(request).status == 200)
        // Under another name it is refused again.
        #expect(kind(HTTPClient.Request("GET", "https://127.0.0.2:\(port)/"), by: trusting) != nil)
    }
}

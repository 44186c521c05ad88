import Errands
import Linux
import Rules
import Synchronization
import Testing

/// A keeper for callbacks: remembers what it was asked, starts and ends flows as the real one would.
private final class Flow: Sendable {
    static let cookie = CallbackCookie(name: "__Secure-postern-oauth", value: "dGhlLWNvb2tpZS1vZi10aGUtYnJvd3Nlcg")
    private let asked = Mutex<[CallbackRequest]>([])
    let platform = Mutex("https://slack.com/oauth/v2/authorize?client_id=1.2&state=s-1")

    var requests: [CallbackRequest] { asked.withLock { $0 } }

    func answer(_ request: CallbackRequest) -> CallbackAnswer {
        asked.withLock { $0.append(request) }
        switch request.kind {
        case .start: return .redirect(to: platform.withLock { $0 }, setCookie: Self.cookie)
        case .callback:
            guard request.cookies[Self.cookie.name] == Self.cookie.value else {
                return .page(CallbackPage(.wrongBrowser, reference: "ref-1"))
            }
            let over = CallbackCookie(name: Self.cookie.name, value: "", maxAgeSeconds: 0)
            return .page(CallbackPage(.success, workspaceName: "Acme <Corp>", reference: "ref-1"), setCookie: over)
        }
    }
}

private struct Reply {
    let status: Int
    let head: String
    let body: String

    init(_ arguments: [String]) {
        let text = Shell.run("/usr/bin/curl", ["-s", "-i", "--max-time", "20"] + arguments)
        let normal = text.replacing("\r\n", with: "\n")
        let split = normal.firstRange(of: "\n\n")
        head = split.map { String(normal[..<$0.lowerBound]) } ?? normal
        body = split.map { String(normal[$0.upperBound...]) } ?? ""
        status = head.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
    }

    func header(_ name: String) -> String? {
        head.split(separator: "\n").first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

private let slack = "/thirdparty/slack/A012345/oauth2"

@Suite struct `The callback listener` {
    @Test func `sends a browser to the platform with a cookie for this app only`() throws {
        let flow = Flow()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        let reply = Reply(["http://\(courier.callback)\(slack)/start?state=s-1"])
        #expect(reply.status == 303)
        #expect(reply.header("Location") == "https://slack.com/oauth/v2/authorize?client_id=1.2&state=s-1")
        #expect(
            reply.header("Set-Cookie")
                == "__Secure-postern-oauth=\(Flow.cookie.value); Path=\(slack); Max-Age=600; Secure; HttpOnly; SameSite=Lax"
        )
        #expect(reply.header("Referrer-Policy") == "no-referrer" && reply.header("Cache-Control") == "no-store")
        #expect(
            flow.requests == [
                CallbackRequest(
                    kind: .start, platform: "slack", appID: "A012345", state: "s-1", address: "127.0.0.1")
            ])
    }

    @Test func `passes on what came back, and shows what the keeper says`() throws {
        let flow = Flow()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        let url = "http://\(courier.callback)\(slack)/callback?code=c%2B1&state=s-1&other=x"
        let reply = Reply(["-b", "theme=dark; __Secure-postern-oauth=\(Flow.cookie.value); sid=1", url])
        #expect(reply.status == 200 && reply.header("Content-Type") == "text/html; charset=utf-8")
        #expect(reply.body.contains("<h1>All done</h1>") && reply.body.contains("Acme &lt;Corp&gt; is connected."))
        #expect(reply.header("Set-Cookie")?.contains("Max-Age=0") == true)
        #expect(
            flow.requests == [
                CallbackRequest(
                    kind: .callback, platform: "slack", appID: "A012345", code: "c+1", state: "s-1",
                    cookies: ["__Secure-postern-oauth": Flow.cookie.value], address: "127.0.0.1")
            ])
        let without = Reply([url])
        #expect(without.status == 403 && without.body.contains("Please use the browser you began with"))
    }

    @Test func `lets nothing run, frame, cache or tell`() throws {
        let flow = Flow()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        for path in ["\(slack)/callback?code=1&state=2", "/", "/favicon.ico"] {
            let reply = Reply(["http://\(courier.callback)\(path)"])
            let policy = reply.header("Content-Security-Policy") ?? ""
            for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
                #expect(policy.contains(rule))
            }
            #expect(!policy.contains("unsafe") && !reply.body.contains("<script"))
            #expect(reply.header("X-Content-Type-Options") == "nosniff")
            #expect(reply.header("Referrer-Policy") == "no-referrer" && reply.header("Cache-Control") == "no-store")
        }
    }

    @Test(
        arguments: [
            (["/"], 404), (["/thirdparty/slack/A0/oauth2/callback/"], 404),
            (["/thirdparty/irc/A0/oauth2/callback"], 404),
            (["/thirdparty/slack/A%2F0/oauth2/callback"], 404), (["/thirdparty/slack//oauth2/start"], 404),
            (["/thirdparty/slack/../oauth2/start", "--path-as-is"], 404), (["/v1/admin/status"], 404),
            (["\(slack)/callback", "-X", "POST"], 405), (["\(slack)/start", "-X", "DELETE"], 405),
            (["\(slack)/callback?code=1&code=2&state=3"], 400), (["\(slack)/callback?state=1&state=1"], 400),
            (["\(slack)/callback", "-d", "code=1"], 413),
        ] as [([String], Int)])
    func `does not trouble the keeper with what is none of its addresses`(_ call: [String], _ status: Int) throws {
        let flow = Flow()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        let reply = Reply(Array(call.dropFirst()) + ["http://\(courier.callback)\(call[0])"])
        #expect(reply.status == status && reply.body.contains("<h1>"))
        if status == 405 { #expect(reply.header("Allow") == "GET") }
        #expect(flow.requests.isEmpty)
    }

    @Test func `does not let a stranger flood the keeper`() throws {
        let flow = Flow()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        let url = "http://\(courier.callback)\(slack)/callback?code=1&state=[1-300]"
        let codes = Shell.run("/usr/bin/curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}\\n", url])
        let count = codes.split(separator: "\n").count { $0 == "429" }
        #expect(count >= 200 && flow.requests.count == 300 - count)
        // Somebody else behind the same proxy is heard.
        let other = Reply(["-H", "X-Forwarded-For: 10.0.0.1, 192.0.2.7", url.replacing("[1-300]", with: "1")])
        #expect(other.status == 403 && flow.requests.last?.address == "192.0.2.7")
        let again = Reply([url.replacing("[1-300]", with: "1")])
        #expect(again.status == 429 && again.header("Retry-After") == "60")
    }

    @Test func `keeps code, state and cookie out of its log and its pages`() throws {
        let flow = Flow()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        let url =
            "http://\(courier.callback)\(slack)/callback?code=planted-code&state=planted-state&error=planted-error"
        let reply = Reply(["-b", "__Secure-postern-oauth=planted-cookie", url])
        #expect(reply.status == 403)
        #expect(!reply.body.contains("planted") && !courier.log.contains("planted"))
        #expect(courier.log.contains("event=courier_ready"))
    }

    @Test func `also listens on a Unix socket, for a proxy on this machine`() throws {
        let flow = Flow()
        let scratch = try Scratch()
        let path = scratch.file("callback.sock")
        let courier = try LiveCourier(callbacks: "unix:\(path)", answer: flow.answer)
        #expect(courier.callback == "unix:\(path)")
        let reply = Reply(["--unix-socket", path, "http://x\(slack)/start?state=1"])
        #expect(reply.status == 303 && flow.requests.last?.address == "local")
    }

    @Test func `is there again after the courier was killed`() throws {
        let flow = Flow()
        let port = try { try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0)).boundPort ?? 0 }()
        let courier = try LiveCourier(callbacks: "127.0.0.1:\(port)", answer: flow.answer)
        courier.newest.send(signal: 9)
        #expect(eventually { courier.starts == 2 && courier.keeper.isRunning })
        #expect(Reply(["http://127.0.0.1:\(port)\(slack)/start?state=1"]).status == 303)
    }
}

@Suite struct `A real browser` {
    private static let chromium = "/usr/bin/chromium"

    /// Installed, and able to start here: it wants more address space than some shells allow.
    private static let starts =
        Shell.exists(chromium)
        && Shell.run(chromium, ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"])
            .contains("<html>")

    @Test(
        .enabled(if: starts, "chromium is not installed or does not start: the flow is not tried in a browser"),
        arguments: ["127.0.0.1", "localhost"])
    func `goes out and comes back with its cookie`(_ host: String) throws {
        let flow = Flow()
        let platform = try LoopbackPlatform()
        let courier = try LiveCourier(callbacks: "127.0.0.1:0", answer: flow.answer)
        let base = "http://\(courier.callback.replacing("127.0.0.1", with: host))\(slack)"
        flow.platform.withLock { $0 = platform.url("/authorize?state=s-1&redirect_uri=\(base)/callback") }
        let scratch = try Scratch()
        let page = Shell.run(
            Self.chromium,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--user-data-dir=\(scratch.file("profile"))", "--dump-dom", "\(base)/start?state=s-1",
            ])
        #expect(page.contains("<h1>All done</h1>"), "\(page)")
        #expect(flow.requests.map(\.kind) == [.start, .callback])
        #expect(flow.requests.last?.cookies == [Flow.cookie.name: Flow.cookie.value])
    }
}

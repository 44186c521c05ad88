import Rules
import Testing

@testable import Errands

@Suite struct `Between keeper and courier` {
    private static let errand = Errand(
        method: "POST", url: "https://slack.com/api/oauth.v2.access",
        headers: [("Authorization", "Basic eDp5"), ("X-Two", "1"), ("X-Two", "2"), ("X-Name", "Zürich\t東京")],
        body: [0, 1, 2, 255], timeoutSeconds: 7, maxAnswerBytes: 1000)

    @Test func `an errand arrives whole and in order`() throws {
        let got = try Errand(try Self.errand.frame())
        #expect(got.method == "POST" && got.url == Self.errand.url && got.body == Self.errand.body)
        #expect(got.headers.map { "\($0.name)=\($0.value)" } == Self.errand.headers.map { "\($0.name)=\($0.value)" })
        #expect(got.timeoutSeconds == 7 && got.maxAnswerBytes == 1000)
    }

    @Test func `a malformed errand is neither written nor read`() {
        let spoilers: [(String, (inout Errand) -> Void)] = [
            ("method", { $0.method = "GE T" }), ("no method", { $0.method = "" }),
            ("url", { $0.url = "https://a/\r\nb" }), ("no url", { $0.url = "" }),
            ("header name", { $0.headers = [("A:", "b")] }), ("no header name", { $0.headers = [("", "b")] }),
            ("header value", { $0.headers = [("A", "b\r\nC: d")] }), ("null", { $0.headers = [("A", "b\0")] }),
            ("no time", { $0.timeoutSeconds = 0 }), ("much time", { $0.timeoutSeconds = 301 }),
            ("negative limit", { $0.maxAnswerBytes = -1 }),
            ("large limit", { $0.maxAnswerBytes = Frame.maxBody + 1 }),
        ]
        for (name, spoil) in spoilers {
            var errand = Self.errand
            spoil(&errand)
            #expect(throws: Problem(.badRequest, ""), "\(name)") { try errand.frame() }
        }
    }

    @Test(arguments: [
        "", "{}", "null", "[]", "{\"method\":1}", "\u{0}",
        #"{"method":"GET","url":"https://a/","headers":[["A"]],"timeout":1,"limit":1}"#,
        #"{"method":"GET","url":"https://a/","headers":[["A","b","c"]],"timeout":1,"limit":1}"#,
        #"{"method":"GET","url":"https://a/","headers":[["A","b\r\nC: d"]],"timeout":1,"limit":1}"#,
        #"{"method":"GET","url":"https://a/","headers":[],"timeout":99999999999999999999,"limit":1}"#,
    ])
    func `a head that is no errand is a bad request`(_ head: String) {
        #expect(throws: Problem(.badRequest, "")) { try Errand(Frame(head: Array(head.utf8))) }
    }

    @Test func `an answer arrives whole`() throws {
        let answer = ErrandAnswer(status: 502, headers: [("Retry-After", "30")], body: Array("<html>".utf8))
        guard case .answer(let got) = try ErrandReply(try ErrandReply.answer(answer).frame()) else {
            Issue.record("not an answer")
            return
        }
        #expect(got.status == 502 && got.body == answer.body && got.header("retry-after") == "30")
    }

    @Test(arguments: Unreachable.allCases)
    func `each way of not reaching a platform arrives`(_ why: Unreachable) throws {
        guard case .unreachable(let got) = try ErrandReply(try ErrandReply.unreachable(why).frame()) else {
            Issue.record("not a failure")
            return
        }
        #expect(got == why)
    }

    @Test(arguments: [
        "{}", #"{"status":99}"#, #"{"status":600}"#, #"{"unreachable":"hungry"}"#,
        #"{"status":200,"unreachable":"tls"}"#, #"{"status":200,"headers":[["a"]]}"#,
    ])
    func `a head that is no answer is a bad request`(_ head: String) {
        #expect(throws: Problem(.badRequest, "")) { try ErrandReply(Frame(head: Array(head.utf8))) }
    }

    @Test func `a callback arrives whole`() throws {
        let full = CallbackRequest(
            kind: .callback, platform: "slack", appID: "A0", code: "1.2.x", state: "st", error: "access_denied",
            cookies: ["__Secure-postern-oauth": "v"], address: "127.0.0.1")
        #expect(try CallbackRequest(try full.frame()) == full)
        let bare = CallbackRequest(kind: .start, platform: "", appID: "")
        #expect(try CallbackRequest(try bare.frame()) == bare)
    }

    @Test func `an answer to a browser arrives whole`() throws {
        let cookie = CallbackCookie(name: "__Secure-postern-oauth", value: "abc-_9")
        var answers: [CallbackAnswer] = CallbackPage.Kind.allCases.map { .page(CallbackPage($0)) }
        answers.append(.redirect(to: "https://slack.com/oauth/v2/authorize?x=1", setCookie: cookie))
        answers.append(.redirect(to: "https://a/", setCookie: nil))
        let page = CallbackPage(.success, workspaceName: "<Acme>", returnTo: "https://b/", reference: "r")
        answers.append(.page(page, setCookie: cookie))
        for answer in answers { #expect(try CallbackAnswer(try answer.frame()) == answer) }
    }

    @Test(arguments: ["a", "__Secure-postern-a;b", "__Secure-postern-a=b", "__Secure-postern-é"])
    func `a cookie cannot carry an attribute`(_ name: String) {
        let cookie = CallbackCookie(name: name, value: "v")
        #expect(throws: Problem(.badRequest, "")) {
            try CallbackAnswer.redirect(to: "https://a/", setCookie: cookie).frame()
        }
        let value = CallbackCookie(name: "__Secure-postern-a", value: name)
        if name != "a" {
            #expect(throws: Problem(.badRequest, "")) {
                try CallbackAnswer.page(.init(.failed), setCookie: value).frame()
            }
        }
    }

    @Test func `a redirect cannot carry a second header`() {
        #expect(throws: Problem(.badRequest, "")) {
            try CallbackAnswer(Frame(head: Array(#"{"redirect":"https://a/\r\nSet-Cookie: b"}"#.utf8)))
        }
    }

    @Test func `any bytes are a message or a bad request`() {
        var dice = SystemRandomNumberGenerator()
        let seeds = [
            #"{"method":"GET","url":"https://a/","headers":[["A","b"]],"timeout":1,"limit":1}"#, #"{"status":200}"#,
            #"{"kind":"start","platform":"slack","app":"A","cookies":{},"address":""}"#,
            #"{"page":"success","cookie":{"name":"__Secure-postern-a","value":"v","age":1}}"#,
        ]
        for round in 0..<4_000 {
            var head = Array(seeds[round % seeds.count].utf8)
            for _ in 0...Int.random(in: 0..<4, using: &dice) {
                head[Int.random(in: 0..<head.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            let frame = Frame(head: head)
            if let errand = try? Errand(frame) { #expect((try? errand.frame()) != nil) }
            if let reply = try? ErrandReply(frame) { #expect((try? reply.frame()) != nil) }
            if let request = try? CallbackRequest(frame) { #expect((try? request.frame()) != nil) }
            if let answer = try? CallbackAnswer(frame) { #expect((try? answer.frame()) != nil) }
        }
    }
}

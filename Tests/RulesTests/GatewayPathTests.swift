import Rules
import Testing

@Suite struct `A path behind the gateway` {
    /// What was sent, and the one text it is matched and sent on as.
    @Test(
        arguments: [
            ("chat.postMessage", "chat.postMessage"), ("im/v1/messages", "im/v1/messages"), ("a", "a"),
            ("auth%2Erevoke", "auth.revoke"), ("auth%2erevoke", "auth.revoke"), ("%61uth.test", "auth.test"),
            ("api/v2/a%20b", "api/v2/a%20b"), ("x/%c3%a9", "x/%C3%A9"), ("x/%40me", "x/%40me"),
            ("sheets/v2/A1:B2", "sheets/v2/A1:B2"), ("a/%3AB", "a/:B"), ("a/...", nil), ("a/..b", "a/..b"),
            ("a/b..", "a/b.."), ("a/~me,you=1!", "a/~me,you=1!"), ("a/%2A", "a/%2A"), ("a/%3F%23", "a/%3F%23"),
        ] as [(String, String?)])
    func `has one text only`(_ sent: String, _ text: String?) throws {
        guard let text else {
            #expect(throws: Problem(.badRequest, "")) { try GatewayPath(sent) }
            return
        }
        let path = try GatewayPath(sent)
        #expect(path.text == text)
        #expect(try GatewayPath(path.text) == path, "reading it again changes it")
        #expect(path.segments.allSatisfy { !$0.isEmpty })
    }

    @Test(
        arguments: [
            "", "/", "//", "/auth.test", "auth.test/", "a//b", "//evil.example/a", ".", "..", "../a", "a/..", "a/../b",
            "a/./b",
            "%2e", "%2e%2e", "%2E%2e/a", ".%2e/a", "a/%2e%2e/b", "a/%2e", "a%2fb", "a%2Fb", "..%2fa", "a%5cb", "a\\b",
            "..\\a", "a%25b", "%252e%252e/a", "a%252fb", "%25%32%65", "https://evil.example/a", "http:/a//b",
            "//evil.example", "@evil.example/a", "user:pw@evil.example/a", "a@b", "a;b", "a;jsessionid=1", "a%3bb",
            "a\r\nX: 1", "a%0d%0aX:1", "a%0a", "a%00", "a\u{0}b", "a%7f", "a\u{7f}", "a\tb", "a%09b", "a b", "a?b",
            "a#b",
            "a*", "a+b", "a&b", "a'b", "a\"b", "a<b", "a|b", "a%", "a%4", "a%4g", "a%zz", "%", "%%41", "a%-1", "%+1",
            "é",
            "a/\u{202e}b", "%c0%ae%c0%ae/a", "%c0%af", "%ff", "a/%c3", "a/%ed%a0%80", "%u002e", "%e0%80%af",
        ])
    func `is refused where somebody could read it in another way`(_ sent: String) {
        #expect(throws: Problem(.badRequest, "")) { try GatewayPath(sent) }
    }

    @Test func `has at most 1024 bytes`() throws {
        #expect(try GatewayPath(String(repeating: "a", count: 1024)).text.utf8.count == 1024)
        for count in [1025, 4096, 1_000_000] {
            #expect(throws: Problem(.badRequest, "")) { try GatewayPath(String(repeating: "a", count: count)) }
        }
    }

    /// Every byte, escaped and as it is: either refused, or what it is sent on as can be read in one way only.
    @Test func `never holds what a decoder behind it could turn into a separator`() throws {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:!,=/%".utf8)
        for byte in 0...127 as ClosedRange<UInt8> {
            let digits = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            for sent in ["a%\(digits)b", "a\(Character(Unicode.Scalar(byte)))b"] {
                guard let path = try? GatewayPath(sent) else { continue }
                #expect(path.text.utf8.allSatisfy(plain.contains), "\(sent)")
                for escape in ["%2F", "%5C", "%25", "%3B", "%00", "%0A", "%0D", "%7F", "%2E"] {
                    #expect(!path.text.contains(escape), "\(sent)")
                }
                // A slash as it is separates; nothing else does.
                #expect(path.segments.count == (sent == "a/b" ? 2 : 1), "\(sent)")
            }
        }
    }
}

import Errands
import FoundationEssentials
import Linux
import Testing

@testable import postern_courier

@Suite struct `A page` {
    @Test(arguments: CallbackPage.Kind.allCases)
    func `has one heading, a status, a language, and fits a phone`(_ kind: CallbackPage.Kind) {
        let html = String(decoding: Page(CallbackPage(kind)).html, as: UTF8.self)
        #expect(html.hasPrefix("<!doctype html>\n<html lang=\"en\">"))
        #expect(html.ranges(of: "<h1>").count == 1 && html.ranges(of: "role=\"status\"").count == 1)
        #expect(html.contains("width=device-width") && html.contains("content=\"light dark\""))
        #expect(!html.contains("style=") && !html.contains("http"))
    }

    @Test(arguments: [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"), ("\"'&", "&quot;&#39;&amp;"),
        ("a\u{202e}b\u{2066}\n", "a b  "), ("東京", "東京"),
    ])
    func `shows names as they are, and only shows them`(_ name: String, _ shown: String) {
        let html = String(decoding: Page(CallbackPage(.success, workspaceName: name)).html, as: UTF8.self)
        #expect(html.contains("<p role=\"status\">\(shown) is connected."))
    }

    @Test(arguments: [
        ("https://example.com/a?b=1&c=2", true), ("http://localhost:3000/x", true), ("http://127.0.0.1", true),
        ("http://[::1]:1/", true), ("http://example.com/", false), ("http://localhost.example.com/", false),
        ("http://127.0.0.1.example.com/", false), ("http://localhost@example.com/", false),
        ("javascript:alert(1)", false), ("JAVASCRIPT:alert(1)", false), ("data:text/html,x", false), ("//a", false),
        ("https://", false), ("https://a/\" onclick=\"x", false), ("", false),
    ])
    func `leads on only to https, or to this machine`(_ url: String, _ isSafe: Bool) {
        let html = String(decoding: Page(CallbackPage(.success, returnTo: url)).html, as: UTF8.self)
        #expect(html.contains("<a href=") == isSafe)
        if isSafe { #expect(html.contains("href=\"\(url.replacing("&", with: "&amp;"))\"")) }
    }

    @Test func `has the style that its policy lets through`() throws {
        let scratch = try Scratch()
        let file = try FileDescriptor.open(scratch.file("style"), .write, creating: 0o600)
        try file.write(Array(PageStyle.sheet.utf8))
        let hex = Array(Shell.run("/usr/bin/sha256sum", [scratch.file("style")]).utf8.prefix(64))
        let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
            UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        #expect(PageStyle.hash == "sha256-" + Data(bytes).base64EncodedString())
        #expect(!PageStyle.sheet.contains("<"))
    }
}

@Suite struct `A budget` {
    @Test func `has a burst, then fills by one a second, for each address`() {
        var budget = Budget(burst: 3)
        let first = (0..<4).map { _ in budget.take("a", now: 0) }
        #expect(first == [true, true, true, false])
        let later = [("b", 0), ("a", 999), ("a", 1000), ("a", 1000), ("a", 60_000)].map { budget.take($0, now: $1) }
        #expect(later == [true, false, true, false, true])
    }

    @Test func `does not grow, and lets addresses beyond share one`() {
        var budget = Budget(burst: 2, addresses: 2)
        let taken = ["a", "b", "c", "d", "e", "a"].map { budget.take($0, now: 0) }
        #expect(taken == [true, true, true, true, false, true])
        // Full again, the first two make room.
        let later = ["c", "c", "d", "d"].map { budget.take($0, now: 100_000) }
        #expect(later == [true, true, true, true])
    }
}

@Suite struct `A visitor` {
    @Test(
        arguments: [
            ("127.0.0.1", "10.0.0.1, 192.0.2.7", "192.0.2.7"), ("127.0.0.1", nil, "127.0.0.1"),
            ("192.0.2.9", "192.0.2.7", "192.0.2.9"), (nil, "192.0.2.7", "192.0.2.7"), (nil, nil, "local"),
            ("::1", "2001:db8::1", "2001:db8::1"), ("127.0.0.1", "<script>", "127.0.0.1"),
        ] as [(String?, String?, String)])
    func `is who the proxy saw, and nobody else is believed`(_ peer: String?, _ header: String?, _ want: String) {
        #expect(Visitor(peer: peer).address(forwardedFor: header) == want)
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("2001:DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8::5", "2001:db8::/64"),
        ("::1", "::/64"),
    ])
    func `with IPv6 counts as its network`(_ address: String, _ want: String) {
        #expect(Visitor.group(address) == want)
    }
}

@Suite struct `A host in the log` {
    @Test(arguments: [
        ("https://hooks.slack.com/services/T0/B0/secret", "hooks.slack.com"),
        ("https://a.example:8443", "a.example:8443"),
        ("https://user:secret@a.example/", "?"), ("https://a.example?token=secret", "?"), ("secret", "?"), ("", "?"),
    ])
    func `is a host and nothing else`(_ url: String, _ want: String) {
        #expect(Carrier.host(of: url) == want)
    }
}

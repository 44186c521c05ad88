import Rules
import Sealing
import Testing

@testable import Platforms

@Suite struct `A signed webhook` {
    private static let secret = "8f742231b10e8888abcd99yyyzzz85a5"
    private static let encryptKey = "fake-encrypt-key-0123456789"
    private static let now: Int64 = 1_760_000_000

    /// One request of each platform that is right, with its signature's header, and the secrets it is right with.
    struct Sample: Sendable, CustomStringConvertible {
        let platform: Platform
        let signatureHeader: String
        let timestampHeader: String?
        var headers: [(name: String, value: String)]
        var body: [UInt8]
        var credentials: [String: String]

        var description: String { platform.rawValue }
        var app: AppKey { AppKey(platform, AppID("A0FAKE")!) }

        func judged(now: Int64 = now, window: Int64? = 300, as other: AppKey? = nil) -> WebhookVerdict {
            let open = OpenSecrets(credentials)
            return Webhook(WebhookHeaders(headers), body: body.span, now: now, window: window)
                .verified(for: other ?? app, with: open.secrets)
        }

        func value(_ name: String) -> String { headers.first { $0.name == name }?.value ?? "" }

        mutating func set(_ name: String, _ value: String) {
            headers = headers.map { $0.name == name ? (name, value) : $0 }
        }
    }

    static let slack: Sample = {
        let body = Array(
            #"{"type":"event_callback","api_app_id":"A0FAKE","event_id":"Ev1","event":{"type":"message"}}"#.utf8)
        let signature = Digest32.hmacSHA256(key: secret.utf8.span, "v0:\(now):".utf8.span, body.span).hex
        return Sample(
            platform: .slack, signatureHeader: "X-Slack-Signature", timestampHeader: "X-Slack-Request-Timestamp",
            headers: [("X-Slack-Request-Timestamp", "\(now)"), ("X-Slack-Signature", "v0=" + signature)], body: body,
            credentials: ["signing_secret": secret])
    }()

    /// The text is not encrypted rightly: what is tried here fails, or succeeds, at the signature.
    static let lark: Sample = {
        let body = Array(#"{"encrypt":"AAECAwQFBgcICQoLDA0ODw=="}"#.utf8)
        let signature = Digest32.sha256((Array("\(now)12345\(encryptKey)".utf8) + body).span).hex
        return Sample(
            platform: .lark, signatureHeader: "X-Lark-Signature", timestampHeader: "X-Lark-Request-Timestamp",
            headers: [
                ("X-Lark-Request-Timestamp", "\(now)"), ("X-Lark-Request-Nonce", "12345"),
                ("X-Lark-Signature", signature),
            ], body: body, credentials: ["encrypt_key": encryptKey])
    }()

    static let genesys: Sample = {
        let body = Array(#"{"id":"m1","type":"Text","text":"hello"}"#.utf8)
        let signature = Digest32.hmacSHA256(key: secret.utf8.span, body.span).withBytes { Base64.standard.encode($0) }
        return Sample(
            platform: .genesys, signatureHeader: "X-Hub-Signature-256", timestampHeader: nil,
            headers: [("X-Hub-Signature-256", "sha256=" + signature)], body: body,
            credentials: ["webhook_secret": secret])
    }()

    static let samples = [slack, lark, genesys]

    /// Past the signature: Lark's sample then fails to decrypt.
    private static func isSigned(_ verdict: WebhookVerdict) -> Bool {
        switch verdict {
        case .valid: true
        case .invalid(let flaw, _): flaw == .decryptFailed
        }
    }

    @Test(arguments: samples) func `is signed as it stands`(_ sample: Sample) {
        #expect(Self.isSigned(sample.judged()))
    }

    @Test(arguments: samples) func `is none with any bit of its body turned`(_ sample: Sample) {
        var passed = 0
        for bit in 0..<sample.body.count * 8 {
            var sample = sample
            sample.body[bit / 8] ^= 1 << UInt8(bit % 8)
            if Self.isSigned(sample.judged()) { passed += 1 }
        }
        #expect(passed == 0)
    }

    /// Of its digits, each bit: the other letter case of a hex digit is the same digit to Lark, nowhere else.
    @Test(arguments: samples) func `is none with any bit of its signature turned`(_ sample: Sample) {
        let signature = Array(sample.value(sample.signatureHeader).utf8)
        var passed = 0
        for bit in 0..<signature.count * 8 {
            var turned = signature
            turned[bit / 8] ^= 1 << UInt8(bit % 8)
            let text = String(decoding: turned, as: UTF8.self)
            if sample.platform == .lark, text.lowercased() == sample.value(sample.signatureHeader) { continue }
            var sample = sample
            sample.set(sample.signatureHeader, text)
            if Self.isSigned(sample.judged()) { passed += 1 }
        }
        #expect(passed == 0)
    }

    @Test(arguments: [slack, lark]) func `is none with any bit of its timestamp turned`(_ sample: Sample) throws {
        let name = try #require(sample.timestampHeader)
        let time = Array(sample.value(name).utf8)
        var passed = 0
        for bit in 0..<time.count * 8 {
            var turned = time
            turned[bit / 8] ^= 1 << UInt8(bit % 8)
            var sample = sample
            sample.set(name, String(decoding: turned, as: UTF8.self))
            if Self.isSigned(sample.judged()) { passed += 1 }
        }
        #expect(passed == 0)
    }

    @Test(arguments: samples) func `is none with a signature of another length`(_ sample: Sample) {
        let right = sample.value(sample.signatureHeader)
        for wrong in [
            String(right.dropLast()), right + "0", String(right.prefix(10)), right + right, "v0=", "sha256=", "=",
            String(repeating: "0", count: 64), String(repeating: "a", count: 60_000),
        ] {
            var sample = sample
            sample.set(sample.signatureHeader, wrong)
            #expect(!Self.isSigned(sample.judged()))
        }
    }

    @Test(arguments: samples) func `is none with a header field missing, empty or there twice`(_ sample: Sample) {
        for (name, value) in sample.headers {
            var missing = sample
            missing.headers.removeAll { $0.name == name }
            var empty = sample
            empty.set(name, "")
            for each in [missing, empty] {
                guard case .invalid(let flaw, _) = each.judged() else {
                    Issue.record("valid without \(name)")
                    continue
                }
                #expect(flaw == .missingHeader)
            }
            for second in [value, "1"] {
                var twice = sample
                twice.headers.append((name.lowercased(), second))
                guard case .invalid(.duplicateHeader, _) = twice.judged() else {
                    Issue.record("two \(name) are not refused")
                    continue
                }
            }
        }
    }

    @Test(arguments: [
        "", "0", "-1760000000", "+1760000000", " 1760000000", "1760000000 ", "1760000000.0", "1.76e9", "0x68e77800",
        "１７６０００００００", "9223372036854775807", "99999999999999999999999", "1760000000,1760000000", "now",
    ]) func `is none at a time that is none`(_ time: String) {
        for sample in [Self.slack, Self.lark] {
            var sample = sample
            sample.set(sample.timestampHeader ?? "", time)
            guard case .invalid(let flaw, _) = sample.judged() else {
                Issue.record("valid at \(time)")
                continue
            }
            #expect([.malformedTimestamp, .timestampOutOfWindow, .missingHeader].contains(flaw))
        }
    }

    @Test(
        arguments: [
            (0, true), (300, true), (301, false), (-300, true), (-301, false), (86_400 * 365, false),
            (-86_400 * 365, false),
        ] as [(Int64, Bool)]) func `is as old or early as the window lets it`(_ age: Int64, _ passes: Bool)
    {
        for sample in [Self.slack, Self.lark] {
            let verdict = sample.judged(now: Self.now + age)
            #expect(Self.isSigned(verdict) == passes)
            if !passes {
                guard case .invalid(.timestampOutOfWindow, _) = verdict else {
                    Issue.record("another flaw than its age")
                    continue
                }
            }
        }
    }

    /// A window of an hour for all; none at all only where no timestamp is documented.
    @Test func `is held to the window that is set`() {
        #expect(Self.isSigned(Self.slack.judged(now: Self.now + 3600, window: 3600)))
        #expect(Self.isSigned(Self.lark.judged(now: Self.now + 999_999, window: nil)))
        #expect(!Self.isSigned(Self.slack.judged(now: Self.now + 999_999, window: nil)))
    }

    /// Thirteen digits are milliseconds.
    @Test func `of Lark may count milliseconds`() {
        var sample = Self.lark
        let time = "\(Self.now)123"
        let key = sample.credentials["encrypt_key"] ?? ""
        sample.set("X-Lark-Request-Timestamp", time)
        sample.set("X-Lark-Signature", Digest32.sha256((Array("\(time)12345\(key)".utf8) + sample.body).span).hex)
        #expect(Self.isSigned(sample.judged()))
        #expect(!Self.isSigned(sample.judged(now: Self.now + 400)))
    }

    @Test(arguments: samples) func `is none without a stored secret`(_ sample: Sample) {
        var sample = sample
        sample.credentials = [:]
        guard case .invalid(.secretMissing, _) = sample.judged() else {
            Issue.record("judged without a secret")
            return
        }
    }

    @Test func `for another app is none`() {
        let other = AppKey(.slack, AppID("A0OTHER")!)
        guard case .invalid(.appMismatch, _) = Self.slack.judged(as: other) else {
            Issue.record("taken for another app's")
            return
        }
    }

    /// The App ID stands in forms too: in slash commands, and inside `payload` of what people click.
    @Test(arguments: [
        "token=x&api_app_id=A0OTHER&command=%2Fhello", "payload=%7B%22api_app_id%22%3A%22A0OTHER%22%7D",
    ]) func `for another app is none in a form either`(_ body: String) {
        let signature = Digest32.hmacSHA256(
            key: Self.secret.utf8.span, "v0:\(Self.now):".utf8.span, body.utf8.span
        ).hex
        var sample = Self.slack
        sample.body = Array(body.utf8)
        sample.set("X-Slack-Signature", "v0=" + signature)
        guard case .invalid(.appMismatch, _) = sample.judged() else {
            Issue.record("taken for another app's")
            return
        }
    }
}

@Suite struct `A webhook proven by a token alone` {
    @Test(
        arguments: [
            (#"{"token":"fake-token","type":"event_callback","event_id":"Ev1","api_app_id":"A0FAKE"}"#, nil),
            // An envelope without its app is nobody's.
            (#"{"token":"fake-token","type":"event_callback","event_id":"Ev1"}"#, .appMismatch),
            (#"{"token":"fake-token","type":"event_callback","event_id":"Ev1","api_app_id":7}"#, .appMismatch),
            ("token=fake-token&command=%2Fhello", nil),
            (#"{"token":"fake-tokeN","type":"event_callback"}"#, .verificationTokenMismatch),
            (#"{"token":"fake","type":"event_callback"}"#, .verificationTokenMismatch),
            (#"{"type":"event_callback"}"#, .verificationTokenMismatch),
            (#"{"token":7}"#, .verificationTokenMismatch),
            ("ssl_check=1", .malformedBody),
            (#"{"token":"fake-token""#, .malformedBody),
            ("", .malformedBody),
        ] as [(String, WebhookFlaw?)]) func `is weak`(_ body: String, _ want: WebhookFlaw?)
    {
        let open = OpenSecrets(["verification_token": "fake-token"])
        let body = Array(body.utf8)
        let verdict = Webhook(WebhookHeaders([]), body: body.span, now: 0, window: 300)
            .verified(for: AppKey(.slack, AppID("A0FAKE")!), with: open.secrets)
        switch verdict {
        case .valid(let finding): #expect(want == nil && finding.isWeak && !finding.marks.isEmpty)
        case .invalid(let flaw, _): #expect(flaw == want)
        }
    }

    /// Once a Signing Secret is stored, the token in the body counts for nothing.
    @Test func `is none where there is a signing secret`() {
        let open = OpenSecrets(["verification_token": "fake-token", "signing_secret": "fake-secret"])
        let body = Array(#"{"token":"fake-token","type":"event_callback"}"#.utf8)
        let verdict = Webhook(WebhookHeaders([]), body: body.span, now: 0, window: 300)
            .verified(for: AppKey(.slack, AppID("A0FAKE")!), with: open.secrets)
        guard case .invalid(.missingHeader, _) = verdict else {
            Issue.record("the token counted")
            return
        }
    }
}

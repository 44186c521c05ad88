import Rules
import Sealing
import Testing
import WebhookVectors

@testable import Platforms

@Suite struct `A webhook of Lark` {
    private static let now: Int64 = 1_760_000_000
    private static let key = "fake-encrypt-key"
    private static let token = "fake-verification-token"
    private static let app = AppKey(.lark, AppID("cli_fake")!)

    private func judged(
        _ body: [UInt8], _ headers: [(name: String, value: String)],
        _ credentials: [String: String] = ["encrypt_key": key, "verification_token": token], app: AppKey = app
    ) -> WebhookVerdict {
        let open = OpenSecrets(credentials)
        return Webhook(WebhookHeaders(headers), body: body.span, now: Self.now, window: 300)
            .verified(for: app, with: open.secrets)
    }

    private func flaw(_ verdict: WebhookVerdict) -> WebhookFlaw? {
        if case .invalid(let flaw, _) = verdict { return flaw }
        return nil
    }

    private func signed(_ body: [UInt8], _ key: String = key) -> [(name: String, value: String)] {
        let all = Array("\(Self.now)1\(key)".utf8) + body
        return [
            ("X-Lark-Request-Timestamp", "\(Self.now)"), ("X-Lark-Request-Nonce", "1"),
            ("X-Lark-Signature", Digest32.sha256(all.span).hex),
        ]
    }

    private func card(_ body: [UInt8], _ token: String = token) -> [(name: String, value: String)] {
        var hash = IncrementalSHA1()
        hash.update("then1\(token)".utf8.span)
        hash.update(body.span)
        let digest = hash.finish()
        return [
            ("X-Lark-Request-Timestamp", "then"), ("X-Lark-Request-Nonce", "1"),
            ("X-Lark-Signature", Hex.encode(digest.span)),
        ]
    }

    /// Every value the last byte of the text can take, which is what its padding is read from: whoever can send changed
    /// texts must not learn which of them ended well (Vaudenay 2002).
    @Test func `says one thing of every text that does not open, signed or not`() throws {
        let vector = try #require(try WebhookVector.all().first { $0.id == "feishu-event-encrypted-ok" })
        let key = try #require(vector.credentials["encrypt_key"])
        let app = try vector.app
        let text = String(decoding: vector.body, as: UTF8.self)
        let sealed = Base64.standard.decode(String(text.dropFirst(12).dropLast(2)))
        var signedFlaws: [WebhookFlaw?: Int] = [:]
        var unsignedFlaws: [WebhookFlaw?: Int] = [:]
        for change in UInt8(1)...255 {
            var bytes = try #require(sealed)
            bytes[bytes.count - 17] ^= change
            let body = Array((#"{"encrypt":""# + Base64.standard.encode(bytes.span) + #""}"#).utf8)
            signedFlaws[flaw(judged(body, signed(body, key), vector.credentials, app: app)), default: 0] += 1
            unsignedFlaws[flaw(judged(body, [], vector.credentials, app: app)), default: 0] += 1
        }
        #expect(signedFlaws == [.decryptFailed: 255])
        #expect(unsignedFlaws == [.missingHeader: 255])
    }

    /// Padding alone is wrong here: all that is before it is as it was.
    @Test func `with a wrong padding does not open, though its text could be read`() throws {
        let decoded = Base64.standard.decode("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=")
        for (change, want) in [(UInt8(0), nil), (1, WebhookFlaw.decryptFailed)] as [(UInt8, WebhookFlaw?)] {
            var sealed = try #require(decoded)
            sealed[13] ^= change
            let body = Array((#"{"encrypt":""# + Base64.standard.encode(sealed.span) + #""}"#).utf8)
            #expect(flaw(judged(body, signed(body, "test key"), ["encrypt_key": "test key"])) == want)
        }
    }

    @Test(arguments: [
        #"{"encrypt":""}"#, #"{"encrypt":"AAAA"}"#, #"{"encrypt":"!!!!"}"#, #"{"encrypt":"AAECAwQFBgcICQoLDA0ODw=="}"#,
        #"{"encrypt":"AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg"}"#,
    ]) func `with a text that cannot be one does not open`(_ body: String) {
        let body = Array(body.utf8)
        #expect(flaw(judged(body, signed(body))) == .decryptFailed)
        #expect(flaw(judged(body, [])) == .missingHeader)
    }

    @Test(arguments: [
        #"{"schema":"2.0","header":{"token":"fake-verification-token","event_type":"im.message.receive_v1"},"event":{}}"#,
        #"{"type":"url_verification","token":"fake-verification-token","challenge":"c"}"#, "", "hello", "[]",
        #"{"encrypt":7}"#,
    ]) func `in the clear is none while an encrypt key is stored, however it is signed`(_ body: String) {
        let body = Array(body.utf8)
        #expect(flaw(judged(body, signed(body))) == .notEncrypted)
        #expect(flaw(judged(body, [])) == .missingHeader)
    }

    /// The verification token stands in every event: who has seen one must not make others with the old card's SHA-1.
    @Test(
        arguments: [
            (#"{"schema":"2.0","header":{"event_type":"im.message.receive_v1"},"action":{}}"#, .malformedBody),
            (
                #"{"type":"event_callback","event":{"type":"app_ticket","app_ticket":"forged"},"action":{}}"#,
                .malformedBody
            ),
            (#"{"encrypt":"AAAA","action":{}}"#, .malformedBody), ("hello", .malformedBody),
            (#"{"open_id":"ou_1","action":{"tag":"button"}}"#, nil),
            (#"{"type":"url_verification","challenge":"c","token":"x"}"#, nil),
        ] as [(String, WebhookFlaw?)]) func `by SHA-1 is a card or nothing`(_ body: String, _ want: WebhookFlaw?)
    {
        let body = Array(body.utf8)
        let verdict = judged(body, card(body))
        #expect(flaw(verdict) == want)
        if case .valid(let finding) = verdict { #expect(finding.isWeak && !finding.isAboutLife) }
        #expect(flaw(judged(body, card(body, "other-token"))) == .signatureMismatch)
    }

    @Test func `signed with a key that is not stored asks for it`() {
        let body = Array(#"{"encrypt":"AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8="}"#.utf8)
        #expect(flaw(judged(body, signed(body), ["verification_token": Self.token])) == .secretMissing)
        #expect(flaw(judged(body, [], ["verification_token": Self.token])) == .secretMissing)
    }

    /// Version 1 has its app inside the event, version 2 in the header.
    @Test(arguments: [
        #"{"token":"fake-verification-token","type":"event_callback","uuid":"u","event":{"type":"x","app_id":"cli_other"}}"#,
        #"{"schema":"2.0","header":{"token":"fake-verification-token","app_id":"cli_other"},"event":{}}"#,
        #"{"token":"fake-verification-token","type":"event_callback","uuid":"u","event":{"type":"app_ticket"}}"#,
        #"{"token":"fake-verification-token","type":"event_callback","uuid":"u"}"#,
        #"{"schema":"2.0","header":{"token":"fake-verification-token"},"event":{"app_id":"cli_fake"}}"#,
    ]) func `for another app is none`(_ body: String) {
        #expect(flaw(judged(Array(body.utf8), [], ["verification_token": Self.token])) == .appMismatch)
    }
}

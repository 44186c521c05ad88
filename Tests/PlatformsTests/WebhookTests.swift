import Rules
import Sealing
import Testing
import WebhookVectors

@testable import Platforms

@Suite struct `A webhook of the vectors` {
    /// What `WebhookVerdict` comes to, in the words of the vectors.
    private static func reason(_ verdict: WebhookVerdict) -> String {
        switch verdict {
        case .valid: "ok"
        case .invalid(let flaw, _): flaw.rawValue
        }
    }

    @Test func `is there forty-nine times`() throws {
        let all = try WebhookVector.all()
        #expect(all.count == 49)
        #expect(Set(all.map(\.platform)) == ["slack", "lark", "feishu", "genesys"])
    }

    @Test(arguments: try WebhookVector.all().filter { $0.kind != "decrypt_only" })
    func `is judged as they say`(_ vector: WebhookVector) throws {
        let open = OpenSecrets(vector.credentials)
        let body = vector.body
        let webhook = Webhook(
            vector.webhookHeaders(), body: body.span, now: vector.nowUnix ?? 0, window: vector.maxSkewSeconds)
        let verdict = webhook.verified(for: try vector.app, with: open.secrets)
        #expect(Self.reason(verdict) == vector.expect.reason)
        guard case .valid(let finding) = verdict else {
            #expect(!vector.expect.valid)
            return
        }
        #expect(vector.expect.valid)
        #expect(finding.version == (vector.expect.matched == nil ? 2 : 1))
        if let want = vector.expect.eventType { #expect(finding.eventType == want) }
        if let want = vector.expect.apiAppId { #expect(finding.appID == want) }
        if let want = vector.expect.tenantKey { #expect(finding.tenantKey == want) }
        if let want = vector.expect.dedupeId { #expect(finding.eventID == want) }
        if let want = vector.expect.plaintextUtf8 {
            let event = try #require(finding.event)
            #expect(String(decoding: [UInt8](copying: open.slab.span(event)), as: UTF8.self) == want)
            #expect(finding.eventIsObject)
        }
        let reply = vector.expect.reply?.body
        #expect((finding.challenge == nil) == (reply == nil))
        if let challenge = finding.challenge { #expect(reply?.contains(challenge) == true) }
    }

    @Test(arguments: try WebhookVector.all().filter { $0.kind == "decrypt_only" })
    func `opens`(_ vector: WebhookVector) throws {
        let slab = Slab()
        let key = try #require(vector.credentials["encrypt_key"])
        let body = vector.body
        let decoded = Base64.standard.decode(body.span)
        let sealed = try #require(decoded)
        let result = AES256CBC.open(sealed.span, passphrase: key.utf8.span, into: slab)
        let opened = try #require(result)
        #expect(opened.isSound)
        let text = String(decoding: [UInt8](copying: slab.span(opened.text)), as: UTF8.self)
        #expect(text == vector.expect.plaintextUtf8)
    }
}

import Rules
import Sealing

extension Webhook {
    /// Lark's and Feishu's one scheme (platforms, 2.8 and 3.8), and their older ones.
    func lark(_ app: AppKey, _ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookVerdict {
        guard secrets.has(.encryptKey) || secrets.has(.verificationToken) else { throw .secretMissing }
        // 40 digits are SHA-1, of which only the old card callback makes use.
        if headers.has(.larkSignature), try headers.only(.larkSignature).utf8.count == 40 {
            return .valid(try card(app, secrets))
        }
        guard secrets.has(.encryptKey) else { return .valid(try inTheClear(app, secrets)) }
        guard headers.has(.larkSignature) || headers.has(.larkTimestamp) || headers.has(.larkNonce) else {
            return try unsigned(app, secrets)
        }
        return .valid(try signed(app, secrets))
    }

    /// SHA-256 over timestamp, nonce, Encrypt Key and raw body, then the body is opened with the same key.
    private func signed(_ app: AppKey, _ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookFinding {
        let signature = try headers.only(.larkSignature)
        let timestamp = try headers.only(.larkTimestamp)
        let nonce = try headers.only(.larkNonce)
        if let window {
            try requireFresh(try seconds(timestamp, canBeMilliseconds: true), within: window)
        }
        // A sample of the documentation gives upper-case digits.
        guard let given = Digest32(hex: signature) else { throw .signatureMismatch }
        let secret = secrets.first(.encryptKey) { key in
            var hash = IncrementalSHA256()
            hash.update(timestamp.utf8.span)
            hash.update(nonce.utf8.span)
            hash.update(key)
            hash.update(body)
            return hash.finish() == given
        }
        guard let secret else { throw .signatureMismatch }
        let content = try opened(with: secret, secrets)
        var finding = WebhookFinding(secret)
        finding.mark("signature", signature.lowercased())
        finding.event = content.place
        guard let fields = content.fields else {
            // No JSON, so there is no token in it to compare; said as of every text that did not open.
            guard !secrets.has(.verificationToken) else { throw .decryptFailed }
            return finding
        }
        finding.eventIsObject = true
        if secrets.has(.verificationToken) { _ = try token(of: fields, secrets) }
        try finding.take(fields, for: app)
        return finding
    }

    /// Only the question whether the address is right comes unsigned while an Encrypt Key is set. Whatever is wrong with
    /// it, its sender hears the same: he must not learn from us what a text decrypts to.
    private func unsigned(_ app: AppKey, _ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookVerdict {
        let flaw: WebhookFlaw
        do throws(WebhookFlaw) {
            var last = WebhookFlaw.decryptFailed
            for secret in secrets.entries where secret.kind == .encryptKey {
                do throws(WebhookFlaw) {
                    let content = try opened(with: secret, secrets)
                    guard let fields = content.fields, fields.string("type") == "url_verification" else {
                        throw .missingHeader
                    }
                    if secrets.has(.verificationToken) { _ = try token(of: fields, secrets) }
                    var finding = WebhookFinding(secret)
                    finding.event = content.place
                    finding.eventIsObject = true
                    try finding.take(fields, for: app)
                    guard finding.challenge != nil else { throw .missingHeader }
                    return .valid(finding)
                } catch { last = error }
            }
            throw last
        } catch { flaw = error }
        return .invalid(.missingHeader, noted: flaw == .decryptFailed ? .missingHeader : flaw)
    }

    /// No Encrypt Key is set: the token in the body is all there is.
    private func inTheClear(_ app: AppKey, _ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookFinding {
        // A signature is made with a key that is not stored here.
        guard !headers.has(.larkSignature) else { throw .secretMissing }
        guard let fields = JSONFields(object: body) else { throw .malformedBody }
        guard !fields.has("encrypt") else { throw .secretMissing }
        var finding = WebhookFinding(try token(of: fields, secrets))
        finding.isWeak = true
        try finding.take(fields, for: app)
        if finding.marks.isEmpty, finding.challenge == nil { finding.marks.append(Digest32.hash(body)) }
        return finding
    }

    /// The old card callback: SHA-1 with the verification token, never encrypted, its time a text without a format.
    ///
    /// The token stands in every event, so whoever ever saw one can make these; therefore nothing that looks like an
    /// event passes this way.
    private func card(_ app: AppKey, _ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookFinding {
        let signature = try headers.only(.larkSignature)
        let timestamp = try headers.only(.larkTimestamp)
        let nonce = try headers.only(.larkNonce)
        guard let given = Hex.decode(signature) else { throw .signatureMismatch }
        if let window, let time = try? seconds(timestamp, canBeMilliseconds: true) {
            try requireFresh(time, within: window)
        }
        let secret = secrets.first(.verificationToken) { token in
            var hash = IncrementalSHA1()
            hash.update(timestamp.utf8.span)
            hash.update(nonce.utf8.span)
            hash.update(token)
            hash.update(body)
            let computed = hash.finish()
            return Sodium.equal(computed.span, given.span)
        }
        guard let secret else { throw .signatureMismatch }
        guard let fields = JSONFields(object: body) else { throw .malformedBody }
        guard fields.isCard || fields.string("type") == "url_verification" else { throw .malformedBody }
        var finding = WebhookFinding(secret)
        finding.isWeak = true
        finding.mark("signature", signature.lowercased())
        finding.eventType = fields.isCard ? "card.action.trigger_v1" : "url_verification"
        finding.tenantKey = fields.string("tenant_key")
        if fields.string("type") == "url_verification" { finding.challenge = fields.string("challenge") }
        return finding
    }

    /// The text of `{"encrypt": …}`, in the slab, and what it says if it is JSON.
    private func opened(
        with secret: WebhookSecrets.Entry, _ secrets: WebhookSecrets
    ) throws(WebhookFlaw) -> (place: Range<Int>, fields: JSONFields?) {
        guard let sealed = JSONFields(object: body)?.string("encrypt") else { throw .notEncrypted }
        let slab = secrets.slab
        guard let sealed = Base64.standard.decode(sealed),
            let opened = AES256CBC.open(sealed.span, passphrase: slab.span(secret.place), into: slab)
        else { throw .decryptFailed }
        // Read before the padding is judged, so that both cost the same.
        let fields = JSONFields(object: slab.span(opened.text))
        guard opened.isSound, SecretText.isUTF8(slab.span(opened.text)) else { throw .decryptFailed }
        return (opened.text, fields)
    }

    private func token(
        of fields: JSONFields, _ secrets: WebhookSecrets
    ) throws(WebhookFlaw) -> WebhookSecrets.Entry {
        guard let token = fields.object("header")?.string("token") ?? fields.string("token"),
            let secret = secrets.first(.verificationToken, where: { Sodium.equal($0, token.utf8.span) })
        else { throw .verificationTokenMismatch }
        return secret
    }
}

extension WebhookFinding {
    /// Version 2 has a header; version 1 has everything at the top but the event's own type (platforms, 2.8).
    fileprivate mutating func take(_ fields: JSONFields, for app: AppKey) throws(WebhookFlaw) {
        let header = fields.object("header")
        let event = header == nil ? fields.object("event") : nil
        appID = (header ?? event)?.string("app_id")
        // Both envelopes name their app; what has neither, such as a URL check, does not.
        if header != nil || event != nil || fields.string("type") == "event_callback", appID != app.appID.value {
            throw .appMismatch
        }
        tenantKey = (header ?? event)?.string("tenant_key")
        let type = fields.string("type")
        // Not by the challenge: events of test data have one too.
        if header == nil, event == nil, type == "url_verification" {
            eventType = type
            challenge = fields.string("challenge")
            return
        }
        eventType = Label.name(header?.string("event_type") ?? event?.string("type") ?? type)
        eventID = Label.name(header?.string("event_id") ?? fields.string("uuid"))
        if let eventID { mark("id", eventID) }
    }
}

extension JSONFields {
    /// The old card callback has an action at the top and nothing an event has.
    fileprivate var isCard: Bool {
        has("action") && !["schema", "header", "event", "type", "uuid", "encrypt"].contains(where: has)
    }
}

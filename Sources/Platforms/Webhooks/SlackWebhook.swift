import Rules
import Sealing

extension Webhook {
    static let usualWindow: Int64 = 300

    /// `v0=` and HMAC-SHA256 over `v0:`, the timestamp, `:` and the raw body (platforms, 1.8). What the body says comes
    /// after: `ssl_check` is no reason to skip anything.
    func slack(_ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookFinding {
        guard secrets.has(.signingSecret) else { return try slackToken(secrets) }
        let signature = try headers.only(.slackSignature)
        let timestamp = try headers.only(.slackTimestamp)
        try requireFresh(try seconds(timestamp), within: window ?? Self.usualWindow)
        let prefix = "v0:\(timestamp):"
        let secret = secrets.first(.signingSecret) { secret in
            let computed = "v0=" + Digest32.hmacSHA256(key: secret, prefix.utf8.span, body).hex
            return Sodium.equal(computed.utf8.span, signature.utf8.span)
        }
        guard let secret else { throw .signatureMismatch }
        var finding = WebhookFinding(secret)
        finding.mark("signature", signature)
        if let content = SlackContent(body) { finding.take(content) }
        return finding
    }

    /// The deprecated token alone, for apps that have nothing else stored.
    private func slackToken(_ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookFinding {
        guard secrets.has(.verificationToken) else { throw .secretMissing }
        guard let content = SlackContent(body) else { throw .malformedBody }
        guard let token = content.token,
            let secret = secrets.first(.verificationToken, where: { Sodium.equal($0, token.utf8.span) })
        else { throw .verificationTokenMismatch }
        var finding = WebhookFinding(secret)
        finding.isWeak = true
        finding.take(content)
        if finding.marks.isEmpty { finding.marks.append(Digest32.hash(body)) }
        return finding
    }
}

extension WebhookFinding {
    fileprivate mutating func take(_ content: SlackContent) {
        appID = content.appID
        eventType = Label.name(content.type)
        eventName = Label.name(content.inner)
        eventID = Label.name(content.eventID)
        challenge = content.challenge
        if let eventID { mark("id", eventID) }
    }
}

/// What is read of a body, JSON or form.
private struct SlackContent {
    var token: String?
    var appID: String?
    var type: String?
    /// The type of the event in an `event_callback`.
    var inner: String?
    var challenge: String?
    var eventID: String?

    /// nil where it is neither JSON nor a form that says anything of this.
    init?(_ body: Span<UInt8>) {
        if JSONFields.opensObject(body) {
            if let skimmed = Self.skimmed(body) {
                self = skimmed
                return
            }
            guard let fields = JSONFields(object: body) else { return nil }
            self.init(fields)
            return
        }
        let form = Form.values(["payload", "token", "api_app_id"], in: [UInt8](copying: body))
        if let payload = form["payload"] {
            guard let fields = JSONFields(object: payload.utf8.span) else { return nil }
            self.init(fields)
            return
        }
        guard form["token"] != nil || form["api_app_id"] != nil else { return nil }
        self.init(token: form["token"], appID: form["api_app_id"])
    }

    private static let members = ["token", "api_app_id", "type", "event_id", "challenge"].map { [UInt8]($0.utf8) }
    private static let event = [UInt8]("event".utf8)
    private static let innerMembers = [[UInt8]("type".utf8)]

    /// Without reading all of the event; nil where that cannot be done.
    private static func skimmed(_ body: Span<UInt8>) -> SlackContent? {
        guard let skim = JSONSkim(body, in: 0..<body.count, texts: Self.members, object: Self.event) else { return nil }
        var content = SlackContent(token: skim.string(0, of: body), appID: skim.string(1, of: body))
        content.type = skim.string(2, of: body)
        content.eventID = skim.string(3, of: body)
        if content.type == "event_callback", let event = skim.object {
            guard let inner = JSONSkim(body, in: event, texts: Self.innerMembers) else { return nil }
            content.inner = inner.string(0, of: body)
        }
        if content.type == "url_verification" { content.challenge = skim.string(4, of: body) }
        return content
    }

    private init(token: String?, appID: String?) {
        self.token = token
        self.appID = appID
    }

    private init(_ fields: JSONFields) {
        token = fields.string("token")
        appID = fields.string("api_app_id")
        type = fields.string("type")
        eventID = fields.string("event_id")
        if type == "event_callback" { inner = fields.object("event")?.string("type") }
        if type == "url_verification" { challenge = fields.string("challenge") }
    }
}

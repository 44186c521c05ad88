import Rules
import Sealing

extension Webhook {
    /// `sha256=` and base64 of HMAC-SHA256 over the raw body (platforms, 4.8). No time is signed, so a repeat is known
    /// only by its message id and its signature.
    func genesys(_ secrets: WebhookSecrets) throws(WebhookFlaw) -> WebhookFinding {
        guard secrets.has(.webhookSecret) else { throw .secretMissing }
        let header = try headers.only(.genesysSignature)
        guard header.hasPrefix("sha256=") else { throw .malformedSignature }
        let secret = secrets.first(.webhookSecret) { secret in
            let computed = Digest32.hmacSHA256(key: secret, body).withBytes { Base64.standard.encode($0) }
            return Sodium.equal(("sha256=" + computed).utf8.span, header.utf8.span)
        }
        guard let secret else { throw .signatureMismatch }
        var finding = WebhookFinding(secret)
        finding.mark("signature", header)
        if let fields = JSONFields(object: body) {
            finding.eventType = Label.name(fields.string("type"))
            finding.eventID =
                Label.name(fields.string("id")) ?? Label.name(fields.object("channel")?.string("messageId"))
            // A receipt has the id of the message it is about.
            if let id = finding.eventID, finding.eventType != "Receipt" { finding.mark("id", id) }
        }
        return finding
    }
}

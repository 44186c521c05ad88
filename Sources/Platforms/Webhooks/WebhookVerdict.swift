package import Rules
package import Sealing

/// Why a webhook is not valid: stable names, told to the bridge and written to the log.
package enum WebhookFlaw: String, Error, Sendable, CaseIterable {
    case missingHeader = "missing_header"
    case duplicateHeader = "duplicate_header"
    case malformedTimestamp = "malformed_timestamp"
    case timestampOutOfWindow = "timestamp_out_of_window"
    case malformedSignature = "malformed_signature"
    case signatureMismatch = "signature_mismatch"
    /// Nothing is stored to verify this request with.
    case secretMissing = "secret_missing"
    /// In the clear although an Encrypt Key is stored.
    case notEncrypted = "not_encrypted"
    case decryptFailed = "decrypt_failed"
    case malformedBody = "malformed_body"
    case verificationTokenMismatch = "verification_token_mismatch"
    /// Meant for another app than that of the URL.
    case appMismatch = "app_id_mismatch"
    /// Of another tenant than that of a custom app's only installation.
    case tenantMismatch = "tenant_mismatch"
    /// Seen before, by a caller that does not want repeats.
    case replayed
}

/// What is to be thought of one webhook.
package enum WebhookVerdict: Sendable {
    case valid(WebhookFinding)
    /// `noted` is for the log: it may say more than the sender of an unsigned request should learn.
    case invalid(WebhookFlaw, noted: WebhookFlaw)

    static func invalid(_ flaw: WebhookFlaw) -> WebhookVerdict { .invalid(flaw, noted: flaw) }
}

/// A webhook that is what it says, and what it says.
package struct WebhookFinding: Sendable {
    /// The secret that proved it.
    package let kind: SecretKind
    package let version: Int64
    /// Proven by a token every request carries in the clear, or by the old card callback's SHA-1: worth less than a
    /// signature over the body.
    package var isWeak = false
    /// What the platform calls it, such as `event_callback` or `im.message.receive_v1`; nil where it does not say, or
    /// says what is no name.
    package var eventType: String?
    /// The event in the envelope, where that has a type of its own: `app_uninstalled` in Slack's `event_callback`.
    package var eventName: String?
    /// The platform's id of the event, the same in every repeat; nil where it has none.
    package var eventID: String?
    /// The App ID in the body; nil where there is none.
    package var appID: String?
    /// Lark's and Feishu's tenant; nil where the body names none.
    package var tenantKey: String?
    /// What the platform wants back, to see that the address is right; nil where it is no such request.
    package var challenge: String?
    /// Where the decrypted text lies in the slab; nil where the body came in the clear.
    package var event: Range<Int>?
    /// Whether the decrypted text is a JSON object.
    package var eventIsObject = false
    /// What a repeat of this request has in common with it: its signature, its event's id.
    package var marks: [Digest32] = []

    /// Whether it is one of the events that begin, feed or end an installation (platforms, 1.7, 2.5, 2.7).
    package var isAboutLife: Bool {
        switch eventName ?? eventType {
        case "app_uninstalled", "tokens_revoked", "app_ticket", "auth.user_access_token.revoked_v4": true
        default: false
        }
    }

    init(_ secret: WebhookSecrets.Entry) {
        kind = secret.kind
        version = secret.version
    }

    /// A request with the same `value` is a repeat.
    mutating func mark(_ what: String, _ value: some StringProtocol) {
        marks.append(Digest32.hash((what + "\u{0}").utf8.span, String(value).utf8.span))
    }
}

/// The stored secrets a webhook is verified with, opened in guarded memory.
package struct WebhookSecrets {
    /// One version of one secret.
    package struct Entry: Sendable {
        package let kind: SecretKind
        package let version: Int64
        let place: Range<Int>

        /// Where in the slab the value lies.
        package init(kind: SecretKind, version: Int64, place: Range<Int>) {
            self.kind = kind
            self.version = version
            self.place = place
        }
    }

    package let slab: Slab
    package var entries: [Entry] = []

    /// None yet; the values lie in `slab`, and decrypted events are put there.
    package init(in slab: Slab) { self.slab = slab }

    func has(_ kind: SecretKind) -> Bool { entries.contains { $0.kind == kind } }

    /// The first secret of that kind, current before previous, that `fits`.
    func first(_ kind: SecretKind, where fits: (Span<UInt8>) -> Bool) -> Entry? {
        entries.first { $0.kind == kind && fits(slab.span($0.place)) }
    }
}

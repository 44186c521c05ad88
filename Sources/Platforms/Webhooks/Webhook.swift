package import Rules
import Sealing

/// One request as a platform sent it, and the clock it is measured by.
package struct Webhook: ~Escapable {
    let headers: WebhookHeaders
    let body: Span<UInt8>
    /// Seconds since 1970.
    let now: Int64
    /// How many seconds old, or early, a signed request may be; nil is any. Slack's requests are always held to some
    /// window, since their timestamp is documented.
    let window: Int64?

    /// The body is the raw one: whoever parses and writes it anew has other bytes.
    @_lifetime(copy body)
    package init(_ headers: WebhookHeaders, body: Span<UInt8>, now: Int64, window: Int64?) {
        self.headers = headers
        self.body = body
        self.now = now
        self.window = window
    }

    /// The kinds to open for a verification, in groups: the next group only where the one before gave nothing.
    package static func secrets(of platform: Platform) -> [[SecretKind]] {
        switch platform {
        case .slack: [[.signingSecret], [.verificationToken]]
        case .lark, .feishu: [[.encryptKey, .verificationToken]]
        case .genesys: [[.webhookSecret]]
        }
    }

    /// Whether the request is what it says, to `app` (platforms, 1.8, 2.8, 3.8, 4.8). Nothing is kept, so a repeat is as
    /// valid as the first.
    package func verified(for app: AppKey, with secrets: WebhookSecrets) -> WebhookVerdict {
        do throws(WebhookFlaw) {
            let finding: WebhookFinding
            switch app.platform {
            case .slack:
                finding = try slack(secrets)
                // An envelope always names its app; the secret alone does not say whom it is meant for.
                if finding.eventType == "event_callback", finding.appID == nil { throw .appMismatch }
            case .lark, .feishu: return try lark(app, secrets)
            case .genesys: finding = try genesys(secrets)
            }
            if let named = finding.appID, named != app.appID.value { throw .appMismatch }
            return .valid(finding)
        } catch { return .invalid(error) }
    }

    /// Decimal digits alone, as seconds; thirteen and more are milliseconds. `Int64("+1")` would take a sign.
    func seconds(_ text: String, canBeMilliseconds: Bool = false) throws(WebhookFlaw) -> Int64 {
        guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int64(text)
        else { throw .malformedTimestamp }
        return canBeMilliseconds && text.utf8.count >= 13 ? number / 1000 : number
    }

    /// Throws for what is older or newer than the window.
    func requireFresh(_ seconds: Int64, within window: Int64) throws(WebhookFlaw) {
        guard abs(now - seconds) <= window else { throw .timestampOutOfWindow }
    }
}

import Rules
import Sealing
import Testing
import WebhookVectors

@testable import Platforms

extension WebhookVector {
    var app: AppKey {
        get throws {
            AppKey(
                try #require(Platform(rawValue: platform)), try #require(AppID(credentials["app_id"] ?? "A0A75890ATF")))
        }
    }

    func webhookHeaders() -> WebhookHeaders { WebhookHeaders(headers.map { (name: $0[0], value: $0[1]) }) }
}

/// Secrets as the broker would have opened them: version 2 is current, version 1 the one before.
struct OpenSecrets {
    let slab = Slab()
    private(set) var secrets: WebhookSecrets

    init(_ credentials: [String: String]) {
        secrets = WebhookSecrets(in: slab)
        for kind in [SecretKind.signingSecret, .encryptKey, .verificationToken, .webhookSecret] {
            for (name, version) in [(kind.rawValue, 2), ("previous_" + kind.rawValue, 1)] as [(String, Int64)] {
                guard let value = credentials[name] else { continue }
                let start = slab.count
                slab.append(value)
                secrets.entries.append(.init(kind: kind, version: version, place: start..<slab.count))
            }
        }
    }
}

import FoundationEssentials
import Rules
import Sealing
import Testing

@testable import Platforms

/// Tests/Vectors/platforms/webhooks.json, made by others; how to read it stands in it.
struct WebhookVector: Decodable, Sendable, CustomTestStringConvertible {
    struct Expectation: Decodable, Sendable {
        struct Reply: Decodable {
            let body: String
            let contentType: String
        }

        let valid: Bool
        let reason: String
        let matched: String?
        let plaintextUtf8: String?
        let eventType: String?
        let apiAppId: String?
        let tenantKey: String?
        let dedupeId: String?
        let reply: Reply?
    }

    private struct File: Decodable {
        let vectors: [WebhookVector]
    }

    let id: String
    let platform: String
    let kind: String
    let credentials: [String: String]
    let headers: [[String]]
    let bodyBase64: String
    let nowUnix: Int64?
    let maxSkewSeconds: Int64?
    let expect: Expectation

    var testDescription: String { id }

    /// `#filePath` is Tests/PlatformsTests/WebhookVectors.swift.
    static func all(_ source: String = #filePath) throws -> [WebhookVector] {
        let tests = source.split(separator: "/").dropLast(2).joined(separator: "/")
        let file = try Data(contentsOf: URL(filePath: "/\(tests)/Vectors/platforms/webhooks.json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(File.self, from: file).vectors
    }

    var body: [UInt8] { Data(base64Encoded: bodyBase64).map { [UInt8]($0) } ?? [] }

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

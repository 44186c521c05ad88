import FoundationEssentials

/// Tests/Vectors/platforms/webhooks.json, made by others; how to read it stands in it.
package struct WebhookVector: Decodable, Sendable, CustomStringConvertible {
    package struct Expectation: Decodable, Sendable {
        package struct Reply: Decodable {
            package let body: String
            package let contentType: String
        }

        package let valid: Bool
        package let reason: String
        package let computedSignature: String?
        package let matched: String?
        package let plaintextUtf8: String?
        package let eventType: String?
        package let apiAppId: String?
        package let tenantKey: String?
        package let dedupeId: String?
        package let reply: Reply?
    }

    private struct File: Decodable {
        let vectors: [WebhookVector]
    }

    package let id: String
    package let platform: String
    package let kind: String
    package let credentials: [String: String]
    package let headers: [[String]]
    package let bodyBase64: String
    package let nowUnix: Int64?
    package let maxSkewSeconds: Int64?
    package let expect: Expectation

    /// All of them.
    package static func all() throws -> [WebhookVector] {
        let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try Data(contentsOf: URL(filePath: "/\(tests)/Vectors/platforms/webhooks.json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(File.self, from: file).vectors
    }

    package var description: String { id }

    /// The raw body.
    package var body: [UInt8] { Data(base64Encoded: bodyBase64).map { [UInt8]($0) } ?? [] }
}

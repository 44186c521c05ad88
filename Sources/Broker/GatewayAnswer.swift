package import Platforms

/// A platform's answer as a lease's holder gets it.
package struct GatewayAnswer: Sendable {
    /// The body, whole or still on its way.
    package enum Body: Sendable {
        case whole([UInt8])
    }

    package let status: Int
    /// What of the platform's headers is passed on.
    package let headers: [HeaderField]
    package let body: Body

    init(_ answer: PlatformAnswer) {
        status = answer.status
        headers = answer.headers.filter { Self.passed.contains($0.name.lowercased()) }
        body = .whole(answer.body)
    }

    private static let passed: Set<String> = [
        "content-type", "retry-after", "x-slack-req-id", "x-oauth-scopes", "x-accepted-oauth-scopes",
    ]
}

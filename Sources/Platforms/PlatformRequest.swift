/// One header line.
package struct HeaderField: Sendable, Equatable {
    package let name: String
    package let value: String

    /// A line of this name and value.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What to send to a platform: built here, carried by the courier.
///
/// Holds a token or a client secret in the clear for as long as the errand lasts, so it has no description.
package struct PlatformRequest: Sendable, Equatable {
    /// The platform's method, such as `auth.test`: for logs, audit and metrics, never with arguments.
    package let name: String
    package let method: String
    package let url: String
    package let headers: [HeaderField]
    package let body: [UInt8]
    /// Whether sending it twice does no harm. A code exchange or a refresh is never sent twice blindly
    /// (platforms, 1.3: `fatal_error` may have partly succeeded, a lost answer has spent the code).
    package let repeatable: Bool

    /// Every field as given.
    package init(
        name: String, method: String, url: String, headers: [HeaderField], body: [UInt8] = [], repeatable: Bool
    ) {
        self.name = name
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.repeatable = repeatable
    }
}

/// What came back: bytes from the Internet, believed only after a reader has looked at them.
package struct PlatformAnswer: Sendable {
    package let status: Int
    package let headers: [HeaderField]
    package let body: [UInt8]

    /// What a platform answered, as it came.
    package init(status: Int, headers: [HeaderField] = [], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of that name, in any case of letters (RFC 9110, section 5.1).
    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}

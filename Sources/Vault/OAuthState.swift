package import Rules
import SQLite

/// An OAuth flow under way, found by the hash of its state (RFC 6749, section 10.12; RFC 9700, section 4.7).
package struct OAuthState: Row, Sendable {
    /// What ties the flow to one browser: our own cookie, or a value the bridge brings to both calls.
    package enum Binding: String, Sendable {
        case cookie
        case bridge
        /// Our own cookie on the way, and at the end a value of the bridge's, repeated by the service that began.
        case both
        /// A bridge that receives the code itself and named no person to bind to.
        case none
    }

    static let name = TableName.oauthStates

    /// BLAKE2b-256 of the 256-bit state; the state itself is not kept.
    package let hash: [UInt8]
    package let app: Int64
    /// The service that began the flow; nil for an admin.
    package let service: Int64?
    package let purpose: Purpose
    package let redirectURI: String
    package let scope: [String]
    package let userScope: [String]
    package let subject: String?
    package let returnTo: String?
    package let binding: Binding
    /// Hash of the cookie or of `browser_binding`, for `both` of the latter and then of the cookie; nil until there is
    /// one.
    package private(set) var browser: [UInt8]?
    package let createdAt: Int64
    package let expiresAt: Int64
    package var usedAt: Int64?
    /// How the first callback ended, for a repeated one from the same browser: a page's name.
    package var outcome: String?

    /// Every field as given.
    package init(
        hash: [UInt8], app: Int64, service: Int64?, purpose: Purpose, redirectURI: String, scope: [String],
        userScope: [String], subject: String?, returnTo: String?, binding: Binding, browser: [UInt8]?,
        createdAt: Int64, expiresAt: Int64
    ) {
        self.hash = hash
        self.app = app
        self.service = service
        self.purpose = purpose
        self.redirectURI = redirectURI
        self.scope = scope
        self.userScope = userScope
        self.subject = subject
        self.returnTo = returnTo
        self.binding = binding
        self.browser = browser
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    /// Whether a browser finishes it at our own callback.
    package var endsWithUs: Bool { binding == .cookie || binding == .both }

    /// Hash of our cookie; nil until a browser has opened the start page, and where no cookie binds.
    package var cookie: [UInt8]? {
        guard let browser, endsWithUs, browser.count > (confirmation?.count ?? 0) else { return nil }
        return Array(browser.dropFirst(confirmation?.count ?? 0))
    }

    /// Hash of the `browser_binding` without which nobody is told how a flow of `both` ended.
    package var confirmation: [UInt8]? { binding == .both ? Array((browser ?? []).prefix(32)) : nil }

    /// Binds the flow to the browser that has this cookie.
    package mutating func bind(cookie hash: [UInt8]) { browser = (confirmation ?? []) + hash }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let purpose = Purpose(rawValue: row.text(first + 3)), let scope = JSONText.list(row.text(first + 5)),
            let userScope = JSONText.list(row.text(first + 6)), let binding = Binding(rawValue: row.text(first + 9))
        else { throw Self.name.unreadable }
        func optionalText(_ index: Int32) -> String? { row.isNull(first + index) ? nil : row.text(first + index) }
        hash = row.blob(first)
        app = row.integer(first + 1)
        service = row.isNull(first + 2) ? nil : row.integer(first + 2)
        self.purpose = purpose
        redirectURI = row.text(first + 4)
        self.scope = scope
        self.userScope = userScope
        subject = optionalText(7)
        returnTo = optionalText(8)
        self.binding = binding
        browser = row.isNull(first + 10) ? nil : row.blob(first + 10)
        createdAt = row.integer(first + 11)
        expiresAt = row.integer(first + 12)
        usedAt = row.isNull(first + 13) ? nil : row.integer(first + 13)
        outcome = optionalText(14)
    }

    var values: [Value] {
        [
            .blob(hash), .int(app), .optional(service), .text(purpose.rawValue), .text(redirectURI),
            .text(JSONText.text(scope)), .text(JSONText.text(userScope)), .optional(subject), .optional(returnTo),
            .text(binding.rawValue), .optional(browser), .int(createdAt), .int(expiresAt), .optional(usedAt),
            .optional(outcome),
        ]
    }
}

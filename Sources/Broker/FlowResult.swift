import Errands
package import Rules

/// How a flow ended, for the service or the page: never a token.
package struct FlowResult: Sendable {
    /// Who the person is, as the platform said over TLS.
    package struct Identity: Sendable, Codable {
        package let userID: String
        /// Slack's team, Lark's and Feishu's tenant_key, Genesys' organisation; empty where the platform names none.
        package let place: String
        package let name: String?
        package let email: String?
        /// Whether the platform itself vouches for the address: never at Lark and Feishu (platforms, 2.6).
        package let emailIsVerified: Bool
        /// Whether the platform itself named the person in this flow.
        package let verified: Bool
    }

    /// What one token leg was asked for and given.
    package struct Scopes: Sendable, Codable {
        package let leg: String
        package let asked: [String]
        /// nil where the platform does not say.
        package let granted: [String]?

        /// Asked for and refused: an optional scope, or one the app does not have.
        package var missing: [String] { granted.map { granted in asked.filter { !granted.contains($0) } } ?? [] }
        /// Given without having been asked for in this flow: grants accumulate (platforms, 1.2 and 2.2).
        package var added: [String] { granted.map { $0.filter { !asked.contains($0) } } ?? [] }
    }

    package let platform: Platform
    package let purpose: Purpose
    /// nil after a login, whose token is discarded.
    package var installation: Int64?
    package var workspaceName: String?
    package var identity: Identity?
    /// One for each leg that came; empty after a login or link.
    package var scopes: [Scopes] = []
    /// The link this flow made.
    package var link: Int64?
    package let returnTo: String?

    init(_ platform: Platform, _ purpose: Purpose, returnTo: String?) {
        self.platform = platform
        self.purpose = purpose
        self.returnTo = returnTo
    }
}

/// Why a flow came to nothing: what the person sees, and what the service or the log is told.
struct FlowFailure: Error {
    let page: CallbackPage.Kind
    let problem: Problem

    init(_ page: CallbackPage.Kind, _ problem: Problem) {
        self.page = page
        self.problem = problem
    }

    /// The page that fits a problem of our own.
    init(_ problem: Problem) {
        switch problem.code {
        case .platformUnreachable, .courierUnavailable: page = .platformDown
        default: page = .failed
        }
        self.problem = problem
    }
}

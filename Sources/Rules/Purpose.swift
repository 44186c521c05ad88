/// Why a browser is sent to a platform; the raw values are the wire's and the file's.
package enum Purpose: String, Sendable, CaseIterable {
    /// Approve the app for a workspace, organisation or person; its tokens are kept.
    case install
    /// Find out who somebody is; the token is discarded.
    case login
    /// Record that a person of an installation agreed to be linked; the token is discarded.
    case link
}

/// What a platform tells of the life of an installation, in an event whose signature was verified before.
package enum Lifecycle: Sendable, Equatable {
    /// Tokens are dead: of these people, and of these bots by their user ids (Slack sends ids, never tokens).
    case tokensRevoked(Place, users: [String], bots: [String], at: Int64?)
    /// The app was removed from there.
    case uninstalled(Place, at: Int64?)
    /// A store app's newest ticket (platforms, 2.5). A secret.
    case ticket(String, at: Int64?)
}

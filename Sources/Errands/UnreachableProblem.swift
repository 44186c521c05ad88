package import Rules

extension Unreachable {
    /// What a caller is told.
    package var problem: Problem {
        Problem(.platformUnreachable, "The request did not succeed: \(reason).", advice: advice)
    }

    private var advice: String {
        switch self {
        case .resolve: "Check the host's resolver and the --platform-url settings."
        case .connect, .timeout, .closed: "Try again; check the network and the platform's status page."
        case .tls: "Check the clock, the CA certificates (package ca-certificates) and any intercepting proxy."
        case .tooLarge: "Look at what answers there: a proxy, or a --platform-url that is not the platform's."
        case .refusedURL: "Check the --platform-url settings."
        }
    }
}

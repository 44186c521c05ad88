package import Rules

/// Why a platform's answer is not what was hoped for, and what follows from it (platforms, 0.2).
///
/// `code` is from our own table or `unknown_code`; nothing a platform sent is copied into any field.
package struct PlatformFailure: Error, Sendable, Equatable {
    /// What the broker does about it. No verdict ever deletes a stored token.
    package enum Verdict: String, Sendable, CaseIterable {
        /// Passing trouble: try again a few times, later.
        case retry = "RETRY"
        /// This grant is dead: a person must authorize again.
        case reauth = "REAUTH"
        /// An administrator must change something at the platform.
        case config = "CONFIG"
        /// We sent something wrong, or do not understand the answer: log, do not retry.
        case bug = "BUG"
        /// The refresh token was spent by someone else: read the store again before believing it is dead.
        case race = "RACE"
    }

    package let verdict: Verdict
    package let code: String
    /// One or two sentences for an administrator.
    package let sentence: String
    /// Seconds the platform asked us to wait, where it did: 1 to 3600.
    package let retryAfter: Int64?
    /// Scopes the platform says are missing (`missing_scope`); checked to be scope names.
    package let neededScope: [String]
    /// The access token itself was refused: a new one, minted or refreshed once, may do (platforms, 2.5 and 2.6).
    package let isAboutToken: Bool

    /// A verdict with our own words; the platform's text never comes along.
    package init(
        _ verdict: Verdict, _ code: String, _ sentence: String, retryAfter: Int64? = nil, neededScope: [String] = [],
        isAboutToken: Bool = false
    ) {
        self.verdict = verdict
        self.code = code
        self.sentence = sentence
        self.retryAfter = retryAfter
        self.neededScope = neededScope
        self.isAboutToken = isAboutToken
    }

    /// Two failures are the same when the broker does the same about them.
    package static func == (a: PlatformFailure, b: PlatformFailure) -> Bool {
        a.verdict == b.verdict && a.code == b.code
    }

    /// A store app's ticket is not the newest: the platform is to push it again (platforms, 2.5).
    package var wantsTicket: Bool { code == "10012" }

    /// The authorization code is no good, and only a new trip to the platform gives another.
    private static let deadCodes = ["invalid_code", "20003", "20004", "20065"]

    /// The same for the caller of Postern.
    package var problem: Problem {
        switch verdict {
        case .retry:
            let wait = retryAfter.map { "try again in \($0) seconds" } ?? "try again"
            return Problem(.platformUnreachable, "\(sentence) (\(code))", advice: wait)
        case .reauth where Self.deadCodes.contains(code):
            return Problem(.platformRefused, "\(sentence) (\(code))", advice: "start the authorization again")
        case .reauth:
            return Problem(.needsReauthorization, "\(sentence) (\(code))", advice: "install the app again")
        case .race:
            return Problem(.needsReauthorization, "\(sentence) (\(code))", advice: "try again; if it stays, reinstall")
        case .config, .bug:
            return Problem(.platformRefused, "\(sentence) (\(code))", advice: "run postern app verify")
        }
    }
}

extension PlatformFailure {
    /// HTML, truncated or otherwise no JSON object.
    static func unreadable(_ platform: String) -> PlatformFailure {
        PlatformFailure(
            .retry, "unreadable_answer",
            "\(platform) answered with something that is not JSON; a proxy or an outage page is the usual cause")
    }

    /// JSON, but not the object the method is documented to answer with.
    static func unexpected(_ platform: String, _ what: String) -> PlatformFailure {
        PlatformFailure(.bug, "unexpected_answer", "\(platform)'s answer is not as documented: \(what)")
    }
}

extension PlatformAnswer {
    /// Seconds for which the platform wants no more calls of this method; nil where it says nothing of the kind.
    ///
    /// Headers that tell when a count begins anew come with other answers too (platforms, 2.9 and 4.9), and mean this only
    /// where a limit was met; `Retry-After` always does. A refused token is no reason to wait with another one.
    package func pause(_ complaint: PlatformFailure?) -> Int64? {
        guard complaint?.isAboutToken != true else { return nil }
        if status == 429 || Self.limits.contains(complaint?.code ?? "") { return complaint?.retryAfter ?? retryAfter }
        return complaint?.verdict == .retry ? retryAfter : nil
    }

    /// The codes of limits (platforms, 1.9, 2.9, 4.9).
    private static let limits: Set<String> = [
        "ratelimited", "rate_limited", "99991400", "99991403", "too.many.requests",
    ]
}

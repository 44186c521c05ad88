/// Why Postern said no: the one error type that crosses every layer and becomes RFC 9457 at the door.
///
/// Two problems are the same when a script would treat them the same, so equality is on the code.
package struct Problem: Error, Equatable, Sendable {
    /// The stable name a script can branch on, HTTP's status for it and the CLI's exit code.
    package enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad_request"
        case malformedJSON = "malformed_json"
        case unknownKind = "unknown_kind"
        case appIDNeeded = "app_id_needed"
        case cannotNarrow = "cannot_narrow"
        case stateInvalid = "state_invalid"
        case invalidToken = "invalid_token"
        case denied
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case requestTimeout = "request_timeout"
        case conflict
        case ambiguousInstallation = "ambiguous_installation"
        case needsReauthorization = "needs_reauthorization"
        case expired
        case tooLarge = "too_large"
        case headerTooLarge = "header_too_large"
        case rateLimited = "rate_limited"
        case platformRefused = "platform_refused"
        case platformUnreachable = "platform_unreachable"
        case sealed
        case tooManyConnections = "too_many_connections"
        case auditUnavailable = "audit_unavailable"
        case integrityFailure = "integrity_failure"
        case courierUnavailable = "courier_unavailable"
        case stopping
        case unsupported
        case `internal`
    }

    package let code: Code
    /// What to tell the caller; our own words, never a secret, never what a platform sent.
    package let reason: String
    /// What to do next, in one sentence; empty where there is nothing to do.
    package let advice: String
    /// Seconds after which it is worth trying again, for `Retry-After` (RFC 9110, section 10.2.3); nil is unknown.
    package let retryAfter: Int64?
    /// The audit log has it, or has counted it among those it leaves out.
    package var isOnRecord = false

    /// A problem in our own words: what failed, and what to do about it.
    package init(_ code: Code, _ reason: String, advice: String = "", retryAfter: Int64? = nil) {
        self.code = code
        self.reason = reason
        self.advice = advice
        self.retryAfter = retryAfter
    }

    /// Two problems are the same when a script would treat them the same.
    package static func == (a: Problem, b: Problem) -> Bool { a.code == b.code }
}

extension Problem.Code {
    /// HTTP's status for this code.
    package var status: Int {
        switch self {
        case .badRequest, .malformedJSON, .unknownKind, .appIDNeeded, .cannotNarrow, .stateInvalid: 400
        case .invalidToken: 401
        case .denied: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .conflict, .ambiguousInstallation, .needsReauthorization: 409
        case .expired: 410
        case .tooLarge: 413
        case .rateLimited: 429
        case .headerTooLarge: 431
        case .internal, .integrityFailure: 500
        case .unsupported: 501
        case .platformRefused, .platformUnreachable: 502
        case .sealed, .tooManyConnections, .auditUnavailable, .courierUnavailable, .stopping: 503
        }
    }

    /// What the CLI exits with (design, section 9): 0 ok, 1 error, 2 usage, then these.
    package var exitCode: Int32 {
        switch self {
        case .badRequest, .malformedJSON, .unknownKind, .appIDNeeded, .cannotNarrow, .unsupported: 2
        case .sealed: 3
        case .denied, .invalidToken: 4
        case .notFound, .expired, .stateInvalid: 5
        case .conflict, .ambiguousInstallation: 6
        case .needsReauthorization: 7
        case .platformRefused: 8
        case .platformUnreachable, .courierUnavailable: 9
        case .auditUnavailable: 10
        case .integrityFailure: 11
        case .methodNotAllowed, .requestTimeout, .tooLarge, .headerTooLarge, .rateLimited, .tooManyConnections,
            .stopping, .internal:
            1
        }
    }

    /// A short heading for people, the same for every occurrence (RFC 9457, section 3.1.3).
    package var title: String {
        switch self {
        case .badRequest: "The request is not understood"
        case .malformedJSON: "The body is not the JSON this call takes"
        case .unknownKind: "No such kind of secret"
        case .appIDNeeded: "The App ID is needed"
        case .cannotNarrow: "A platform token cannot be narrowed"
        case .stateInvalid: "This authorization state is unknown or used"
        case .invalidToken: "The bearer is not accepted"
        case .denied: "Not allowed"
        case .notFound: "Not found"
        case .methodNotAllowed: "Method not allowed"
        case .requestTimeout: "The request took too long to arrive"
        case .conflict: "Conflict"
        case .ambiguousInstallation: "Several installations, none named"
        case .needsReauthorization: "Needs re-authorization"
        case .expired: "Expired"
        case .tooLarge: "Body too large"
        case .headerTooLarge: "Header too large"
        case .rateLimited: "Too many requests"
        case .platformRefused: "The platform refused"
        case .platformUnreachable: "The platform cannot be reached"
        case .sealed: "The vault is sealed"
        case .tooManyConnections: "Too many connections"
        case .auditUnavailable: "The audit log cannot be written"
        case .integrityFailure: "Stored data was changed from outside"
        case .courierUnavailable: "The courier is not running"
        case .stopping: "The daemon is stopping"
        case .unsupported: "Not supported"
        case .internal: "Internal error"
        }
    }
}

/// Genesys Cloud's error codes and what each means for us: the only place where one is judged.
///
/// Sources: platforms 4.3 (the token endpoint), 4.6 (`ErrorBody.code` of the API) and 4.9. A code that is not here is
/// judged by its HTTP status, and no verdict of an unknown code ever costs a stored token.
package enum GenesysErrors {
    /// What one code or status means.
    package struct Row: Sendable {
        /// As Genesys Cloud writes it; for a row of the statuses our own.
        package let code: String
        package let verdict: PlatformFailure.Verdict
        package let sentence: String
    }

    /// The token endpoint's `error` (RFC 6749, section 5.2; platforms, 4.3).
    package static let token = [
        Row(
            code: "invalid_client", verdict: .config,
            sentence: "Genesys Cloud does not accept this Client ID and Client Secret in this region"),
        Row(
            code: "invalid_grant", verdict: .reauth,
            sentence: "the authorization code or refresh token was used, revoked or has expired"),
        Row(code: "invalid_request", verdict: .bug, sentence: "the token request is not well formed"),
        Row(code: "unsupported_grant_type", verdict: .bug, sentence: "the grant type is not one this client may use"),
        Row(
            code: "unauthorized_client", verdict: .config,
            sentence: "the OAuth client is not set up for this grant type; look at its Grant Type in Admin > OAuth"),
        Row(code: "invalid_scope", verdict: .config, sentence: "the OAuth client does not have one of the scopes"),
        Row(code: "access_denied", verdict: .config, sentence: "the person who was asked did not allow it"),
        Row(code: "server_error", verdict: .retry, sentence: "Genesys Cloud had an error"),
        Row(code: "temporarily_unavailable", verdict: .retry, sentence: "Genesys Cloud is not available"),
    ]

    /// The API's `code` in its error body.
    package static let api = [
        Row(code: "bad.credentials", verdict: .reauth, sentence: "Genesys Cloud does not accept the token"),
        Row(code: "no.authentication.bearer.token", verdict: .bug, sentence: "no token was sent"),
        Row(
            code: "authentication.required", verdict: .reauth, sentence: "Genesys Cloud does not accept the token"),
        Row(
            code: "not.authorized", verdict: .config,
            sentence: "the OAuth client's roles do not allow it; add a role under Admin > Integrations > OAuth"),
        Row(
            code: "missing.permissions", verdict: .config,
            sentence: "the OAuth client's roles do not allow it; add a role under Admin > Integrations > OAuth"),
        Row(
            code: "missing.any.permissions", verdict: .config,
            sentence: "the OAuth client's roles do not allow it; add a role under Admin > Integrations > OAuth"),
        Row(
            code: "missing.division.permission", verdict: .config,
            sentence: "the OAuth client has the role, but not in this division"),
        Row(code: "bad.request", verdict: .bug, sentence: "the request is not well formed"),
        Row(code: "invalid.query.param.value", verdict: .bug, sentence: "an argument is not accepted"),
        Row(code: "invalid.path.parameter", verdict: .bug, sentence: "an identifier in the path is not accepted"),
        Row(code: "not.found", verdict: .bug, sentence: "there is no such object"),
        Row(code: "too.many.requests", verdict: .retry, sentence: "Genesys Cloud asks us to slow down"),
        Row(code: "internal.server.error", verdict: .retry, sentence: "Genesys Cloud had an error"),
        Row(code: "service.unavailable", verdict: .retry, sentence: "Genesys Cloud is not available"),
        Row(code: "authentication.request.timeout", verdict: .retry, sentence: "Genesys Cloud did not answer in time"),
    ]

    /// What a status means where the body says nothing we know.
    package static let statuses: [(status: Int, row: Row)] = [
        (401, Row(code: "unauthorized", verdict: .reauth, sentence: "Genesys Cloud does not accept the token")),
        (
            403,
            Row(
                code: "forbidden", verdict: .config,
                sentence: "the OAuth client's roles do not allow it; add a role under Admin > Integrations > OAuth")
        ),
        (404, Row(code: "not_found", verdict: .bug, sentence: "there is no such object")),
        (408, Row(code: "request_timeout", verdict: .retry, sentence: "Genesys Cloud did not receive it in time")),
        (429, Row(code: "ratelimited", verdict: .retry, sentence: "Genesys Cloud asks us to slow down")),
    ]

    /// The failure for a token endpoint's answer. `description` and `code` came from outside: they are only compared.
    ///
    /// Each region knows its own clients only, and two descriptions tell an unknown client from a wrong secret
    /// (platforms, 4.3).
    static func oauth(_ code: String, description: String?, status: Int, wait: Int64?) -> PlatformFailure {
        guard let row = token.first(where: { $0.code == code }) else { return byStatus(status, wait) }
        guard row.code == "invalid_client" else { return failure(row, wait) }
        switch description?.lowercased() {
        case "client not found":
            return PlatformFailure(
                .config, row.code,
                "this region of Genesys Cloud does not know the Client ID; a wrong region is the likely cause")
        case "authentication failed":
            return PlatformFailure(
                .config, row.code,
                "Genesys Cloud refuses the Client Secret of this Client ID; if it is right, the region is wrong")
        default: return failure(row, wait)
        }
    }

    /// The failure for an API answer.
    static func call(_ code: String, status: Int, wait: Int64?) -> PlatformFailure {
        api.first { $0.code == code }.map { failure($0, wait) } ?? byStatus(status, wait)
    }

    /// The failure for a status alone.
    static func byStatus(_ status: Int, _ wait: Int64?) -> PlatformFailure {
        if let known = statuses.first(where: { $0.status == status }) { return failure(known.row, wait) }
        if status >= 500 {
            return PlatformFailure(.retry, "server_error", "Genesys Cloud had an error", retryAfter: wait)
        }
        return PlatformFailure(
            .bug, "unknown_code", "Genesys Cloud refused with a code this release does not know")
    }

    private static func failure(_ row: Row, _ wait: Int64?) -> PlatformFailure {
        PlatformFailure(
            row.verdict, row.code, row.sentence, retryAfter: row.verdict == .retry ? wait : nil,
            isAboutToken: row.verdict == .reauth && row.code != "invalid_grant")
    }
}

import Rules

/// Lark's and Feishu's error codes and what each means for us: the only place where one is judged.
///
/// Sources: platforms 2.2 to 2.6, 3.10 and the pages of the older endpoints. `{brand}` and `{other}` in a sentence stand
/// for Lark and Feishu, or the other way round. A code that is not here is a bug of ours until proven otherwise, and no
/// verdict of an unknown code ever costs a stored token.
package enum LarkErrors {
    /// What one code means.
    package struct Row: Sendable {
        package let code: Int64
        package let verdict: PlatformFailure.Verdict
        package let sentence: String
        /// The access token was refused, not what stands behind it.
        let isAboutToken: Bool
    }

    /// Every row of every table.
    package static let all = credentials + oauth + refresh + older + calls + verification + config

    private static let byCode = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })

    /// The row of this code; nil where it is in no table.
    package static func row(_ code: Int64) -> Row? { byCode[code] }

    /// The failure a code stands for. `said` is the platform's own message, shown only where the code alone does not
    /// tell one cause from another.
    package static func failure(
        _ code: Int64, _ brand: Lark.Brand, said: String? = nil, status: Int = 200, retryAfter: Int64? = nil,
        neededScope: [String] = []
    ) -> PlatformFailure {
        guard let row = byCode[code] else {
            if status >= 500 {
                return PlatformFailure(
                    .retry, "server_error", "\(brand.title) had an error (code \(code))", retryAfter: retryAfter)
            }
            return PlatformFailure(
                .bug, "unknown_code", "\(brand.title) answered with code \(code), which is in no table of ours")
        }
        var sentence = row.sentence.replacing("{brand}", with: brand.title)
            .replacing("{other}", with: brand.other.title)
        if ambiguous.contains(code), let said = said.map(Label.words), !said.isEmpty {
            sentence += "; \(brand.title) says “\(said)”"
        }
        return PlatformFailure(
            row.verdict, String(code), sentence, retryAfter: row.verdict == .retry ? retryAfter : nil,
            neededScope: neededScope, isAboutToken: row.isAboutToken)
    }

    /// The codes that stand for several causes (platforms, 2.6: only the message tells id from secret).
    private static let ambiguous: Set<Int64> = [10003, 10014, 10015, 99_991_543]

    static func row(
        _ code: Int64, _ verdict: PlatformFailure.Verdict, _ sentence: String, token: Bool = false
    ) -> Row {
        Row(code: code, verdict: verdict, sentence: sentence, isAboutToken: token)
    }

    /// The machine tokens' (platforms, 2.5 and 2.6).
    package static let credentials = [
        row(10003, .config, "the App ID or App Secret is empty or not well formed"),
        row(10012, .retry, "{brand} could not make the app's token; a store app's ticket may be outdated"),
        row(10013, .retry, "{brand} could not make the organisation's token"),
        row(
            10014, .config,
            "{brand} does not accept this App ID and App Secret; the App Secret was reset or copied wrongly, the app was "
                + "stopped, or it is a {other} app: the two are separate clouds"),
        row(10015, .config, "the App Secret is not this app's"),
        row(10016, .config, "this is no store app; only those have tickets"),
        row(
            99_991_543, .config,
            "{brand} knows no app of this App ID and App Secret; it may be a {other} app: the two are separate clouds"),
    ]

    /// `authen/v2/oauth/token` and the authorize page (platforms, 2.2 and 2.3).
    package static let oauth = [
        row(20001, .bug, "a parameter is missing or not accepted"),
        row(20002, .config, "the App Secret is not this app's"),
        row(20003, .reauth, "the authorization code is unknown or was used before"),
        row(20004, .reauth, "the authorization code has expired after its five minutes"),
        row(20008, .reauth, "the user does not exist any more"),
        row(20009, .config, "the app is not installed in the user's organisation"),
        row(20010, .config, "the user is outside the app's availability range"),
        row(20024, .bug, "the code or token belongs to another app"),
        row(
            20027, .config,
            "a scope that was asked for is not enabled on the app; enable it and publish a new version"),
        row(20036, .bug, "the grant type is not supported"),
        row(
            20048, .config,
            "{brand} knows no such app; it was deleted, or it is a {other} app: the two are separate clouds"),
        row(20049, .bug, "the PKCE check failed"),
        row(20050, .retry, "{brand} had an error"),
        row(20063, .bug, "the request is not well formed"),
        row(20065, .reauth, "the authorization code was used before"),
        row(20066, .reauth, "the user is frozen or has left the organisation"),
        row(20067, .bug, "a scope was asked for twice"),
        row(20068, .bug, "a scope was asked for that was not granted"),
        row(20069, .config, "the app is not enabled; publish a version, or have an administrator enable it"),
        row(20070, .bug, "the client was authenticated in two ways at once"),
        row(20071, .bug, "the redirect URL is not the one the authorization began with"),
        row(20072, .retry, "{brand} is not available at the moment"),
        row(21000, .config, "the organisation's access policy does not allow it"),
        row(21001, .config, "the organisation's access policy asks the user for another proof first"),
    ]

    /// A refresh token's (platforms, 2.4).
    package static let refresh = [
        row(20026, .reauth, "the refresh token is not valid, or comes from the older endpoints"),
        row(20037, .reauth, "the refresh token has expired; it lives seven days, and 365 days after the consent"),
        row(20064, .race, "the refresh token was revoked, or another process has used it"),
        row(20073, .race, "the refresh token was used before"),
        row(
            20074, .config,
            "the app may not refresh; switch on \"refresh user_access_token\" in Security Settings and publish"),
    ]

    /// The older endpoints' and user_info's, where they are not above (platforms, 2.3 and 2.6).
    package static let older = [
        row(20005, .reauth, "the user's token is not valid", token: true),
        row(20007, .retry, "{brand} could not make the user's token"),
        row(20013, .retry, "the organisation's token was not accepted", token: true),
        row(20014, .retry, "the app's token was not accepted", token: true),
        row(20021, .reauth, "the user has left the organisation"),
        row(20022, .reauth, "the user is frozen"),
        row(20023, .reauth, "the user is not registered"),
        row(20025, .bug, "App ID or App Secret is missing"),
        row(20028, .config, "{brand} knows no such App ID; it may be a {other} app: the two are separate clouds"),
        row(20029, .config, "the redirect URL is not registered under Security Settings, or is another app's"),
        row(20035, .config, "the App ID or App Secret is wrong"),
        row(20038, .race, "the refresh token is unknown, has expired or was used before"),
        row(20039, .reauth, "the user's token is unknown", token: true),
        row(20042, .config, "the app is disabled"),
        row(
            20046, .config,
            "the app is not of this brand: a {other} app was called at {brand}, or its users are of the other brand; "
                + "add it under {other}"),
    ]

    /// What every caller of an API must know (platforms, 2.6 and 2.9).
    package static let calls = [
        row(1500, .retry, "{brand} had an error"),
        row(2200, .retry, "{brand} had an error, or a parameter was set wrongly"),
        row(11207, .config, "the app cannot be used"),
        row(11209, .config, "{brand} knows no such app; it may be a {other} app: the two are separate clouds"),
        row(11210, .config, "the app is not installed in this organisation"),
        row(99_991_400, .retry, "too many calls in a short time"),
        row(99_991_401, .config, "the app's list of allowed addresses leaves ours out"),
        row(
            99_991_403, .config,
            "the organisation's calls of this month are used up; they come back on the 1st, or with a paid plan"),
        row(99_991_406, .config, "the organisation's package of advanced calls is used up"),
        row(99_991_661, .bug, "no token was sent"),
        row(99_991_662, .config, "the app is stopped; an administrator can enable it again"),
        row(99_991_663, .retry, "the token is not valid any more, or not of the kind this call takes", token: true),
        row(99_991_664, .retry, "the app's token is not valid any more", token: true),
        row(99_991_665, .retry, "the organisation's token is not valid any more", token: true),
        row(99_991_668, .reauth, "the user's token is not valid", token: true),
        row(99_991_669, .reauth, "the user's refresh token is not valid"),
        row(99_991_671, .bug, "the token has no prefix that {brand} knows"),
        row(99_991_672, .config, "the app lacks a scope; enable it and publish a new version"),
        row(99_991_673, .config, "the app cannot be used in this organisation"),
        row(99_991_676, .config, "the token lacks the permission"),
        row(99_991_677, .retry, "the user's token has expired", token: true),
        row(99_991_679, .reauth, "the user did not grant this; authorize again with the wider scope"),
    ]

    /// Tenant query, application get and the scopes list (platforms, 2.6).
    package static let verification = [
        row(210_503, .config, "the App ID is not accepted"),
        row(210_504, .config, "the app is not of this organisation"),
        row(210_505, .config, "the app is no custom app"),
        row(210_506, .config, "{brand} knows no such app; it may be a {other} app: the two are separate clouds"),
        row(210_508, .config, "the organisation's plan or the app's level is too low for this call"),
        row(212_100, .config, "the app is not installed in this organisation"),
        row(1_184_000, .config, "{brand} does not find the organisation"),
        row(1_184_001, .config, "the app may not read the organisation, or was not used for 180 days"),
    ]

    /// The config API's (platforms, 3.10).
    package static let config = [
        row(210_031, .bug, "a parameter is not accepted"),
        row(210_032, .config, "{brand} knows no such app"),
        row(210_033, .retry, "{brand} had an error"),
        row(210_034, .config, "a store app cannot be changed this way"),
        row(210_035, .config, "an app made through Base cannot be changed this way"),
        row(210_036, .config, "a token changes its own app only"),
        row(210_037, .config, "the user is neither owner, administrator nor developer of the app"),
        row(210_040, .config, "a version of the app is under review; wait for it, or withdraw it"),
        row(210_041, .config, "the app needs the feature Bot first"),
        row(210_042, .config, "{brand} asked the event URL for its challenge and got no right answer within a second"),
        row(210_043, .config, "only apps made in the developer console can be changed this way"),
    ]
}

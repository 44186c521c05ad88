/// Slack's error codes and what each means for us: the only place where one is judged.
///
/// Sources: platforms 1.3 (both tables), 1.6, 1.7 and 1.10. A code that is not here is `unknown_code`, which never
/// costs a stored token.
package enum SlackErrors {
    /// What a code means.
    package struct Meaning: Sendable {
        package let verdict: PlatformFailure.Verdict
        package let sentence: String
    }

    /// The failure for `code`, which came from outside: it is only looked up, never copied.
    package static func failure(
        for code: String, retryAfter: Int64? = nil, needed: [String] = []
    ) -> PlatformFailure {
        let registration = "dynamic_client_registration_"
        let code = code.hasPrefix(registration) ? "\(registration)failed" : code
        guard let entry = table.first(where: { $0.code == code }) else {
            return PlatformFailure(.bug, "unknown_code", "Slack refused with a code this release does not know")
        }
        return PlatformFailure(
            entry.meaning.verdict, entry.code, entry.meaning.sentence, retryAfter: retryAfter, neededScope: needed,
            isAboutToken: ofTheToken.contains(entry.code))
    }

    /// Said of the access token, not of what was asked with it.
    private static let ofTheToken: Set<String> = ["token_expired", "token_revoked", "account_inactive"]

    /// Every code we know, for documentation and tests.
    package static var codes: [String] { table.map(\.code) }

    /// nil for a code we do not know.
    package static func meaning(of code: String) -> Meaning? { table.first { $0.code == code }?.meaning }

    private static func row(
        _ code: String, _ verdict: PlatformFailure.Verdict, _ sentence: String
    ) -> (code: String, meaning: Meaning) { (code, Meaning(verdict: verdict, sentence: sentence)) }

    private static let table = exchange + passing + grants + settings + mistakes + manifests + webhooks

    /// oauth.v2.access and oauth.v2.exchange.
    private static let exchange = [
        row("invalid_client_id", .config, "Slack does not know this Client ID"),
        row("bad_client_secret", .config, "the Client Secret does not belong to this Client ID, or was regenerated"),
        row("bad_redirect_uri", .bug, "the redirect URL is not the one the authorization was started with"),
        row("invalid_code", .reauth, "the authorization code is unknown, older than ten minutes or already used"),
        row("code_already_used", .reauth, "the authorization code was already used"),
        row("invalid_grant", .reauth, "the authorization code or refresh token is not valid any more"),
        row("invalid_code_verifier", .bug, "the PKCE verifier does not fit the challenge"),
        row("pkce_not_allowed", .config, "PKCE was used, but the app has not opted in to it"),
        row("invalid_grant_type", .bug, "the grant type is not one Slack knows"),
        row("unsupported_grant_type", .bug, "the grant type is not one Slack supports"),
        row("invalid_refresh_token", .race, "the refresh token was used, revoked or never existed"),
        row("no_scopes", .bug, "no scope was asked for"),
        row("invalid_scope", .config, "a scope is unknown, or identity scopes were mixed with others"),
        row("oauth_authorization_url_mismatch", .bug, "the flow was started at another authorize page"),
        row(
            "cannot_install_an_org_installed_app", .config,
            "the app is already installed for the whole organisation"),
        row(
            "invalid_team_for_non_distributed_app", .config,
            "the app may be installed only in the workspace it was made in"),
        row("scope_not_allowed_on_enterprise", .config, "the organisation does not allow one of the scopes"),
        row("unapproved_scope", .config, "one of the scopes is not approved for this app"),
        row("preview_feature_not_available", .config, "a feature the app uses is not available in this workspace"),
        row("user_email_unverified", .config, "the person who authorized has no verified e-mail address"),
        row("users_not_found", .config, "nobody in the workspace has this e-mail address"),
        row("authorization_not_found", .config, "Slack knows no authorization for this token"),
        row("invalid_token", .reauth, "the token cannot be exchanged: it is not valid"),
        row("token_already_exchanged", .race, "the token was exchanged before"),
        row("token_rotation_not_enabled", .config, "token rotation is not switched on for this app"),
        row("invalid_client", .config, "Slack does not accept this Client ID and Client Secret"),
        row("invalid_request", .bug, "the token request is not well formed"),
        row("no_user_scopes", .bug, "no user scope was asked for"),
        row("not_implemented", .config, "Slack does not offer this flow to the app"),
    ]

    /// Trouble that passes.
    private static let passing = [
        row("ratelimited", .retry, "Slack asks us to slow down"),
        row("rate_limited", .retry, "Slack asks us to slow down"),
        row("internal_error", .retry, "Slack had an internal error"),
        row("fatal_error", .retry, "Slack failed, perhaps half-way"),
        row("service_unavailable", .retry, "Slack is not available"),
        row("request_timeout", .retry, "Slack did not receive the request in time"),
        row("team_added_to_org", .retry, "the workspace is being moved into an organisation"),
        row("org_login_required", .retry, "the workspace is being moved; Slack asks to wait"),
        row("unknown_error", .retry, "Slack failed without saying why"),
    ]

    /// What ended a grant.
    private static let grants = [
        row("account_inactive", .reauth, "the bot, the user or the workspace was deleted, or the app was removed"),
        row("token_revoked", .reauth, "the token was revoked"),
        row("token_expired", .reauth, "the token has expired"),
        row("user_removed_from_team", .reauth, "the user is no longer in the workspace"),
    ]

    /// What an administrator has to put right.
    private static let settings = [
        row(
            "invalid_auth", .config,
            "Slack does not accept the token, or the app's list of allowed addresses leaves ours out"),
        row("missing_scope", .config, "the token lacks a scope; add it to the app and install the app again"),
        row("no_permission", .config, "the workspace does not allow it for this token"),
        row("two_factor_setup_required", .config, "the user must set up two-factor authentication"),
        row("access_denied", .config, "access was denied"),
        row("accesslimited", .config, "the workspace limits access to this method"),
        row("ekm_access_denied", .config, "the organisation has suspended access with its own keys"),
        row("enterprise_is_restricted", .config, "the method cannot be used in this organisation"),
        row("team_access_not_granted", .config, "the token has no access to this workspace"),
        row("client_id_token_mismatch", .config, "the token does not belong to this Client ID"),
        row("email_not_verified", .config, "the user's e-mail address is not verified"),
        row("invalid_user_id", .config, "Slack does not know this user"),
        row("team_not_found", .config, "Slack does not know this workspace"),
        row("bot_not_found", .config, "Slack does not know this bot"),
        row("bots_not_found", .config, "Slack does not know this bot"),
        row("not_in_team", .config, "the user is not in this workspace"),
    ]

    /// What we, or a bridge through the gateway, sent wrong.
    private static let mistakes = [
        row("not_authed", .bug, "no token was sent"),
        row("not_allowed_token_type", .bug, "this kind of token cannot call this method"),
        row("not_bearer_token", .bug, "the token was not sent as a bearer token"),
        row("deprecated_endpoint", .bug, "the address is no longer served"),
        row("method_deprecated", .bug, "the method is no longer served"),
        row("unknown_method", .bug, "Slack has no such method"),
        row("invalid_arg_name", .bug, "an argument's name is not accepted"),
        row("invalid_arguments", .bug, "the arguments are not accepted"),
        row("missing_argument", .bug, "an argument is missing"),
        row("invalid_array_arg", .bug, "an argument is an array where none is accepted"),
        row("invalid_charset", .bug, "the character set is not accepted"),
        row("invalid_form_data", .bug, "the form is not accepted"),
        row("invalid_post_type", .bug, "the content type is not accepted"),
        row("missing_post_type", .bug, "the content type is missing"),
    ]

    /// apps.manifest.* and its `dynamic_client_registration_…` family (platforms, 1.10).
    private static let manifests = [
        row("invalid_manifest", .config, "the manifest is not one Slack takes"),
        row("invalid_app", .config, "Slack does not take this app"),
        row("invalid_app_id", .config, "Slack does not know this App ID, or the configuration token may not see it"),
        row("app_not_found", .config, "Slack does not know this app, or the configuration token may not see it"),
        row("app_not_eligible", .config, "this app cannot be configured by a manifest"),
        row("app_not_owned_by_manager_app", .config, "the app belongs to another managing app"),
        row("invalid_team_id", .config, "Slack does not know this workspace"),
        row("managed_app_limit_reached", .config, "the workspace has as many apps as it may have"),
        row(
            "failed_creating_app", .config,
            "Slack could not make the app; look at the list of apps before trying again"),
        row(
            "failed_adding_collaborator", .config,
            "Slack made the app without its collaborator; look at the list of apps before trying again"),
        row(
            "failed_generating_app_token", .config,
            "Slack made the app without its token; look at the list of apps before trying again"),
        row("failed_datastore_operation", .retry, "Slack could not store the manifest"),
        row("failed_export", .retry, "Slack could not write the manifest out"),
        row("socket_mode_not_enabled", .config, "the manifest needs socket mode, which is off"),
        row("published_app_only", .config, "this is possible for published apps only"),
        row("oauth_metadata_not_found", .config, "the app's OAuth metadata was not found"),
        row("dynamic_client_registration_failed", .config, "the manifest's dynamic client registration failed"),
    ]

    /// Plain-text answers of incoming webhooks (platforms, 1.6); `invalid_token` stands with the exchange.
    private static let webhooks = [
        row("invalid_payload", .bug, "the message is not well formed"),
        row("no_text", .bug, "the message has no text"),
        row("user_not_found", .config, "the webhook's user is gone"),
        row("action_prohibited", .config, "the workspace does not allow the webhook to post here"),
        row("channel_not_found", .config, "the webhook's channel is gone"),
        row("channel_is_archived", .config, "the webhook's channel is archived"),
        row("rollup_error", .retry, "Slack could not post the message"),
        row("no_service", .config, "the webhook was revoked, or the app was removed"),
        row("no_team", .config, "the webhook's workspace is gone"),
    ]
}

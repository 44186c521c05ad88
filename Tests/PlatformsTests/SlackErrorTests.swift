import Platforms
import Rules
import Testing

@Suite struct `Slack's error codes` {
    /// platforms 1.3, both tables; 1.4, 1.6, 1.7 and 1.10.
    static let documented: [(String, PlatformFailure.Verdict)] = [
        ("invalid_client_id", .config), ("bad_client_secret", .config), ("bad_redirect_uri", .bug),
        ("invalid_code", .reauth), ("invalid_code_verifier", .bug), ("pkce_not_allowed", .config),
        ("invalid_grant_type", .bug), ("invalid_refresh_token", .race), ("no_scopes", .bug),
        ("oauth_authorization_url_mismatch", .bug), ("cannot_install_an_org_installed_app", .config),
        ("preview_feature_not_available", .config), ("user_email_unverified", .config),
        ("ratelimited", .retry), ("internal_error", .retry), ("fatal_error", .retry), ("service_unavailable", .retry),
        ("request_timeout", .retry), ("team_added_to_org", .retry), ("org_login_required", .retry),
        ("two_factor_setup_required", .config), ("access_denied", .config), ("accesslimited", .config),
        ("ekm_access_denied", .config), ("enterprise_is_restricted", .config), ("team_access_not_granted", .config),
        ("invalid_arg_name", .bug), ("invalid_arguments", .bug), ("invalid_array_arg", .bug),
        ("invalid_charset", .bug), ("invalid_form_data", .bug), ("invalid_post_type", .bug),
        ("missing_post_type", .bug), ("invalid_auth", .config), ("not_authed", .bug), ("account_inactive", .reauth),
        ("token_revoked", .reauth), ("token_expired", .reauth), ("missing_scope", .config),
        ("not_allowed_token_type", .bug), ("no_permission", .config), ("deprecated_endpoint", .bug),
        ("method_deprecated", .bug), ("bot_not_found", .config), ("bots_not_found", .config),
        ("missing_argument", .bug), ("team_not_found", .config), ("email_not_verified", .config),
        ("invalid_user_id", .config), ("not_bearer_token", .bug), ("client_id_token_mismatch", .config),
        ("authorization_not_found", .config), ("invalid_token", .reauth), ("token_already_exchanged", .race),
        ("token_rotation_not_enabled", .config), ("invalid_client", .config), ("invalid_grant", .reauth),
        ("invalid_request", .bug), ("unsupported_grant_type", .bug), ("unknown_method", .bug),
        ("invalid_scope", .config), ("unapproved_scope", .config), ("scope_not_allowed_on_enterprise", .config),
        ("invalid_team_for_non_distributed_app", .config), ("code_already_used", .reauth), ("no_user_scopes", .bug),
        ("not_implemented", .config), ("unknown_error", .retry), ("rate_limited", .retry),
        // apps.manifest.* (1.10)
        ("invalid_manifest", .config), ("invalid_app", .config), ("invalid_app_id", .config),
        ("invalid_team_id", .config), ("not_in_team", .config), ("managed_app_limit_reached", .config),
        ("failed_creating_app", .config), ("failed_adding_collaborator", .config),
        ("failed_generating_app_token", .config), ("failed_datastore_operation", .retry),
        ("socket_mode_not_enabled", .config), ("app_not_eligible", .config),
        ("app_not_owned_by_manager_app", .config), ("app_not_found", .config), ("failed_export", .retry),
        ("published_app_only", .config), ("oauth_metadata_not_found", .config),
        // Incoming webhooks (1.6)
        ("invalid_payload", .bug), ("no_text", .bug), ("user_not_found", .config), ("action_prohibited", .config),
        ("channel_not_found", .config), ("channel_is_archived", .config), ("rollup_error", .retry),
        ("no_service", .config), ("no_team", .config), ("users_not_found", .config),
    ]

    @Test(arguments: documented)
    func `are judged as documented`(_ code: String, _ verdict: PlatformFailure.Verdict) {
        let found = failure { () throws(PlatformFailure) in
            try answer(#"{"ok":false,"error":"\#(code)"}"#).slackIdentity()
        }
        #expect(found?.code == code && found?.verdict == verdict && found?.sentence.isEmpty == false)
    }

    @Test func `of dynamic client registration are one family`() {
        for code in ["dynamic_client_registration_failed", "dynamic_client_registration_not_supported"] {
            let found = SlackErrors.failure(for: code)
            #expect(found.verdict == .config && found.code == "dynamic_client_registration_failed")
        }
    }

    @Test func `leave none of our rows untried`() {
        let tried = Set(Self.documented.map(\.0) + ["dynamic_client_registration_failed", "user_removed_from_team"])
        #expect(Set(SlackErrors.codes).subtracting(tried) == [])
    }

    @Test func `stand in the table once`() {
        #expect(Set(SlackErrors.codes).count == SlackErrors.codes.count)
    }

    @Test func `that are unknown never end a grant`() {
        #expect(SlackErrors.failure(for: "brand_new_code").verdict == .bug)
        #expect(SlackErrors.failure(for: "").code == "unknown_code")
    }

    @Test(
        arguments: [
            ("ratelimited", .platformUnreachable), ("invalid_code", .platformRefused),
            ("account_inactive", .needsReauthorization), ("bad_client_secret", .platformRefused),
            ("invalid_refresh_token", .needsReauthorization),
        ] as [(String, Problem.Code)])
    func `become problems a script can branch on`(_ code: String, _ problem: Problem.Code) {
        #expect(SlackErrors.failure(for: code).problem.code == problem)
    }
}

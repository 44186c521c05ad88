import Rules

/// Slack's fields, as its pages name them (platforms, 1.1).
extension Profile.Field {
    private static let credentials = "Basic Information > App Credentials"
    private static let installed = "OAuth & Permissions, after Install to Workspace"

    static func workspaceName(required: Bool) -> Self {
        Self(
            .field(.workspaceName), "Workspace Name", required: required,
            find: "the workspace menu in Slack, top left", shape: .name)
    }

    /// Slack's App ID; also asked for alone, where Slack does not tell it.
    package static func slackAppID(required: Bool = true) -> Self {
        Self(.appID, "App ID", required: required, find: credentials, shape: .slackAppID)
    }

    static func slackClientID(required: Bool) -> Self {
        Self(.field(.clientID), "Client ID", required: required, find: credentials, shape: .slackClientID)
    }

    static func slackClientSecret(required: Bool) -> Self {
        Self(
            .secret(.clientSecret), "Client Secret", required: required, find: "\(credentials), behind Show",
            shape: .slackSecret)
    }

    static func signingSecret(required: Bool = true) -> Self {
        Self(
            .secret(.signingSecret), "Signing Secret", required: required, find: "\(credentials), behind Show",
            shape: .slackSecret)
    }

    static func slackVerificationToken() -> Self {
        Self(
            .secret(.verificationToken), "Verification Token", required: false,
            find: "\(credentials); Slack has deprecated it", shape: .slackVerificationToken,
            aliases: ["app_verification_token"])
    }

    static func botToken(_ label: String = "Bot User OAuth Token", required: Bool, aliases: [String] = []) -> Self {
        Self(
            .secret(.botToken), label, required: required, find: installed, shape: .slackBotToken, aliases: aliases)
    }

    static let slackUserToken = Self(
        .secret(.userToken), "User OAuth Token", required: false, find: installed, shape: .slackUserToken)

    static let slackAppToken = Self(
        .secret(.appToken), "App-Level Token", required: false, find: "Basic Information > App-Level Tokens",
        shape: .slackAppToken)

    static let slackWebhookURL = Self(
        .secret(.webhookURL), "Incoming Webhook URL", required: false,
        find: "Incoming Webhooks, after Add New Webhook to Workspace", shape: .slackWebhookURL,
        aliases: ["slack_webhook_url", "incoming_webhook_url"])
}

extension Profile {
    /// Alibaba Cloud Enterprise Service in Slack: six credentials (platforms, 5.1).
    static let alibabaSlack = Profile(
        name: "alibaba-slack", platform: .slack, title: "Alibaba Cloud Enterprise Service with Slack",
        fields: [
            .workspaceName(required: true), .slackAppID(), .slackClientID(required: true),
            .slackClientSecret(required: true), .signingSecret(), .botToken(required: true),
        ],
        botScopes: ["chat:write", "users:read", "im:write", "im:history"],
        userScopes: ["identity.basic", "identity.team"],
        redirects: ["{base}/thirdparty/slack/{app_id}/oauth2/callback"],
        events: "{base}/thirdparty/slack/{app_id}/events",
        eventTypes: ["app_home_opened", "message.im"],
        base: "https://ailink.gts.work",
        look: SlackLook(
            name: "Alibaba Cloud Enterprise Support", description: "Alibaba Cloud Enterprise Support",
            longDescription: "Alibaba Cloud Enterprise Support in Slack. Open the service portal from the app's home "
                + "tab, talk to your technical account manager, and receive the notifications of your tickets as "
                + "direct messages. Logging in with Slack only tells the portal who you are.",
            color: "#f72f02", botName: "Alibaba Cloud Enterprise Support", hasHome: true, messagesAreReadOnly: true,
            hasIncomingWebhook: false),
        traps: [
            "The guide's sample manifest has another app's id, A0A75890ATF, in both URLs: until they are replaced by "
                + "this app's own, logins and events go to that app.",
            "Slack warns when the URLs are saved in step 7; the guide calls this normal.",
            "Texts disagree on how many credentials there are; there are six.",
        ],
        steps: [
            Step(
                "create_app", "make the app from the manifest (postern app manifest --profile alibaba-slack)",
                at: "https://api.slack.com/apps > Create New App > From a manifest", seen: .checks(["app_id"])),
            Step(
                "install", "install it to the workspace and allow it", at: "OAuth & Permissions > Install to Workspace",
                seen: .checks(["bot_token", "token_kind"])),
            Step(
                "credentials", "store the six credentials (postern app add)",
                at: "Basic Information, OAuth & Permissions",
                seen: .stored([])),
            Step(
                "scopes", "grant the bot all four scopes", at: "OAuth & Permissions > Scopes",
                seen: .checks(["scopes"])),
            Step(
                "client_pair", "Client ID and Client Secret are a pair: proven by the first login",
                at: "Basic Information > App Credentials", seen: .checks(["client_pair"])),
            Step(
                "redirect_url", "register {base}/thirdparty/slack/{app_id}/oauth2/callback",
                at: "OAuth & Permissions > Redirect URLs", seen: .checks(["redirect_url"])),
            Step(
                "event_url", "enter {base}/thirdparty/slack/{app_id}/events and wait for Verified",
                at: "Event Subscriptions > Request URL", seen: .checks(["event_url", "signing_secret"])),
            Step("login", "open the app's home and log in once", at: "Slack", seen: .checks(["login"])),
        ])

    /// Direct messages of ovice in Slack: two credentials and no App ID (platforms, 5.4).
    static let oviceSlack = Profile(
        name: "ovice-slack", platform: .slack, title: "ovice notifications in Slack", appID: .botToken,
        fields: [
            .botToken("Access Token", required: true, aliases: ["access_token"]),
            Field(
                .field(.domain), "Slack Workspace Domain", find: "the part before .slack.com in the browser's address",
                shape: .slackDomain, aliases: ["workspace_domain", "slack_workspace_domain"]),
            .slackAppID(required: false), .slackClientID(required: false), .slackClientSecret(required: false),
            .signingSecret(required: false),
        ],
        botScopes: ["users:read", "users:read.email", "chat:write"],
        traps: [
            "Only the part before .slack.com is the domain; a pasted address is cut to it.",
            "Looking people up by e-mail needs users:read.email besides users:read.",
            "The app's name may have letters and digits only.",
        ],
        steps: [
            Step(
                "create_app", "make the app from scratch, its name letters and digits only",
                at: "https://api.slack.com/apps > Create New App > From scratch", seen: .checks(["bot_token"])),
            Step(
                "scopes", "add the bot scopes users:read, users:read.email and chat:write",
                at: "OAuth & Permissions > Scopes", seen: .checks(["scopes"])),
            Step(
                "install", "install it to the workspace and allow it", at: "OAuth & Permissions > Install to Workspace",
                seen: .installed),
            Step(
                "credentials", "store the access token and the workspace's domain (postern app add)",
                at: "OAuth & Permissions", seen: .stored([])),
            Step(
                "domain", "the token is of the workspace that was named", at: "the browser's address",
                seen: .checks(["workspace_domain"])),
            Step(
                "link", "everybody who wants messages connects Slack: Personal Integration Settings > Connect",
                at: "ovice", seen: .checks(["login"])),
        ])

    /// Any Slack app: what Slack's own pages show, most of it optional.
    static let slack = Profile(
        name: "slack", platform: .slack, title: "Any Slack app",
        fields: [
            .workspaceName(required: false), .slackAppID(), .slackClientID(required: false),
            .slackClientSecret(required: false), .signingSecret(), .botToken(required: false), .slackUserToken,
            .slackAppToken, .slackWebhookURL, .slackVerificationToken(),
        ],
        steps: [
            Step(
                "credentials", "store the App ID and the Signing Secret (postern app add)",
                at: "Basic Information > App Credentials", seen: .stored([])),
            Step(
                "install", "install it, or let Postern do so (postern oauth url)", at: "OAuth & Permissions",
                seen: .installed),
            Step(
                "redirect_url", "register the app's redirect URLs (postern app show)",
                at: "OAuth & Permissions > Redirect URLs", seen: .checks(["redirect_url"])),
            Step(
                "event_url", "enter the address of the service that takes events", at: "Event Subscriptions",
                seen: .checks(["signing_secret"])),
        ])
}

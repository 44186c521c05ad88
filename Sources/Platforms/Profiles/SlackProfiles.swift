import Rules

extension Profile {
    static let slackProfiles = [alibabaSlack, slack]

    /// Alibaba Cloud Enterprise Service in Slack: six credentials (platforms, 5.1).
    private static let alibabaSlack = Profile(
        name: "alibaba-slack", platform: .slack, title: "Alibaba Cloud Enterprise Service with Slack",
        fields: [
            workspaceName(required: true), appID, clientID(required: true), clientSecret(required: true),
            signingSecret, botToken(required: true),
        ],
        botScopes: ["chat:write", "users:read", "im:write", "im:history"],
        userScopes: ["identity.basic", "identity.team"],
        redirectURL: "https://ailink.gts.work/thirdparty/slack/{app_id}/oauth2/callback",
        eventURL: "https://ailink.gts.work/thirdparty/slack/{app_id}/events")

    /// Any Slack app: what Slack's own pages show, most of it optional.
    private static let slack = Profile(
        name: "slack", platform: .slack, title: "Any Slack app",
        fields: [
            workspaceName(required: false), appID, clientID(required: false), clientSecret(required: false),
            signingSecret, botToken(required: false), userToken, appToken, webhookURL,
        ],
        botScopes: [], userScopes: [], redirectURL: nil, eventURL: nil)

    private static let credentials = "Basic Information > App Credentials"

    private static func workspaceName(required: Bool) -> Field {
        Field(
            place: .field(.workspaceName), label: "Workspace Name", required: required,
            find: "the workspace menu in Slack, top left", shape: .name)
    }

    private static let appID = Field(
        place: .appID, label: "App ID", required: true, find: credentials, shape: .slackAppID)

    private static func clientID(required: Bool) -> Field {
        Field(
            place: .field(.clientID), label: "Client ID", required: required, find: credentials, shape: .slackClientID)
    }

    private static func clientSecret(required: Bool) -> Field {
        Field(
            place: .secret(.clientSecret), label: "Client Secret", required: required,
            find: "\(credentials), behind Show", shape: .slackSecret)
    }

    private static let signingSecret = Field(
        place: .secret(.signingSecret), label: "Signing Secret", required: true,
        find: "\(credentials), behind Show", shape: .slackSecret)

    private static func botToken(required: Bool) -> Field {
        Field(
            place: .secret(.botToken), label: "Bot User OAuth Token", required: required,
            find: "OAuth & Permissions, after Install to Workspace", shape: .slackBotToken)
    }

    private static let userToken = Field(
        place: .secret(.userToken), label: "User OAuth Token", required: false,
        find: "OAuth & Permissions, after Install to Workspace", shape: .slackUserToken)

    private static let appToken = Field(
        place: .secret(.appToken), label: "App-Level Token", required: false,
        find: "Basic Information > App-Level Tokens", shape: .slackAppToken)

    private static let webhookURL = Field(
        place: .secret(.webhookURL), label: "Webhook URL", required: false,
        find: "Incoming Webhooks", shape: .slackWebhookURL)
}

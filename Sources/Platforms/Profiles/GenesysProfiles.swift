import Rules

/// Genesys Cloud's fields (platforms, 4.1). The aliases are the names of the blueprint's `common-variables.js`.
extension Profile.Field {
    private static let client = "Genesys Cloud Admin > Integrations > OAuth"
    private static let messaging = "Genesys Cloud Admin > Message > Platforms > Open Messaging"

    static let genesysClientID = Self(
        .field(.clientID), "OAuth Client ID", find: client, shape: .uuid, aliases: ["clientId"])

    static let genesysClientSecret = Self(
        .secret(.clientSecret), "OAuth Client Secret",
        find: "\(client); shown only when the client is made or its secret reset", shape: .genesysSecret,
        aliases: ["clientSecret"])

    static let genesysRegion = Self(
        .field(.region), "Region", find: "the organisation's address: apps.REGION, such as mypurecloud.ie",
        shape: .genesysRegion)

    static func webhookSecret(required: Bool) -> Self {
        Self(
            .secret(.webhookSecret), "Outbound Notification Webhook Signature Secret Token", required: required,
            find: messaging, shape: .genesysWebhookSecret, aliases: ["open_messaging_secret_token"])
    }

    static func integrationIDs(required: Bool) -> Self {
        Self(
            .field(.integrationIDs),
            required ? "Integration ids of Direct Message and App Mention, with a comma" : "Integration ids",
            required: required, find: "\(messaging), in the address of each integration", shape: .uuids)
    }
}

extension Profile {
    /// Slack and Genesys Cloud open messaging: one integration of two apps (platforms, 5.5).
    static let genesysSlack = [
        Profile(
            name: "genesys-slack", platform: .genesys, title: "Genesys Cloud open messaging with Slack",
            appID: .clientID,
            fields: [
                .genesysClientID, .genesysClientSecret, .genesysRegion, .webhookSecret(required: true),
                .integrationIDs(required: true),
            ],
            quota: "300 token requests a minute; Postern asks once per token life",
            traps: [
                "A region that is not the organisation's looks like a wrong secret: each region knows only its own.",
                "The webhook secret has at least 16 characters.",
                "The blueprint's localtunnel addresses are third-party relays: never send production secrets there.",
            ],
            steps: [
                Step(
                    "oauth_client", "make an OAuth client with the grant Client Credentials, and give it its roles",
                    at: "Genesys Cloud Admin > Integrations > OAuth",
                    seen: .checks(["client_credentials", "client_id"])),
                Step(
                    "integrations",
                    "make the integrations Open Messaging Direct Message and Open Messaging App Mention",
                    at: "Genesys Cloud Admin > Message > Platforms > Create New Integration > Open Messaging",
                    seen: .checks(["integration_ids"])),
                Step(
                    "credentials", "store client, region, webhook secret and both integration ids (postern app add)",
                    at: "Genesys Cloud Admin", seen: .stored([])),
                Step(
                    "flows",
                    "make the inbound message flows Slack Direct Message and Slack App Mention, and publish them",
                    at: "Genesys Cloud Architect", seen: .byEye),
                Step(
                    "routes", "make two inbound message routes, each flow to its own integration's address",
                    at: "Genesys Cloud Admin > Routing > Message Routing", seen: .byEye),
                Step(
                    "notifications", "the first signed notification arrives", at: "Open Messaging, outbound webhook",
                    seen: .checks(["webhook_secret"])),
            ]),
        Profile(
            name: "genesys-slack", platform: .slack, title: "Genesys Cloud open messaging with Slack",
            appID: .botToken,
            fields: [
                .botToken(required: true, aliases: ["slack_bearer_token"]), .signingSecret(),
                Field(
                    .field(.channelID), "Channel ID for app mentions",
                    find: "the channel's details in Slack, at the bottom", shape: .slackChannelID,
                    aliases: ["slack_app_mention_channel"]),
                .slackWebhookURL, .slackVerificationToken(), .slackAppID(required: false),
                .slackClientID(required: false), .slackClientSecret(required: false),
            ],
            botScopes: ["app_mentions:read", "chat:write", "im:history", "incoming-webhook"],
            eventTypes: ["app_mention", "message.im"],
            look: SlackLook(
                name: "Genesys Cloud Messaging", description: "Talk to the agents of your Genesys Cloud organisation",
                longDescription:
                    "Genesys Cloud Messaging in Slack. Write to the app, or mention it in its channel, and "
                    + "an agent of your organisation's contact centre answers in the same conversation. Messages are "
                    + "passed on by the open messaging integration of your Genesys Cloud organisation.",
                color: "#ff4f1f", botName: "Genesys Cloud Messaging", hasHome: false, messagesAreReadOnly: false,
                hasIncomingWebhook: true),
            traps: [
                "The blueprint checks only the deprecated verification token, so forged events pass it; Postern needs "
                    + "the signing secret.",
                "Without users:read Slack does not say whose the token is: the App ID stays unproven until the first "
                    + "signed event.",
            ],
            steps: [
                Step(
                    "create_app", "make the app from the manifest (postern app manifest --profile genesys-slack)",
                    at: "https://api.slack.com/apps > Create New App > From a manifest", seen: .checks(["bot_token"])),
                Step(
                    "install", "install it to the workspace, choose the channel and allow it",
                    at: "OAuth & Permissions > Install to Workspace", seen: .installed),
                Step(
                    "credentials", "store bot token, signing secret and channel (postern app add)",
                    at: "Basic Information, OAuth & Permissions", seen: .stored([])),
                Step("scopes", "grant the bot all four scopes", at: "OAuth & Permissions", seen: .checks(["scopes"])),
                Step(
                    "event_url", "enter the address that takes Slack's events and wait for Verified",
                    at: "Event Subscriptions > Request URL", seen: .checks(["signing_secret"])),
            ]),
    ]

    /// Any Genesys Cloud OAuth client.
    static let genesys = Profile(
        name: "genesys", platform: .genesys, title: "Any Genesys Cloud OAuth client", appID: .clientID,
        fields: [
            .genesysClientID, .genesysClientSecret, .genesysRegion, .webhookSecret(required: false),
            .integrationIDs(required: false),
        ],
        quota: "300 token requests a minute; Postern asks once per token life",
        traps: ["A region that is not the organisation's looks like a wrong secret: each region knows only its own."],
        steps: [
            Step(
                "credentials", "store the OAuth client and its region (postern app add)",
                at: "Genesys Cloud Admin > Integrations > OAuth", seen: .stored([])),
            Step(
                "works", "the region accepts the client", at: "Genesys Cloud",
                seen: .checks(["client_credentials", "client_id"])),
        ])
}

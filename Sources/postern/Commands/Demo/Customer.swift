import FoundationEssentials

/// One of the demo's four customers, each with an app at another platform.
struct Customer: Sendable {
    let slug: String
    let organisation: String
    let platform: String
    let appID: String
    let profile: String
    /// What the simulated platform is told of the app beside its name.
    let registration: [String: JSON]
    /// What the customer hands over: fields of what the platform answers.
    let credentials: [String]
    /// The one message its bridge sends: as which leg, by which method, to what path, with what in it.
    let leg: String
    let method: String

    var app: String { "\(platform)/\(appID)" }

    static let acme = Customer(
        slug: "acme", organisation: "Acme Corp", platform: "slack", appID: "A0DEMOACME", profile: "alibaba-slack",
        registration: [
            "bot_token": true, "bot_scopes": ["chat:write", "users:read", "im:write", "im:history"],
            "user_scopes": ["identity.basic", "identity.team"],
        ],
        credentials: ["workspace_name", "app_id", "client_id", "client_secret", "signing_secret", "bot_token"],
        leg: "bot", method: "chat.postMessage")
    static let globex = lark("globex", "Globex", "lark")
    static let hanjin = lark("hanjin", "Hanjin Trading", "feishu")
    static let initech = Customer(
        slug: "initech", organisation: "Initech", platform: "genesys", appID: "fa4e0000-0000-4000-8000-00000000de40",
        profile: "genesys", registration: ["region": "mypurecloud.ie"],
        credentials: ["client_id", "client_secret", "region", "integration_ids", "webhook_secret"], leg: "app",
        method: "POST api/v2/conversations/messages/*/inbound/open/message")

    static let all = [acme, globex, hanjin, initech]

    /// Lark and Feishu are one protocol at two clouds.
    private static func lark(_ slug: String, _ organisation: String, _ brand: String) -> Customer {
        Customer(
            slug: slug, organisation: organisation, platform: brand, appID: "cli_demo\(slug)0001",
            profile: "alibaba-\(brand)",
            registration: [
                "tenant_scopes": [
                    "application:application:self_manage", "cardkit:card:write", "im:message:send_as_bot",
                    "tenant:tenant:readonly",
                ], "user_scopes": ["offline_access", "contact:user.base:readonly"],
            ],
            credentials: ["workspace_name", "app_id", "app_secret"], leg: "tenant", method: "POST im/v1/messages")
    }

    /// Path and body of the message, below the gateway.
    func message(integration: String) -> (path: String, body: JSON) {
        let text = "Ticket 4711 was answered"
        switch platform {
        case "slack": return ("chat.postMessage", ["channel": "C024BE91L", "text": .string(text)])
        case "genesys":
            return (
                "api/v2/conversations/messages/\(integration)/inbound/open/message",
                ["channel": ["from": ["id": "customer-1", "idType": "Opaque"]], "text": .string(text)]
            )
        default:
            let content: JSON = ["text": .string(text)]
            return (
                "im/v1/messages?receive_id_type=chat_id",
                [
                    "receive_id": "oc_demo", "msg_type": "text",
                    "content": .string(String(decoding: content.compact(), as: UTF8.self)),
                ]
            )
        }
    }
}

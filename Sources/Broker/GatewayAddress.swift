import Errands
import Rules
import Vault

extension Broker {
    /// Where a lease is used (design, section 6): on broker.sock under its own path, over TCP at the base URL that an
    /// unmodified SDK takes. nil where the token itself was handed out.
    func gateway(of lease: Lease, _ app: App) throws(Problem) -> String? {
        switch lease.delivery {
        case .gateway: return "/v1/gateway/\(lease.id)/"
        case .token: return nil
        case .tcp: return try gatewayBase(app.key.platform)
        }
    }

    /// The base URL on loopback for SDKs of a platform. Slack's take one that ends in a slash (`base_url`,
    /// `slackApiUrl`); those of Lark and Feishu put `/open-apis/` behind an origin, Genesys Cloud's `/api/`.
    /// `unsupported` where the daemon was not told to listen.
    func gatewayBase(_ platform: Platform) throws(Problem) -> String {
        guard let address = courier?.report?.gateway else {
            throw Problem(
                .unsupported, "deliver tcp needs the loopback gateway, which is off",
                advice: "start posternd with --gateway-listen 127.0.0.1:PORT, or ask for deliver: gateway")
        }
        switch platform {
        case .slack: return "http://\(address)/slack/"
        case .lark, .feishu, .genesys: return "http://\(address)"
        }
    }
}

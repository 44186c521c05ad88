import Linux
import Rules

/// What the command line asks for.
struct Options {
    var listen = ListenAddress.ipv4(0x7F00_0001, port: 0)
    var seed: UInt64 = 1
    /// Whose `/open-apis/` is served without its name before it.
    var root = Platform.lark
    /// Files with apps to start with.
    var apps: [String] = []
    /// End when standard input does: then no simulation outlives the test that started it.
    var endsWithInput = false
    var help = false

    init(_ arguments: [String]) throws(Problem) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if name == "--help" || name == "-h" {
                help = true
                continue
            }
            if word == "--end-with-stdin" {
                endsWithInput = true
                continue
            }
            guard ["--listen", "--seed", "--app", "--at-root"].contains(name) else {
                throw Problem(.badRequest, "unknown option \(name)", advice: "see postern-sim --help")
            }
            guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
                throw Problem(.badRequest, "\(name) needs a value", advice: "see postern-sim --help")
            }
            switch name {
            case "--listen":
                guard let address = ListenAddress(value), address.isLocal, address != .off else {
                    throw Problem(.badRequest, "--listen takes a loopback address, such as 127.0.0.1:8080")
                }
                listen = address
            case "--seed":
                guard let number = UInt64(value) else { throw Problem(.badRequest, "--seed takes a whole number") }
                seed = number
            case "--at-root":
                guard let brand = Platform(rawValue: value), brand == .lark || brand == .feishu else {
                    throw Problem(.badRequest, "--at-root takes lark or feishu")
                }
                root = brand
            default: apps.append(value)
            }
        }
    }

    static let usage = """
        postern-sim: Slack, Lark, Feishu and Genesys Cloud on this machine, for trying bridges and tests without them.

        usage: postern-sim [--listen 127.0.0.1:PORT] [--app FILE]... [--seed N] [--at-root lark|feishu]
                            [--end-with-stdin]

          --listen   loopback address; port 0, the standard, takes any free one
          --app      a JSON file: one app, or {"apps": [...]}, registered at start
          --seed     makes the made-up identifiers and credentials repeatable; standard 1
          --at-root  whose /open-apis/ is served without /lark or /feishu before it: the vendor's own clients take only
                     an origin; standard lark
          --end-with-stdin   ends when standard input does, so that it never outlives who started it

        Prints {"listening": "http://127.0.0.1:PORT"} when it is ready; ends on SIGTERM or Ctrl-C.
        Everything it hands out is fake: every secret contains "fake". Never give it a real credential.

        Slack:  GET  /oauth/v2/authorize       the consent page; presses Allow at once (?sim_user=deny: Cancel;
                     /openid/connect/authorize sim_user=U...: who; sim_team=T...: where; sim_org=1: everywhere;
                                               sim_refuse=a,b: without these scopes)
                POST /api/METHOD               oauth.v2.access oauth.v2.exchange openid.connect.token
                                               openid.connect.userInfo tooling.tokens.rotate
                                               apps.manifest.{create,update,validate,export,delete}
                                               auth.test auth.revoke apps.uninstall api.test bots.info
                                               users.identity users.list users.info chat.postMessage conversations.open
                POST /services/T.../B.../...   incoming webhooks

        Genesys: GET  /genesys/REGION/login/oauth/authorize   sim_user=deny or the user's id
                 POST /genesys/REGION/login/oauth/token       oauth.token: client_credentials, authorization_code with
                                               PKCE or Basic, refresh_token; each region knows its own clients only
                 any  /genesys/REGION/api/api/v2/...          tokens.me users.me conversations.messaging.integrations.open
                                               oauth.clients.{id} conversations.messages.{id}.inbound.open.message
                 its apps: "client_id", "client_secret", "region", "organization_id", "workspace_name", "redirect_urls",
                 "grant_types": ["CLIENT-CREDENTIALS", "CODE"], "state": "active", "token_life": 86400,
                 "token_rate": 300 (a minute), "may_see_clients", "webhook_url", "webhook_secret",
                 "integrations": [{"id", "name", "webhook_url", "webhook_secret"}]

        Its own: POST   /_sim/apps     {"platform": "slack", "lark", "feishu" or "genesys"; Slack's: "app_id", "name",
                                       "client_id", "client_secret", "signing_secret",
                                       "workspace_name", "team_id", "redirect_urls": [...], "bot_scopes": [...],
                                       "user_scopes": [...], "bot_token": "xoxb-..." or true}; all optional, made up
                                       where missing; answers with the whole app. Again with the same app_id: changes it;
                                       a changed client_secret leaves the old one working for 24 hours. Slack's switches:
                                       "token_rotation_enabled", "token_life": 43200, "refresh_grace": 0 (seconds a spent
                                       refresh token is still taken), "pkce_enabled", "distributed",
                                       "org_deploy_enabled" with "enterprise_id".
                                       Lark's and Feishu's: "app_id", "app_secret", "app_type": "internal" or "store",
                                       "workspace_name", "tenant_key", "tenants": [{"tenant_key", "name"}],
                                       "redirect_urls", "tenant_scopes", "user_scopes", "status": 1, "bot_status": 2,
                                       "online_version_id", "may_refresh": true, "token_life": 7200, "machine_life": 7200,
                                       "encrypt_key", "verification_token".
                 GET    /_sim/apps     DELETE /_sim/apps/APP_ID?platform=... (its tokens die)
                 GET    /_sim/ledger   every call, what it accepted or refused and why; ?platform=slack&call=auth.test
                                       &outcome=accepted, refused or fault&app_id=...
                 DELETE /_sim/ledger
                 POST   /_sim/faults   {"match": M, "fault": F, "times": 1, "delay_ms": 0, "retry_after": 1}; M is a call
                                       such as "auth.test", a family such as "chat.*", or "*", of one platform with its
                                       name before it: "lark:authen.v2.oauth.token", "feishu:*". times 0 is until
                                       deleted. F is one of
                                         html          an outage page, nothing done
                                         status:N      HTTP status 300 to 599, such as status:429; nothing done
                                         error:CODE    the platform's code, error:access_denied or error:20050; nothing done
                                         refuse        the connection closes before anything is done
                                         close         done, but the answer is lost
                                         truncate      done, but half of the answer arrives
                                         delay         done, delay_ms later (every fault takes delay_ms)
                                         endless       done, but the body never ends
                                         huge          done, with eight megabytes of padding
                                         pieces        done, and the answer comes in two pieces
                                         edit:drop:FIELD, edit:set:FIELD=JSON, edit:fill:FIELD=LENGTH
                                                       done, and the answer changed: edit:drop:refresh_token,
                                                       edit:set:expires_in=0, edit:set:authed_user.id="U0FAKE",
                                                       edit:fill:access_token=65536
                 GET    /_sim/faults   DELETE /_sim/faults
                 POST   /_sim/ticket   {"platform", "app_id", "new": true}: pushes a store app's ticket; the event
                 POST   /_sim/revoke   {"platform", "app_id", "open_id"}: an administrator takes back what was granted
                 POST   /_sim/expire   {"platform", "app_id"}: an app's machine tokens die
                 POST   /_sim/person   {"platform", "open_id", "state": "active", "frozen" or "resigned"}
                 GET    /_sim/messages what was posted
                 POST   /_sim/config_token   {"platform": "slack", "team_id": "T..."}: a new app configuration token
                 POST   /_sim/clock    {"advance_seconds": 600}
                 GET    /_sim/health

        example: postern-sim --listen 127.0.0.1:8080 &
                 curl -s http://127.0.0.1:8080/_sim/apps -d '{"workspace_name": "Acme", "bot_token": true,
                      "bot_scopes": ["chat:write"], "redirect_urls": ["https://bridge.example/cb"]}'
                 posternd --platform-url slack.api=http://127.0.0.1:8080/api \\
                          --platform-url slack.authorize=http://127.0.0.1:8080/oauth/v2/authorize ...

        """
}

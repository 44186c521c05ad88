import Linux
import Rules
import Sealing

/// Webhooks of 4 KiB that are verified and recorded, beside a bare server that takes the same bytes.
enum Webhook {
    /// Different events, sent in no order; each is a repeat from its second time on, which costs the same.
    private static let events = 4096

    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "webhook: one signed Slack event of 4 KiB verified", rounds: options.rounds)
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        let deployment = try Deployment(in: temporary.path + "/vault", flags: ["--webhook-window", "3600"])
        defer { deployment.stop() }
        try deployment.fill(tenants: options.tenants[0], secrets: options.secrets[0])
        try deployment.admin(
            "POST", "grants", #"{"service":"bench","pattern":"*/slack/*","actions":["webhook:verify"]}"#)
        let requests = (0..<events).map { event($0, to: $0 % deployment.apps.count, deployment) }
        guard let connection = Connection(path: deployment.brokerSocket),
            let answer = connection.answer(to: requests[0]), answer.status == 200,
            Told(answer.body)?["reason"]?.text == "ok"
        else { throw Problem(.internal, "the daemon does not verify the webhooks of the benchmark") }
        // The first event of each app proves its secret, which is written down once.
        guard try Load.each(deployment.brokerSocket, requests: requests) == 0 else {
            throw Problem(.internal, "the daemon refuses webhooks of the benchmark")
        }
        try Beside(name: "webhook", deployment: deployment, requests: requests, goal: 0.35)
            .measure(clients: options.clients ?? [1, 64], in: temporary.path, options, into: &report)
        return report
    }

    /// A message in a channel, with blocks, as Slack sends it to `app`.
    private static func event(_ number: Int, to app: Int, _ deployment: Deployment) -> [UInt8] {
        let appID = deployment.apps[app]
        let head =
            #"{"token":"XXYYZZ","team_id":"T0FAKEBNCH","api_app_id":"\#(appID)","event":{"type":"message","#
            + #""channel":"C0FAKEBNCH","user":"U0FAKEBNCH","ts":"1760000000.000100","text":"a message","blocks":["#
        let tail =
            #"]},"type":"event_callback","event_id":"Ev\#(number)","event_time":1760000000,"authorizations":"#
            + #"[{"enterprise_id":null,"team_id":"T0FAKEBNCH","user_id":"U0FAKEBOT","is_bot":true}]}"#
        var blocks = #"{"type":"divider"}"#
        while head.utf8.count + blocks.utf8.count + tail.utf8.count < 3900 {
            blocks += #",{"type":"section","text":{"type":"mrkdwn","text":"*A line* of what somebody wrote \u00e9"}}"#
        }
        let body = head + blocks + tail
        let time = Clock.wallMilliseconds / 1000
        let signature = Digest32.hmacSHA256(
            key: Deployment.secret(app).utf8.span, "v0:\(time):".utf8.span, body.utf8.span
        ).hex
        return Array(
            """
            POST /v1/apps/slack/\(appID)/webhooks/verify HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Slackbot 1.0\r\n\
            Accept: */*\r\nContent-Type: application/json\r\nX-Slack-Request-Timestamp: \(time)\r\n\
            X-Slack-Signature: v0=\(signature)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)
            """.utf8)
    }
}

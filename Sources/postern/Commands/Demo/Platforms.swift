import HTTPClient
import Linux
import Rules

/// The four platforms of the demo, all played by postern-sim.
struct SimulatedPlatforms: Sendable {
    let base: String

    /// What posternd is told to find them.
    var options: [String] {
        [
            "slack.api=\(base)/api", "slack.authorize=\(base)/oauth/v2/authorize",
            "lark.open=\(base)/lark/open-apis", "lark.accounts=\(base)/lark/accounts/open-apis",
            "feishu.open=\(base)/feishu/open-apis", "feishu.accounts=\(base)/feishu/accounts/open-apis",
            "genesys.api=\(base)/genesys/{region}/api", "genesys.login=\(base)/genesys/{region}/login",
        ].flatMap { ["--platform-url", $0] }
    }

    /// One of the simulation's own calls.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSON? = nil) throws(Failure) -> JSON {
        var request = HTTPClient.Request(method, "\(base)/_sim/\(path)")
        request.headers = [HTTPClient.Header("Content-Type", "application/json")]
        request.body = body?.compact() ?? []
        guard let answer = try? HTTPClient().perform(request), answer.status < 300,
            let json = JSON(parsing: answer.body)
        else { throw Failure.error("the simulated platforms do not answer \(path)") }
        return json
    }

    /// How many calls of that name there were.
    func count(_ call: String, of platform: String) throws(Failure) -> Int {
        try control("GET", "ledger?platform=\(platform)&call=\(call)")["entries"]?.items.count ?? 0
    }
}

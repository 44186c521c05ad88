import Rules
import Testing

@testable import Platforms

@Suite struct `A platform's wish to wait` {
    private func answer(_ status: Int, _ header: (String, String)?, _ body: String) -> PlatformAnswer {
        PlatformAnswer(
            status: status, headers: header.map { [HeaderField($0.0, $0.1)] } ?? [], body: Array(body.utf8))
    }

    @Test(
        arguments: [
            (429, ("Retry-After", "7"), 7), (500, ("inin-ratelimit-reset", "45"), nil), (503, ("Retry-After", "9"), 9),
            (408, ("inin-ratelimit-reset", "45"), nil), (429, ("inin-ratelimit-reset", "45"), 45),
            (401, ("Retry-After", "9"), nil), (404, ("Retry-After", "9"), nil),
        ] as [(Int, (String, String), Int64?)])
    func `is no header that every answer of Genesys Cloud has`(
        _ status: Int, _ header: (String, String), _ want: Int64?
    ) {
        let answer = answer(status, header, "{}")
        #expect(answer.pause(answer.genesysFailure) == want)
    }

    @Test(
        arguments: [
            (400, "99991400", 30), (429, "99991400", 30), (400, "99991663", nil), (200, "99991677", nil),
            (500, "1500", nil), (200, "0", nil),
        ] as [(Int, String, Int64?)])
    func `is in Lark's header where a limit was met`(_ status: Int, _ code: String, _ want: Int64?) {
        let answer = answer(status, ("x-ogw-ratelimit-reset", "30"), #"{"code": \#(code), "msg": "no"}"#)
        #expect(answer.pause(Lark(.lark).complaint(answer)) == want)
    }

    @Test func `is what Slack says with its limit, in whatever status`() {
        let limited = answer(200, ("Retry-After", "12"), #"{"ok": false, "error": "ratelimited"}"#)
        #expect(limited.pause(Slack().complaint(limited)) == 12)
        let ended = answer(200, ("Retry-After", "12"), #"{"ok": false, "error": "token_expired"}"#)
        #expect(ended.pause(Slack().complaint(ended)) == nil)
    }
}

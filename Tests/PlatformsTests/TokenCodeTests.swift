import Platforms
import Rules
import Testing

@Suite struct `A code a caller repeats` {
    @Test(
        arguments: [
            (
                .slack, ["token_expired", "token_revoked", "account_inactive", "invalid_auth", "401"],
                ["channel_not_found", "ratelimited", "missing_scope", "99991663", ""]
            ),
            (
                .lark, ["99991663", "99991664", "99991665", "99991668", "99991677", "20005", "401"],
                ["99991672", "99991400", "230002", "token_expired", "-1"]
            ),
            (.feishu, ["99991663", "401"], ["0", "invalid_auth"]),
            (
                .genesys, ["bad.credentials", "authentication.required", "401"],
                ["not.authorized", "too.many.requests", "403", "token_expired"]
            ),
        ] as [(Platform, [String], [String])])
    func `says that the token is refused, or something else`(_ platform: Platform, _ yes: [String], _ no: [String]) {
        for code in yes { #expect(platform.saysTokenIsRefused(code), "\(code)") }
        for code in no { #expect(!platform.saysTokenIsRefused(code), "\(code)") }
    }
}

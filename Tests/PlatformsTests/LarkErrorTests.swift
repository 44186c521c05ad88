import Platforms
import Rules
import Testing

@Suite struct `Lark's and Feishu's error codes` {
    typealias Verdict = PlatformFailure.Verdict

    /// platforms 2.3, the table of the token endpoint: HTTP status, code, class.
    static let token: [(Int, Int64, Verdict)] = [
        (400, 20001, .bug), (400, 20002, .config), (400, 20003, .reauth), (400, 20004, .reauth), (400, 20008, .reauth),
        (400, 20009, .config), (400, 20010, .config), (400, 20024, .bug), (400, 20036, .bug), (400, 20048, .config),
        (400, 20049, .bug), (500, 20050, .retry), (400, 20063, .bug), (400, 20065, .reauth), (400, 20066, .reauth),
        (400, 20067, .bug), (400, 20068, .bug), (400, 20069, .config), (400, 20070, .bug), (400, 20071, .bug),
        (503, 20072, .retry), (400, 21000, .config), (400, 21001, .config),
        // platforms 2.4, the additions of a refresh.
        (400, 20026, .reauth), (400, 20037, .reauth), (400, 20064, .race), (400, 20073, .race), (400, 20074, .config),
        // platforms 2.2, the page's own.
        (400, 20027, .config),
    ]

    /// platforms 2.5, 2.6, 2.9 and 3.10, and the older endpoints' of 2.3: all `{code, msg}`.
    static let calls: [(Int, Int64, Verdict)] = [
        (200, 10003, .config), (200, 10014, .config), (200, 10015, .config), (200, 10016, .config),
        (200, 10012, .retry), (200, 10013, .retry), (200, 99_991_543, .config),
        (200, 20001, .bug), (200, 20002, .config), (200, 20003, .reauth), (200, 20004, .reauth), (200, 20005, .reauth),
        (200, 20007, .retry), (200, 20008, .reauth), (200, 20013, .retry), (200, 20014, .retry), (200, 20021, .reauth),
        (200, 20022, .reauth), (200, 20023, .reauth), (200, 20024, .bug), (200, 20025, .bug), (200, 20026, .reauth),
        (200, 20028, .config), (200, 20029, .config), (200, 20035, .config), (200, 20036, .bug), (200, 20037, .reauth),
        (200, 20038, .race), (200, 20039, .reauth), (200, 20042, .config), (200, 20046, .config),
        (429, 99_991_400, .retry), (400, 99_991_400, .retry), (400, 99_991_401, .config), (429, 99_991_403, .config),
        (400, 99_991_406, .config), (400, 99_991_661, .bug), (400, 99_991_662, .config), (400, 99_991_663, .retry),
        (400, 99_991_664, .retry), (400, 99_991_665, .retry), (400, 99_991_668, .reauth), (400, 99_991_669, .reauth),
        (400, 99_991_671, .bug), (400, 99_991_672, .config), (400, 99_991_673, .config), (400, 99_991_676, .config),
        (400, 99_991_677, .retry), (400, 99_991_679, .reauth), (400, 11207, .config), (400, 11209, .config),
        (400, 11210, .config), (500, 1500, .retry), (200, 2200, .retry),
        (404, 1_184_000, .config), (403, 1_184_001, .config), (400, 210_503, .config), (400, 210_504, .config),
        (400, 210_505, .config), (400, 210_506, .config), (400, 210_508, .config), (400, 212_100, .config),
        (400, 210_031, .bug), (404, 210_032, .config), (500, 210_033, .retry), (400, 210_034, .config),
        (403, 210_035, .config), (403, 210_036, .config), (403, 210_037, .config), (403, 210_040, .config),
        (400, 210_041, .config), (400, 210_042, .config), (403, 210_043, .config),
    ]

    @Test(arguments: token, Lark.Brand.allCases)
    func `of the token endpoint are judged as documented`(_ row: (Int, Int64, Verdict), _ brand: Lark.Brand) {
        let lark = Lark(brand)
        for code in ["\(row.1)", "\"\(row.1)\""] {
            let found = failure { () throws(PlatformFailure) in
                try lark.refreshed(
                    answer(
                        #"{"code":\#(code),"error":"invalid_grant","error_description":"hostile <b> text"}"#,
                        status: row.0), .user)
            }
            #expect(found?.code == "\(row.1)" && found?.verdict == row.2)
            #expect(found?.sentence.isEmpty == false && found?.sentence.contains("hostile") == false)
            #expect(found?.sentence.contains("{") == false)
        }
    }

    @Test(arguments: calls, Lark.Brand.allCases)
    func `of every other call are judged as documented`(_ row: (Int, Int64, Verdict), _ brand: Lark.Brand) {
        let found = Lark(brand).complaint(answer(#"{"code":\#(row.1),"msg":"some words"}"#, status: row.0))
        #expect(found?.code == "\(row.1)" && found?.verdict == row.2)
        #expect(found?.sentence.isEmpty == false && found?.sentence.contains("{") == false)
        #expect(found?.problem.reason.contains("\(row.1)") == true)
    }

    @Test func `stand in the table once, and no row is without its test`() {
        let tried = Set((Self.token + Self.calls).map(\.1))
        #expect(Set(LarkErrors.all.map(\.code)) == tried && LarkErrors.all.count == tried.count)
    }

    @Test(arguments: [10014, 20046, 20048, 20028, 11209, 210_506, 99_991_543] as [Int64])
    func `that the wrong brand causes say so`(_ code: Int64) {
        #expect(LarkErrors.failure(code, .lark).sentence.contains("Feishu"))
        #expect(LarkErrors.failure(code, .feishu).sentence.contains("Lark"))
    }

    @Test func `show the platform's message where the code alone does not tell, without what could be a secret`() {
        let secret = "baBqE5um9LbFGDy3X7LcfxQX1sqpXlwy"
        let found = LarkErrors.failure(10014, .lark, said: "app secret\u{1b}[31m \(secret) invalid")
        #expect(found.sentence.contains("“app secret[31m … invalid”") && !found.sentence.contains(secret))
        #expect(!LarkErrors.failure(20050, .lark, said: "app secret invalid").sentence.contains("invalid"))
    }

    @Test(
        arguments: [
            (99_991_663, true), (99_991_664, true), (99_991_665, true), (99_991_668, true), (99_991_677, true),
            (20013, true), (20014, true), (20005, true), (99_991_672, false), (20026, false), (10014, false),
        ] as [(Int64, Bool)])
    func `tell a token that is dead from a grant that is`(_ code: Int64, _ isAboutToken: Bool) {
        #expect(LarkErrors.failure(code, .lark).isAboutToken == isAboutToken)
    }

    @Test(
        arguments: [
            (429, #"{"code":99991400,"msg":"limit"}"#, "x-ogw-ratelimit-reset", "17", 17),
            (400, #"{"code":99991400,"msg":"limit"}"#, "X-Ogw-Ratelimit-Reset", "17", 17),
            (429, #"{"code":99991400}"#, "x-ogw-ratelimit-reset", "999999", 3600),
            (429, #"{"code":99991400}"#, "x-ogw-ratelimit-reset", "-4", 1),
            (429, #"{"code":99991400}"#, "x-ogw-ratelimit-reset", "soon", 5),
            (429, #"{"code":99991400}"#, "retry-after", "9", 9), (429, "<html>slow down</html>", "x-other", "1", 5),
            (429, "{}", "x-ogw-ratelimit-reset", "3", 3),
        ] as [(Int, String, String, String, Int64)])
    func `say how long to wait`(_ status: Int, _ body: String, _ name: String, _ value: String, _ wait: Int64) {
        let found = Lark(.lark).complaint(answer(body, status: status, [HeaderField(name, value)]))
        #expect(found == PlatformFailure(.retry, "99991400", "") && found?.retryAfter == wait)
    }

    @Test func `say which scopes are missing`() {
        let lark = Lark(.feishu)
        let listed = lark.complaint(
            answer(
                """
                {"code":99991672,"msg":"x","error":{"permission_violations":[
                 {"type":"action_scope_required","subject":"im:message"},{"subject":"<b>"},{"subject":7},{}]}}
                """, status: 400))
        #expect(listed?.neededScope == ["im:message"])
        let told = lark.complaint(
            answer(
                """
                {"code":99991672,"msg":"One of the following scopes is required: [admin:app.info:readonly, \
                application:application:self_manage]. Go to https://open.feishu.cn/app/cli_x/auth"}
                """, status: 400))
        #expect(told?.neededScope == ["admin:app.info:readonly", "application:application:self_manage"])
        #expect(lark.complaint(answer(#"{"code":99991672,"msg":"["}"#))?.neededScope == [])
    }

    @Test(
        arguments: [
            (200, #"{"code":777,"msg":"new"}"#, .bug, "unknown_code"),
            (500, #"{"code":777,"msg":"new"}"#, .retry, "server_error"),
            (200, #"{"code":-1}"#, .bug, "unknown_code"), (200, #"{"code":"abc"}"#, .bug, "unexpected_answer"),
            (200, #"{"code":[0]}"#, .bug, "unexpected_answer"), (200, #"{"code":null}"#, .bug, "unexpected_answer"),
            (200, "{}", .bug, "unexpected_answer"), (200, "[]", .retry, "unreadable_answer"),
            (200, "", .retry, "unreadable_answer"), (200, "<html>Be right back</html>", .retry, "unreadable_answer"),
            (200, #"{"code":0,"data"#, .retry, "unreadable_answer"), (502, "<html>", .retry, "server_error"),
            (500, "{}", .retry, "server_error"), (400, #"{"code":0}"#, .bug, "unexpected_answer"),
            (503, #"{"code":0}"#, .retry, "server_error"), (302, "", .config, "redirected"),
            (401, "<html>", .retry, "unreadable_answer"), (404, "404 page not found", .retry, "unreadable_answer"),
        ] as [(Int, String, Verdict, String)])
    func `that are none are read with care`(_ status: Int, _ body: String, _ verdict: Verdict, _ code: String) {
        #expect(Lark(.lark).complaint(answer(body, status: status)) == PlatformFailure(verdict, code, ""))
    }

    @Test func `too large to be one are not read`() {
        let body = #"{"code":0,"padding":"\#(String(repeating: "x", count: 1 << 20))"}"#
        #expect(Lark(.lark).complaint(answer(body)) == PlatformFailure(.bug, "unexpected_answer", ""))
    }

    @Test(
        arguments: [
            (20050, true), (20072, true), (99_991_400, true), (20003, false), (20065, false), (2200, false),
        ] as [(Int64, Bool)])
    func `that leave a code unspent let it be traded again`(_ code: Int64, _ isUnspent: Bool) {
        #expect(Lark(.lark).leavesCodeUnspent(LarkErrors.failure(code, .lark)) == isUnspent)
    }

    @Test func `of a dead code ask for a new trip to the platform`() {
        for code in [20003, 20004, 20065] as [Int64] {
            #expect(LarkErrors.failure(code, .lark).problem == Problem(.platformRefused, ""))
        }
        #expect(LarkErrors.failure(20037, .lark).problem == Problem(.needsReauthorization, ""))
        #expect(LarkErrors.failure(20050, .lark).problem == Problem(.platformUnreachable, ""))
    }
}

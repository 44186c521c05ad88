import Platforms
import Rules
import Testing

@Suite struct `An answer of Lark or Feishu` {
    static let pair = """
        {"code":0,"access_token":"eyJfake","expires_in":7200,"refresh_token":"eyJfakerefresh",
         "refresh_token_expires_in":604800,"token_type":"Bearer","scope":"auth:user.id:read offline_access"}
        """

    private static func read(_ body: String) throws(PlatformFailure) -> TokenPair {
        try Lark(.lark).refreshed(answer(body), .user)
    }

    private static func edited(_ old: String, _ new: String) -> String { pair.replacing(old, with: new) }

    @Test(arguments: ["0", #""0""#])
    func `carries a pair, whatever type its code has`(_ code: String) throws {
        let read = try Self.read(Self.edited(#""code":0"#, #""code":\#(code)"#))
        #expect(
            read
                == TokenPair(
                    token: "eyJfake", refreshToken: "eyJfakerefresh", scope: ["auth:user.id:read", "offline_access"],
                    expiresIn: 7200, refreshExpiresIn: 604_800))
    }

    @Test func `of the older endpoints has the pair below data`() throws {
        let read = try Lark(.feishu).granted(
            answer(
                """
                {"code":0,"msg":"success","data":{"access_token":"u-fake","refresh_token":"ur-fake","token_type":"Bearer",
                 "expires_in":7199,"refresh_expires_in":2591999,"scope":"auth:user.id:read"}}
                """)
        ).user
        #expect(read?.token == "u-fake" && read?.refreshToken == "ur-fake" && read?.refreshExpiresIn == 2_591_999)
    }

    @Test(
        arguments: [
            // expires_in missing, zero, negative, of another type, absurd.
            (#""expires_in":7200,"#, "", 3600, true, ["no_life"]),
            (#""expires_in":7200"#, #""expires_in":0"#, 3600, true, ["no_life"]),
            (#""expires_in":7200"#, #""expires_in":-1"#, 3600, true, ["no_life"]),
            (#""expires_in":7200"#, #""expires_in":"7200""#, 3600, true, ["no_life"]),
            (#""expires_in":7200"#, #""expires_in":99999999999"#, 3600, true, ["no_life"]),
            // The refresh token missing, null, of another type.
            (#""refresh_token":"eyJfakerefresh","#, "", 7200, false, ["no_refresh_token"]),
            (#""refresh_token":"eyJfakerefresh""#, #""refresh_token":null"#, 7200, false, ["no_refresh_token"]),
            (#""refresh_token":"eyJfakerefresh""#, #""refresh_token":7"#, 7200, false, ["no_refresh_token"]),
        ] as [(String, String, Int64, Bool, [String])])
    func `keeps the token when its neighbours are odd`(
        _ old: String, _ new: String, _ life: Int64, _ hasRefresh: Bool, _ oddities: [String]
    ) throws {
        let read = try Self.read(Self.edited(old, new))
        #expect(read.token == "eyJfake" && read.expiresIn == life && (read.refreshToken != nil) == hasRefresh)
        #expect(read.oddities.map(\.rawValue) == oddities)
        #expect((read.refreshExpiresIn != nil) == hasRefresh)
    }

    @Test(arguments: ["0", "-5", #""x""#, "null"])
    func `with an odd refresh life says that nobody knows it`(_ life: String) throws {
        let read = try Self.read(Self.edited("604800", life))
        #expect(read.refreshToken == "eyJfakerefresh" && read.refreshExpiresIn == nil)
    }

    @Test func `without offline access is no oddity at an exchange, and one where it was granted`() throws {
        let without = Self.edited(#""refresh_token":"eyJfakerefresh","#, "")
        #expect(try Lark(.lark).granted(answer(without)).user?.oddities == [.noRefreshToken])
        let login = without.replacing(" offline_access", with: "")
        #expect(try Lark(.lark).granted(answer(login)).user?.oddities == [])
    }

    @Test(
        arguments: [
            "null", "7", #""""#, #""with space""#, #""line\nend""#, #""é""#,
            "\"\(String(repeating: "x", count: 65_537))\"",
        ])
    func `with a token that is none is refused`(_ token: String) {
        let body = Self.edited(#""eyJfake""#, token)
        #expect(
            failure { () throws(PlatformFailure) in try Self.read(body) }
                == PlatformFailure(.bug, "unexpected_answer", ""))
    }

    @Test func `with a token of 64 KiB is kept`() throws {
        let long = String(repeating: "x", count: 65_536)
        #expect(try Self.read(Self.edited("eyJfake\"", long + "\"")).token.utf8.count == 65_536)
    }

    @Test func `without a code but with a token counts`() throws {
        #expect(try Self.read(Self.edited(#""code":0,"#, "")).token == "eyJfake")
    }

    @Test(
        arguments: [
            (.tenant, #"{"code":0,"msg":"ok","tenant_access_token":"t-fake","expire":7200}"#, "t-fake"),
            (.app, #"{"code":0,"app_access_token":"a-fake","tenant_access_token":"t-fake","expire":7140}"#, "a-fake"),
        ] as [(Leg, String, String)])
    func `carries a machine token, flat`(_ leg: Leg, _ body: String, _ token: String) throws {
        let read = try Lark(.feishu).minted(answer(body), leg)
        #expect(read.token == token && (7140...7200).contains(read.expiresIn ?? 0) && read.refreshToken == nil)
    }

    @Test(
        arguments: [
            #"{"code":0,"tenant_access_token":"t-fake"}"#, #"{"code":0,"tenant_access_token":"t-fake","expire":0}"#,
            #"{"code":0,"tenant_access_token":"t-fake","expire":-1}"#, #"{"code":0,"expire":7200}"#,
            #"{"code":0,"tenant_access_token":7,"expire":7200}"#, #"{"code":0,"app_access_token":"a","expire":7200}"#,
            #"{"code":0,"data":{"tenant_access_token":"t-fake","expire":7200}}"#,
        ])
    func `with an odd machine token is refused, since another can be had`(_ body: String) {
        #expect(
            failure { () throws(PlatformFailure) in try Lark(.lark).minted(answer(body), .tenant) }
                == PlatformFailure(.bug, "unexpected_answer", ""))
    }

    @Test func `says who somebody is`() throws {
        let body = """
            {"code":0,"msg":"success","data":{"name":"张三","en_name":"San Zhang","open_id":"ou_fake","union_id":"on_fake",
             "email":"a@example.com","tenant_key":"736588c92lxf175d"}}
            """
        let person = try Lark(.feishu).person(answer(body))
        #expect(person.userID == "ou_fake" && person.name == "张三" && person.email == "a@example.com")
        #expect(!person.isEmailVerified && person.place == Place(teamID: "736588c92lxf175d", name: nil))
        let bare = try Lark(.feishu).person(answer(#"{"code":0,"data":{"open_id":"ou_fake"}}"#))
        #expect(bare == Person(userID: "ou_fake", name: nil, email: nil, isEmailVerified: false, place: nil))
        for odd in [#"{"code":0,"data":{}}"#, #"{"code":0}"#, #"{"code":0,"data":{"open_id":7}}"#] {
            #expect(
                failure { () throws(PlatformFailure) in try Lark(.lark).person(answer(odd)) }?.code
                    == "unexpected_answer")
        }
    }
}

import FoundationEssentials
import Rules
import Sealing

/// A refresh token: works once, for seven days, in a chain of at most 365 days (platforms, 2.4).
struct LarkRefresh: Sendable {
    static let life: TimeInterval = 604_800
    static let oidcLife: TimeInterval = 2_592_000
    static let chain: TimeInterval = 365 * 86_400

    let appID: String
    let openID: String
    let tenantKey: String
    let scopes: [String]
    let until: Date
    let chainUntil: Date
    let isOIDC: Bool
    var used = false
    var revoked = false
}

/// What an endpoint says no with.
struct LarkRefusal: Error {
    let code: Int64
    let app: String?

    init(_ code: Int64, app: String? = nil) {
        self.code = code
        self.app = app
    }
}

extension LarkWorld {
    /// `POST authen/v2/oauth/token`: errors with HTTP 400, 500 or 503 (platforms, 2.3).
    mutating func token(_ request: SimRequest, at now: Date) -> Outcome {
        do throws(LarkRefusal) {
            let fields = try tokenFields(request)
            let app = try tokenClient(request, fields)
            let given: LarkGiven
            switch fields["grant_type"] {
            case "authorization_code": given = try trade(fields, app, at: now)
            case "refresh_token": given = try renew(fields["refresh_token"], app, isOIDC: false, at: now)
            case nil: throw LarkRefusal(20001, app: app.appID)
            default: throw LarkRefusal(20036, app: app.appID)
            }
            // Feishu's pages have the number, Lark's the string (platforms, 2.3).
            var body = given.fields
            body["code"] = brand == .lark ? "0" : 0
            body["refresh_token_expires_in"] = given.refreshLife
            return .accepted(given.reason, .json(.object(body)), app: app.appID, token: given.token)
        } catch {
            return Self.oauthFailure(error.code, app: error.app)
        }
    }

    /// `POST authen/v1/oidc/access_token` and `refresh_access_token`: errors with HTTP 200.
    mutating func oidc(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        do throws(LarkRefusal) {
            guard let bearer = Self.bearer(request), let token = tokens[bearer], token.sort != .user,
                now < token.until, let app = registered[token.appID]
            else { throw LarkRefusal(20014) }
            guard case .object(let body)? = JSON(bytes: request.body) else { throw LarkRefusal(20001, app: app.appID) }
            let fields = body.compactMapValues(\.text)
            let isRefresh = call.hasSuffix("refresh_access_token")
            guard fields["grant_type"] == (isRefresh ? "refresh_token" : "authorization_code") else {
                throw LarkRefusal(20036, app: app.appID)
            }
            let given =
                isRefresh
                ? try renew(fields["refresh_token"], app, isOIDC: true, at: now)
                : try give(try spend(fields["code"], app, isOIDC: true, at: now), app, at: now)
            var data = given.fields
            data["refresh_expires_in"] = given.refreshLife
            return .accepted(
                given.reason, .json(["code": 0, "msg": "success", "data": .object(data)]), app: app.appID,
                token: given.token)
        } catch {
            return Self.failure(error.code, "a refusal of the simulation", app: error.app)
        }
    }

    private func tokenFields(_ request: SimRequest) throws(LarkRefusal) -> [String: String] {
        guard request.method == "POST" else { throw LarkRefusal(20063) }
        if (request.header("content-type") ?? "").lowercased().hasPrefix("application/x-www-form-urlencoded") {
            let pairs = FormText.pairs(in: String(decoding: request.body, as: UTF8.self))
            return Dictionary(pairs.map { ($0.name, $0.value) }) { _, last in last }
        }
        guard case .object(let fields)? = JSON(bytes: request.body) else { throw LarkRefusal(20063) }
        return fields.compactMapValues(\.text)
    }

    private func tokenClient(
        _ request: SimRequest, _ fields: [String: String]
    ) throws(LarkRefusal) -> LarkApp {
        guard request.header("authorization") == nil else { throw LarkRefusal(20070) }
        guard let id = fields["client_id"], let secret = fields["client_secret"] else { throw LarkRefusal(20001) }
        guard let app = registered[id] else { throw LarkRefusal(20048) }
        guard secret == app.appSecret else { throw LarkRefusal(20002, app: id) }
        guard app.status == 1 else { throw LarkRefusal(20069, app: id) }
        return app
    }

    private mutating func trade(
        _ fields: [String: String], _ app: LarkApp, at now: Date
    ) throws(LarkRefusal) -> LarkGiven {
        guard let value = fields["code"] else { throw LarkRefusal(20001, app: app.appID) }
        if let code = codes[value], code.appID == app.appID, !code.isOIDC, !code.used {
            guard fields["redirect_uri"] == code.redirectURI else { throw LarkRefusal(20071, app: app.appID) }
            guard Self.proves(fields["code_verifier"], code.challenge) else { throw LarkRefusal(20049, app: app.appID) }
        }
        if let asked = fields["scope"]?.split(separator: " ").map(String.init), let code = codes[value] {
            guard Set(asked).count == asked.count else { throw LarkRefusal(20067, app: app.appID) }
            guard asked.allSatisfy(code.scopes.contains) else { throw LarkRefusal(20068, app: app.appID) }
        }
        return try give(try spend(value, app, isOIDC: false, at: now), app, narrowed: fields["scope"], at: now)
    }

    /// The code, used up by this.
    private mutating func spend(
        _ value: String?, _ app: LarkApp, isOIDC: Bool, at now: Date
    ) throws(LarkRefusal) -> LarkCode {
        guard let value, let code = codes[value], code.isOIDC == isOIDC else {
            throw LarkRefusal(20003, app: app.appID)
        }
        guard code.appID == app.appID else { throw LarkRefusal(20024, app: app.appID) }
        guard !code.used else { throw LarkRefusal(20065, app: app.appID) }
        guard now < code.made.addingTimeInterval(LarkCode.life) else { throw LarkRefusal(20004, app: app.appID) }
        guard people[code.openID] == nil else { throw LarkRefusal(20066, app: app.appID) }
        codes[value]?.used = true
        return code
    }

    /// RFC 7636, section 4.6; a verifier nobody announced is refused too.
    private static func proves(_ verifier: String?, _ challenge: (value: String, isS256: Bool)?) -> Bool {
        guard let challenge else { return verifier == nil }
        guard let verifier, (43...128).contains(verifier.utf8.count),
            verifier.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [UInt8]("-._~".utf8).contains(byte)
            })
        else { return false }
        guard challenge.isS256 else { return verifier == challenge.value }
        let bytes = [UInt8](verifier.utf8)
        let hash = Digest32.sha256(bytes.span).withBytes { Base64.url.encode($0) }
        return hash == challenge.value
    }

    /// Permissions add up per person and app (platforms, 2.2).
    private mutating func give(
        _ code: LarkCode, _ app: LarkApp, narrowed: String? = nil, at now: Date
    ) throws(LarkRefusal) -> LarkGiven {
        let key = "\(app.appID) \(code.openID)"
        var granted = grants[key] ?? []
        granted += code.scopes.filter { !granted.contains($0) }
        grants[key] = granted
        let scopes = narrowed.map { $0.split(separator: " ").map(String.init) } ?? granted
        let chain = LarkRefresh(
            appID: app.appID, openID: code.openID, tenantKey: code.tenantKey, scopes: scopes, until: now,
            chainUntil: now.addingTimeInterval(LarkRefresh.chain), isOIDC: code.isOIDC)
        return pair(chain, withRefresh: code.isOIDC || code.scopes.contains("offline_access"), "tokens given", at: now)
    }

    private mutating func renew(
        _ value: String?, _ app: LarkApp, isOIDC: Bool, at now: Date
    ) throws(LarkRefusal) -> LarkGiven {
        guard let value else { throw LarkRefusal(20001, app: app.appID) }
        guard let held = refreshes[value], held.isOIDC == isOIDC else { throw LarkRefusal(20026, app: app.appID) }
        guard held.appID == app.appID else { throw LarkRefusal(20024, app: app.appID) }
        guard !held.used else { throw LarkRefusal(isOIDC ? 20038 : 20073, app: app.appID) }
        guard !held.revoked else { throw LarkRefusal(isOIDC ? 20026 : 20064, app: app.appID) }
        guard now < held.until, now < held.chainUntil else { throw LarkRefusal(20037, app: app.appID) }
        guard app.mayRefresh else { throw LarkRefusal(20074, app: app.appID) }
        guard people[held.openID] == nil else { throw LarkRefusal(20066, app: app.appID) }
        refreshes[value]?.used = true
        return pair(held, withRefresh: true, "refreshed", at: now)
    }

    private mutating func pair(
        _ chain: LarkRefresh, withRefresh: Bool, _ reason: String, at now: Date
    ) -> LarkGiven {
        let life = TimeInterval(registered[chain.appID]?.tokenLife ?? 7200)
        let token = LarkToken(
            value: chain.isOIDC ? "u-fake\(mint.letters(40))" : "eyJfake\(mint.letters(200))", sort: .user,
            appID: chain.appID, tenantKey: chain.tenantKey, openID: chain.openID, scopes: chain.scopes,
            until: now.addingTimeInterval(life))
        tokens[token.value] = token
        var fields: [String: JSON] = [
            "access_token": .string(token.value), "expires_in": .integer(Int64(life)), "token_type": "Bearer",
            "scope": .string(chain.scopes.joined(separator: " ")),
        ]
        guard withRefresh else {
            return LarkGiven(fields: fields, refreshLife: nil, token: token.value, reason: reason)
        }
        let until = min(
            now.addingTimeInterval(chain.isOIDC ? LarkRefresh.oidcLife : LarkRefresh.life), chain.chainUntil)
        let value = chain.isOIDC ? "ur-fake\(mint.letters(40))" : "eyJfakerefresh\(mint.letters(200))"
        refreshes[value] = LarkRefresh(
            appID: chain.appID, openID: chain.openID, tenantKey: chain.tenantKey, scopes: chain.scopes, until: until,
            chainUntil: chain.chainUntil, isOIDC: chain.isOIDC)
        fields["refresh_token"] = .string(value)
        return LarkGiven(
            fields: fields, refreshLife: .integer(Int64(until.timeIntervalSince(now))), token: token.value,
            reason: reason)
    }

    /// `{"code", "error", "error_description"}` with the status the token endpoint has for the code.
    static func oauthFailure(_ code: Int64, app: String? = nil) -> Outcome {
        let status = code == 20050 ? 500 : code == 20072 ? 503 : 400
        let kind =
            switch code {
            case 20050: "server_error"
            case 20072: "temporarily_unavailable"
            case 20002, 20048, 20070: "invalid_client"
            case 20003, 20004, 20024, 20026, 20037, 20049, 20064, 20065, 20071, 20073: "invalid_grant"
            case 20036: "unsupported_grant_type"
            case 20067, 20068: "invalid_scope"
            default: "invalid_request"
            }
        return .refused(
            String(code),
            .json(
                [
                    "code": .integer(code), "error": .string(kind),
                    "error_description": "A refusal of the simulation.",
                ], status: status), app: app)
    }
}

/// What a token endpoint gives, before the words of its generation are put to it.
struct LarkGiven {
    let fields: [String: JSON]
    /// nil without a refresh token.
    let refreshLife: JSON?
    let token: String
    let reason: String
}

import Errands
import Linux
import Platforms
import Rules
import Vault

extension Broker {
    /// Trades a code for tokens and does what the flow was for; the flow was claimed before, and so is the intent
    /// durable.
    func finish(
        _ flow: OAuthState, _ app: App, code: String, state: String, by actor: Actor, _ request: RequestID
    ) throws(FlowFailure) -> FlowResult {
        do throws(FlowFailure) {
            let granted: Granted
            let client: OAuthClient
            do throws(Problem) { client = try self.client(of: app, .secret) } catch { throw FlowFailure(error) }
            granted = try exchange(flow, app, code: code, state: state, client, request)
            switch flow.purpose {
            case .install: return try keep(granted, flow, app, client, by: actor, request)
            case .login, .link: return try identify(granted, flow, app, state: state, client, by: actor, request)
            }
        } catch {
            let entry = AuditEntry(
                "oauth.exchange", .error, by: actor, request: request, tenant: slug(of: app.tenant)?.value,
                app: app.key, reason: error.problem.code.rawValue)
            do throws(Problem) { _ = try vault.record(entry) } catch { throw FlowFailure(error) }
            throw error
        }
    }

    /// A code is worth one request. It is sent again only where it was certainly not sent, or where the platform says
    /// itself that it left the code alone (platforms, 1.3 and 2.3); in all other cases the flow starts anew.
    private func exchange(
        _ flow: OAuthState, _ app: App, code: String, state: String, _ client: OAuthClient, _ id: RequestID
    ) throws(FlowFailure) -> Granted {
        let dialect: any Dialect
        let request: PlatformRequest
        do throws(Problem) {
            dialect = try self.dialect(of: app)
            var client = client
            if dialect.needsAppToken(refreshToken: nil) {
                client = client.with(appToken: try token(TokenWant(.app, of: app, at: nil, for: id)).text)
            }
            request = dialect.exchange(
                ExchangeAsk(
                    purpose: flow.purpose, code: code, redirectURI: flow.redirectURI,
                    verifier: try verifier(state, client)), client)
        } catch { throw FlowFailure(error) }
        var pauses = Self.pauses[...]
        while true {
            switch attempt(request) {
            case .answered(let answer):
                do throws(PlatformFailure) {
                    let granted = try dialect.granted(answer)
                    guard granted.appID == nil || granted.appID == app.key.appID else { throw .otherApp }
                    return granted
                } catch {
                    guard dialect.leavesCodeUnspent(error), let pause = pauses.popFirst() else {
                        throw FlowFailure(exchange: error)
                    }
                    Clock.sleep(microseconds: pause)
                }
            case .failed(let problem, let mayHaveBeenSent):
                guard !mayHaveBeenSent, problem.code == .platformUnreachable || problem.code == .courierUnavailable,
                    let pause = pauses.popFirst()
                else {
                    throw FlowFailure(
                        Problem(problem.code, problem.reason, advice: "start the authorization again"))
                }
                Clock.sleep(microseconds: pause)
            }
        }
    }

    /// Before the second and the third try, microseconds: somebody waits in front of a browser.
    static let pauses: [Int64] = [200_000, 1_000_000]

    /// Asks what may be asked twice, three times at most while nobody answers.
    func askAgain<Value>(
        _ request: PlatformRequest, _ read: (PlatformAnswer) throws(PlatformFailure) -> Value
    ) throws(Problem) -> Value {
        var pauses = Self.pauses[...]
        while true {
            let problem: Problem
            switch attempt(request) {
            case .answered(let answer):
                do { return try read(answer) } catch {
                    guard error.verdict == .retry else { throw error.problem }
                    problem = error.problem
                }
            case .failed(let failure, _): problem = failure
            }
            guard problem.code == .platformUnreachable || problem.code == .courierUnavailable,
                let pause = pauses.popFirst()
            else { throw problem }
            Clock.sleep(microseconds: pause)
        }
    }
}

extension FlowFailure {
    /// What a platform's no to a code means: a dead code is not a dead installation, so the flow starts again.
    fileprivate init(exchange failure: PlatformFailure) {
        let again = "start the authorization again"
        switch failure.verdict {
        case .retry:
            self.init(
                .platformDown, Problem(.platformUnreachable, "\(failure.sentence) (\(failure.code))", advice: again))
        case .reauth, .race:
            self.init(.failed, Problem(.platformRefused, "\(failure.sentence) (\(failure.code))", advice: again))
        case .config, .bug:
            self.init(failure.code == PlatformFailure.otherApp.code ? .wrongApp : .failed, failure.problem)
        }
    }
}

extension PlatformFailure {
    /// The platform installed another app than the one whose credentials we hold.
    fileprivate static let otherApp = PlatformFailure(
        .config, "app_id_mismatch",
        "the Client ID and Client Secret belong to another app than the App ID they are stored under")
}

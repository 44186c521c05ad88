import Errands
import Linux
package import Platforms
package import Rules
package import Vault

extension Broker {
    /// Seconds until a platform's answer must have begun.
    private static let patience = 30

    /// Carries one call of a bridge to the platform with the token on it; the caller never sees the token.
    ///
    /// The durable intent comes before the errand leaves. While the platform is waited for, no revocation waits for
    /// us; when its answer is there, the lease is looked at once more, so that an answer to a revoked lease is dropped.
    /// A platform that did not accept the token has not looked at the call: with another token it is made once more.
    ///
    /// Throws `denied`, `expired`, `bad_request`, `not_found`, `method_not_allowed`, `rate_limited`,
    /// `needs_reauthorization`, `platform_unreachable`, `platform_refused`, `courier_unavailable`.
    package func gateway(
        _ holder: LeaseHolder, _ ask: GatewayRequest, _ request: RequestID
    ) throws(Problem) -> GatewayAnswer {
        let first = try admit(holder, ask, request)
        gate.leave(holder.answering)
        switch try settle(first, holder, request) {
        case .answered(let answer): return answer
        case .refused(let want, let answer):
            // What follows may wait for a renewal, which no revocation has to wait for.
            gate.leave(holder.answering)
            let turn = try turn(afterRefusalOf: want)
            guard turn != .nothing else {
                try enterAgain(holder, request)
                return answer
            }
            let second: AdmittedCall
            do {
                defer { if turn == .ours { refreshing.reportEnded(want.key) } }
                second = try admit(holder, ask, request, refused: want.refused)
            }
            gate.leave(holder.answering)
            switch try settle(second, holder, request) {
            case .answered(let answer), .refused(_, let answer): return answer
            }
        }
    }

    /// How a call ended.
    enum Settled {
        case answered(GatewayAnswer)
        /// The platform did not accept the token; what would renew it, and its answer.
        case refused(TokenWant, GatewayAnswer)
    }

    /// Decides, writes the intent and the count down, and hands the call to the courier, whose body is `ask`'s where it is
    /// whole. `refused`: the generation of a token that the platform does not accept. The line is entered when this
    /// returns.
    func admit(
        _ holder: LeaseHolder, _ ask: GatewayRequest, body: PassageAsk.Body = .whole, _ request: RequestID,
        refused: Int64? = nil
    ) throws(Problem) -> AdmittedCall {
        var refused = refused
        while true {
            let policy = gate.enter(holder, vault)
            let (lease, allowed) = try gatewayLease(holder, policy, request)
            let (path, method) = try gatewayMethod(ask, lease, allowed, request)
            var entry = gatewayEntry(lease, allowed, request)
            entry.reason = method
            do throws(Problem) {
                try requireRoom(lease, allowed.app, method)
                var want = TokenWant(
                    lease.leg, of: allowed.app, at: try vault.installation(lease.installation), for: request)
                want.refused = refused
                guard case (.serve, let leg?) = try decide(&want, hasTried: false) else {
                    gate.leave(holder.answering)
                    _ = try ready(want)
                    refused = nil
                    continue
                }
                guard
                    let token = try use(
                        SecretName(app: lease.app, installation: lease.installation, kind: lease.leg.kind))
                else { throw Problem(.notFound, "the installation has no \(lease.leg.kind.rawValue)") }
                let dialect = try self.dialect(of: allowed.app)
                let call = try dialect.gatewayCall(
                    ask, at: path, token: token, try client(of: allowed.app, .address))
                guard let courier else { throw Self.noCourier }
                let turn = try courier.turn(of: lease.service)
                try noteCountBefore(allowed.app)
                guard try vault.recordCall(entry, of: lease.app, decidedUnder: allowed.epoch) else { continue }
                noteCount(allowed.app, request)
                let passage = try courier.pass(
                    PassageAsk(call, body, Self.patience), body: body == .whole ? call.body : [], turn)
                return AdmittedCall(
                    lease: lease, allowed: allowed, leg: leg, method: method, dialect: dialect, scan: TokenScan(token),
                    passage: passage, entry: entry)
            } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
        }
    }

    /// Waits for the answer to a call, and judges it.
    func settle(_ call: AdmittedCall, _ holder: LeaseHolder, _ request: RequestID) throws(Problem) -> Settled {
        var isKept = false
        defer { if !isKept { call.passage.end() } }
        let reply: (status: Int, headers: [HeaderLine], body: [UInt8], isWhole: Bool)
        do throws(Problem) {
            // The courier ends it by itself in time; the rest is for a courier that hangs.
            reply = try call.passage.answer(until: .after(seconds: Int64(Self.patience) + 15))
        } catch { throw fail(error, call.entry) }
        // Decided once more: what was taken away while the platform worked is in force.
        let lease: Lease
        do throws(Problem) { lease = try enterAgain(holder, request) } catch {
            vault.recordLater(call.result(.error, "answer_dropped"))
            throw error
        }
        let answer = PlatformAnswer(
            status: reply.status, headers: reply.headers.map { HeaderField($0.name, $0.value) }, body: reply.body)
        if let (why, problem) = refusal(of: answer, to: call, isWhole: reply.isWhole) {
            throw fail(problem, call.entry, because: why)
        }
        let complaint = reply.isWhole || answer.status >= 400 ? call.dialect.complaint(answer) : nil
        noteWait(call, answer, complaint)
        vault.recordLater(
            call.result(
                complaint == nil && answer.status < 400 ? .allowed : .error,
                complaint?.code ?? "http_\(answer.status)"))
        guard reply.isWhole else {
            isKept = true
            return .answered(stream(call, answer, holder, lease))
        }
        let whole = GatewayAnswer(answer, body: .whole(answer.body))
        guard let complaint, complaint.isAboutToken else { return .answered(whole) }
        guard call.leg.canRefresh || lease.leg == .tenant || lease.leg == .app else {
            if complaint.verdict == .reauth { try noteRefused(call.leg, call.allowed.app, complaint, request) }
            return .answered(whole)
        }
        var want = TokenWant(
            lease.leg, of: call.allowed.app, at: try vault.installation(lease.installation), for: request)
        want.refused = call.leg.generation
        return .refused(want, whole)
    }

    /// Why an answer is not passed on, in the log's word and the caller's; nil where it is.
    private func refusal(of answer: PlatformAnswer, to call: AdmittedCall, isWhole: Bool) -> (String, Problem)? {
        // Nobody follows it, and a client that did would leave the gateway.
        if (300...399).contains(answer.status), answer.status != 304 {
            return (
                "redirect",
                Problem(
                    .platformRefused, "the platform answered with a redirect, which is not followed",
                    advice: "look at the path of the call and the --platform-url settings")
            )
        }
        if let coding = answer.header("content-encoding"), coding.lowercased() != "identity" {
            return (
                "compressed",
                Problem(.platformRefused, "the platform answered in a compression nobody asked for")
            )
        }
        // An answer to HEAD, and 304, have the length of a body that does not come (RFC 9110, section 8.6).
        if !isWhole, let length = answer.length, length > settings.gatewayBodyLimit {
            return (
                "answer_too_large",
                Problem(
                    .platformRefused, "the platform's answer has more than \(settings.gatewayBodyLimit) bytes",
                    advice: "ask the platform for less at once, or raise --gateway-body-limit")
            )
        }
        guard !answer.headers.contains(where: { call.scan.isFound(in: Array($0.value.utf8)) }),
            !isWhole || !call.scan.isFound(in: answer.body)
        else {
            return (
                "token_in_answer", Problem(.platformRefused, "the platform's answer held the token and was dropped")
            )
        }
        return nil
    }

    /// An answer that is not all there yet, looked at piece by piece and ended by whatever takes its lease away.
    private func stream(
        _ call: AdmittedCall, _ answer: PlatformAnswer, _ holder: LeaseHolder, _ lease: Lease
    ) -> GatewayAnswer {
        let answering = holder.answering
        let stream = GatewayStream(
            call.passage, beginning: answer.body, length: answer.length, scan: call.scan,
            limit: settings.gatewayBodyLimit, lease: lease, renewed: { [self] in held(holder) },
            now: { [self] in leaseMoment },
            note: { [vault] why in
                vault.recordLater(call.result(.error, why))
            }, atEnd: { answering.isReviewed(by: nil) })
        answering.isReviewed(by: { [self] in
            if held(holder) != nil { return true }
            stream.cut()
            return false
        })
        return GatewayAnswer(answer, body: .stream(stream))
    }

    /// The lease of a call that is under way; nil where it has ended, or its holder may not use it any more.
    func held(_ holder: LeaseHolder) -> Lease? {
        do throws(Problem) {
            try requireSound()
            guard case .success((let lease, _)) = try liveLease(holder, vault.policy) else { return nil }
            return lease
        } catch { return nil }
    }
}

extension PlatformAnswer {
    var length: Int? { header("content-length").flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 } }
}

extension PassageAsk {
    /// A bridge's call as the courier takes it.
    init(_ call: PlatformRequest, _ body: Body, _ timeoutSeconds: Int) {
        self.init(
            method: call.method, url: call.url, headers: call.headers.map { ($0.name, $0.value) }, body: body,
            timeoutSeconds: timeoutSeconds, mayRepeat: call.repeatable)
    }
}

import Linux
package import Platforms
package import Rules
package import Sealing
package import Vault

/// What a bridge is told of a webhook; a decrypted event lies in the slab.
package struct WebhookAnswer: Sendable {
    /// nil when the webhook is valid.
    package let flaw: WebhookFlaw?
    /// nil when it is not.
    package let finding: WebhookFinding?
    /// Its signature or its event's id was seen before.
    package let isRepeat: Bool
}

extension Broker {
    /// Whether a request that reached a bridge comes from the app's platform, after the log has taken note.
    ///
    /// `body` is the raw one. The secrets are opened into `slab`, which also gets the decrypted event; the caller wipes it
    /// when its answer has left. A request that is not valid is an answer, not an error.
    package func verifyWebhook(
        _ key: AppKey, _ headers: WebhookHeaders, body: Span<UInt8>, rejectsReplays: Bool, for caller: Caller,
        _ request: RequestID, into slab: Slab
    ) throws(Problem) -> WebhookAnswer {
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let opened: (allowed: Allowed, secrets: Result<WebhookSecrets, Problem>)
            switch try openWebhookSecrets(key, caller, policy, into: slab) {
            case .success(let found): opened = found
            case .failure(let denial):
                throw refuse(denial, "webhook.verify", caller.identity(in: policy), request, app: key)
            }
            let entry = AuditEntry(
                "webhook.verify", .allowed, by: opened.allowed.identity.actor, request: request,
                tenant: opened.allowed.tenant.slug.value, app: key)
            do throws(Problem) {
                let secrets = try opened.secrets.get()
                let now = vault.now
                let webhook = Webhook(headers, body: body, now: now / 1000, window: settings.webhookWindow)
                var verdict = webhook.verified(for: key, with: secrets)
                if case .valid(let finding) = verdict, try !isExpected(finding.tenantKey, of: opened.allowed.app) {
                    verdict = .invalid(.tenantMismatch, noted: .tenantMismatch)
                }
                let answer: WebhookAnswer?
                switch verdict {
                case .invalid(let flaw, let noted):
                    answer = try reject(flaw, noted, false, opened.allowed, entry)
                case .valid(let finding):
                    let (isRepeat, new) = seen.note(finding.marks, of: opened.allowed.app.id, at: now)
                    if isRepeat, rejectsReplays {
                        answer = try reject(.replayed, .replayed, true, opened.allowed, entry)
                    } else {
                        do throws(Problem) {
                            answer = try accept(finding, isRepeat, opened.allowed, entry)
                        } catch {
                            seen.forget(new, of: opened.allowed.app.id)
                            throw error
                        }
                        if answer == nil { seen.forget(new, of: opened.allowed.app.id) }
                    }
                }
                if let answer {
                    if let finding = answer.finding, !answer.isRepeat, finding.isAboutLife {
                        let event = finding.event.map { [UInt8](copying: slab.span($0)) } ?? [UInt8](copying: body)
                        act(on: event, of: opened.allowed.app, isWeak: finding.isWeak)
                    }
                    return answer
                }
                slab.wipe()
            } catch {
                slab.wipe()
                throw error.code == .auditUnavailable ? error : fail(error, entry)
            }
        }
    }

    /// Decides and opens on one snapshot.
    private func openWebhookSecrets(
        _ key: AppKey, _ caller: Caller, _ policy: PolicySnapshot, into slab: Slab
    ) throws(Problem) -> Result<(allowed: Allowed, secrets: Result<WebhookSecrets, Problem>), Denial> {
        let identity = caller.identity(in: policy)
        let now = vault.now
        return try vault.session { session throws(Problem) in
            let allowed: Allowed
            switch try decide(.verifyWebhook, on: key, as: identity, { caller.peer.isAlive }, policy, session) {
            case .failure(let denial): return .failure(denial)
            case .success(let found): allowed = found
            }
            var secrets = WebhookSecrets(in: slab)
            do throws(Problem) {
                for group in Webhook.secrets(of: key.platform) where secrets.entries.isEmpty {
                    for kind in group {
                        let name = SecretName(app: allowed.app.id, kind: kind)
                        for found in try session.accepted(name, at: now, into: slab) {
                            secrets.entries.append(.init(kind: kind, version: found.version, place: found.place))
                        }
                    }
                }
            } catch { return .success((allowed, .failure(error))) }
            return .success((allowed, .success(secrets)))
        }
    }

    /// A custom app of Lark or Feishu has one tenant; a store app has many (platforms, 2.8).
    private func isExpected(_ tenantKey: String?, of app: App) throws(Problem) -> Bool {
        guard let tenantKey, app.fields[.appType] != "store" else { return true }
        let known = try vault.installations(of: app.id).filter { $0.0.state == .active && !$0.0.teamID.isEmpty }
        return known.isEmpty || known.contains { $0.0.teamID == tenantKey }
    }

    /// nil when the policy has moved meanwhile. What strangers send through a bridge must not fill the log, so it is
    /// recorded within a budget and counted above it.
    private func reject(
        _ flaw: WebhookFlaw, _ noted: WebhookFlaw, _ isRepeat: Bool, _ allowed: Allowed, _ entry: AuditEntry
    ) throws(Problem) -> WebhookAnswer? {
        var entry = entry
        entry.outcome = .denied
        entry.reason = noted.rawValue
        if budget.admits("app:\(allowed.app.id)", "webhook.verify.\(noted.rawValue)", by: entry.actor) {
            guard try vault.record(entry, decidedUnder: allowed.epoch) else { return nil }
        }
        return WebhookAnswer(flaw: flaw, finding: nil, isRepeat: isRepeat)
    }

    /// nil when the policy has moved meanwhile.
    private func accept(
        _ finding: WebhookFinding, _ isRepeat: Bool, _ allowed: Allowed, _ entry: AuditEntry
    ) throws(Problem) -> WebhookAnswer? {
        var entry = entry
        entry.kind = finding.kind.rawValue
        entry.version = finding.version
        entry.reason = isRepeat ? "duplicate" : finding.isWeak ? "weak" : nil
        let proof = ProvenSecrets.Proof(app: allowed.app.id, kind: finding.kind, version: finding.version)
        let provesApp = allowed.app.claim == .unproven && !finding.isWeak && finding.appID != nil
        if provesApp || !proven.contains(proof) {
            // Noted before it is written, so that whoever removes it from the vault meanwhile finds it here.
            proven.add(proof)
            var isKept = false
            defer { if !isKept { proven.remove(proof) } }
            isKept = try keepProof(finding, provesApp, allowed, entry)
            guard isKept else { return nil }
        } else {
            guard try vault.record(entry, decidedUnder: allowed.epoch) else { return nil }
        }
        return WebhookAnswer(flaw: nil, finding: finding, isRepeat: isRepeat)
    }

    /// The first request that fits a secret proves it, and speaks for the App ID it names where that was only claimed
    /// (design, section 4): not for good, since whoever submitted the secret can sign with it. False when the policy has moved meanwhile.
    private func keepProof(
        _ finding: WebhookFinding, _ provesApp: Bool, _ allowed: Allowed, _ entry: AuditEntry
    ) throws(Problem) -> Bool {
        let what = finding.isWeak ? "a request that carried it" : "a signed request"
        let outcome = try vault.change(decidedUnder: allowed.epoch) { transaction throws(Problem) in
            guard var row = try transaction.app(allowed.app.key), row.id == allowed.app.id else {
                throw Problem(.notFound, "the app is gone")
            }
            try Self.prove(
                finding.kind.rawValue, "\(what) has proven version \(finding.version)", of: row, transaction)
            if provesApp, row.claim == .unproven {
                row.claim = .event
                try transaction.update(app: row, takesAway: false)
                var proof = entry
                proof.action = "app.proven"
                try transaction.record(proof)
            }
            try transaction.record(entry)
            return true
        }
        if case .done = outcome { return true }
        return false
    }
}

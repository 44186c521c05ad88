package import Errands
import Linux
package import Platforms
import Rules
package import Sealing
import Synchronization
package import Vault

/// The operations of Postern, one file each; everything that decides, seals, records and asks a platform meets here.
package final class Broker: Sendable {
    /// What an operator sets, not a tenant.
    package struct Settings: Sendable {
        package var urls: PlatformURLs
        /// Where browsers reach the callback listener, without a slash at the end; empty when it is off.
        package var publicURL: String
        /// Where the root key comes from, for `status`.
        package var rootKeySource: String
        package var version: String
        /// Where an integration's URLs lead instead of the guide's address, by profile.
        package var profileURLs: [String: String] = [:]
        /// How many seconds a signed webhook may be old, or early; nil is any where its platform documents no timestamp.
        package var webhookWindow: Int64? = 300
        /// How many connections of one service may watch at once.
        package var watchersPerService = 1000
        /// How long a watch may be silent, milliseconds: less than any proxy waits.
        package var watchSilence: Int64 = 15_000
        /// The largest body that passes the gateway, either way, in bytes.
        package var gatewayBodyLimit = 64 * 1024 * 1024

        /// What the daemon was started with; `publicURL` is empty where none was given.
        package init(
            urls: PlatformURLs, publicURL: String, rootKeySource: String, version: String,
            profileURLs: [String: String] = [:]
        ) {
            self.urls = urls
            self.publicURL = publicURL
            self.rootKeySource = rootKeySource
            self.version = version
            self.profileURLs = profileURLs
        }
    }

    package let vault: Vault
    package let settings: Settings
    package let slabs = SlabPool()
    let gate = AnswerGate()
    let budget = RefusalBudget()
    let calls = ServiceCalls()
    /// What admins look at: once a minute for each of them and each call, the rest counted.
    let looks = RefusalBudget(mostEach: 1)
    package let startedAt: Int64
    private let courierBox: CourierBox
    let unwritten = UnwrittenRevocations()
    let seen: SeenWebhooks
    let proven = ProvenSecrets()
    let refreshing = RefreshState()
    let revoking = SingleRun()
    let askedToWait = AskedToWait()
    let quotaWarnings = QuotaWarnings()
    let inbox = EventInbox()
    let acting = SingleRun()
    let watchers = Watchers()
    let spoolBox = Mutex<SpoolFolder?>(nil)
    let spoolTurn = Mutex(())
    let placing = SingleRun()

    /// `courier` is nil where there is none: everything that needs a platform then says so.
    package init(vault: Vault, settings: Settings) {
        self.vault = vault
        self.settings = settings
        startedAt = vault.now
        courierBox = CourierBox()
        // As long as a signature can be accepted: from so much early to so much late. Platforms repeat within minutes.
        seen = SeenWebhooks(lifetime: max(2 * (settings.webhookWindow ?? 0), 600) * 1000)
        vault.tellChanges { [watchers] in watchers.announce($0) }
    }

    /// The courier is started after the broker, since callbacks need the broker.
    package func use(_ courier: Courier) { courierBox.set(courier) }

    package var courier: Courier? { courierBox.get() }

    /// Takes over what couriers of an earlier keeper put aside, and what those of ours will.
    package func use(_ spool: SpoolFolder) {
        if courier == nil, spool.isAlone { spool.clear() }
        spoolBox.withLock { $0 = spool }
        applySpool()
    }

    // MARK: - Connections

    /// A caller's connection is there: revocations wait for its answers in flight.
    package func connected(_ caller: Caller) { gate.add(caller.answering) }
    /// The connection is gone.
    package func disconnected(_ caller: Caller) {
        disconnected(caller.answering)
        caller.giveSlab(to: slabs)
    }

    /// The answer has left, or its connection has ended.
    package func answered(_ caller: Caller) { answered(caller.answering) }

    private func answered(_ line: Answering) {
        gate.leave(line)
        if let service = line.countedOf() { calls.end(service) }
    }

    /// Ends all watches; none begins any more.
    package func stopWatching() { watchers.stop() }

    /// A line that is not a connection's is there: revocations wait for its answers in flight, or cut them.
    package func connected(_ line: Answering) { gate.add(line) }
    /// That line is over.
    package func disconnected(_ line: Answering) {
        answered(line)
        gate.remove(line)
    }

    // MARK: - Refusing

    /// Records a refusal, within the budget, and returns what the caller is told: nothing but that it is refused.
    func refuse(
        _ denial: Denial, _ action: String, _ identity: Caller.Identity, _ request: RequestID, app: AppKey? = nil,
        kind: String? = nil, leaseID: String? = nil
    ) -> Problem {
        var refused = denial.problem(advice: "an admin can ask: postern why \(request)")
        refused.isOnRecord = true
        guard budget.admits("uid:\(identity.actor.uid ?? 0)", action, by: identity.actor) else { return refused }
        let entry = AuditEntry(
            action, .denied, by: identity.actor, request: request, app: app, kind: kind, leaseID: leaseID,
            reason: denial.rawValue)
        do {
            _ = try vault.record(entry)
            return refused
        } catch { return error }
    }

    /// Records that a service has reached one of its limits, within the budget, and returns `problem`, which says so.
    func limit(
        _ denial: Denial, _ problem: Problem, _ action: String, _ identity: Caller.Identity, _ request: RequestID,
        app: AppKey? = nil, kind: String? = nil
    ) -> Problem {
        let told = refuse(denial, action, identity, request, app: app, kind: kind)
        guard told.isOnRecord else { return told }
        var problem = problem
        problem.isOnRecord = true
        return problem
    }

    /// Records that an allowed operation failed, and returns its problem.
    func fail(_ problem: Problem, _ entry: AuditEntry, because reason: String? = nil) -> Problem {
        var entry = entry
        entry.outcome = .error
        entry.reason = reason ?? problem.code.rawValue
        do {
            if budget.admits("uid:\(entry.actor.uid ?? 0)", entry.action + ".error", by: entry.actor) {
                _ = try vault.record(entry)
            }
            var problem = problem
            problem.isOnRecord = true
            return problem
        } catch { return error }
    }

    // MARK: - Time passes

    /// Called once a minute: what was counted and not recorded becomes one record a kind.
    package func endMinute() {
        calls.endMinute()
        write(budget.endMinute(), .denied)
        write(looks.endMinute(), .allowed)
    }

    private func write(_ counted: [RefusalBudget.Suppressed], _ outcome: AuditEntry.Outcome) {
        for suppressed in counted {
            let entry = AuditEntry(
                "suppressed", outcome, by: suppressed.actor, request: .next(), reason: suppressed.action,
                count: suppressed.count)
            do { _ = try vault.record(entry) } catch {
                Log.warning("suppressed_not_recorded", ["code": error.code.rawValue, "count": suppressed.count])
            }
        }
    }

    /// Something was taken away and is durable: returns when no answer it forbids can leave.
    func drain() { gate.drain(before: vault.policy.epoch) }
}

extension Broker {
    /// Refuses to hand anything out while the vault is damaged or a revocation is not on the disk yet.
    func requireSound() throws(Problem) {
        try vault.requireSound()
        try unwritten.requireNone()
    }

    /// Called once a second.
    package func tick() {
        courier?.prunePassages()
        unwritten.retry()
        refreshDue()
        workRevocations()
        workEvents()
    }
}

package import Linux
package import Rules
import Synchronization
package import Vault

/// What an admin call needs; which roles have it is decided in one place.
package enum AdminRight: Sendable {
    /// See names, fields, versions, leases, health.
    case look
    /// Read and verify the audit log, ask why.
    case audit
    /// Tenants, apps, secrets, OAuth, suspension, leases.
    case operate
    /// Reveal a secret.
    case reveal
    /// Services, grants and roles: who may do what.
    case policy

    func isHeld(by role: AdminRole) -> Bool {
        switch role {
        case .admin: true
        case .operator: self == .look || self == .audit || self == .operate
        case .auditor: self == .audit
        }
    }
}

/// One call of an admin, allowed.
package struct AdminCall: Sendable {
    package let actor: Actor
    package let request: RequestID
    /// The only tenant this admin may see; nil is all.
    package let onlyTenant: Int64?
    /// The policy epoch it was allowed under.
    let epoch: Int64
    fileprivate let ask: Ask

    /// What it was allowed for, so that it can be decided again.
    fileprivate struct Ask: Sendable {
        let peer: Peer
        let right: AdminRight
        let tenant: Int64?
        let anyTenant: Bool
    }

    /// What stands in rows as their maker.
    var name: String { actor.name ?? "uid:\(actor.uid ?? 0)" }
}

extension Broker {
    /// Whether `peer` holds any admin role at all; strangers on admin.sock are told no and closed.
    package func isAdmin(_ peer: Peer) -> Bool { !roles(of: peer, vault.policy).isEmpty }

    /// Refuses, with a record, a peer that holds no role at all; what it asked for is its own text and not recorded.
    package func refuseStranger(_ caller: Caller, _ request: RequestID) -> Problem {
        let policy = vault.policy
        let actor = adminActor(caller.peer, nil)
        let identity = Caller.Identity(serial: policy.serial, service: nil, grants: [], actor: actor)
        return refuse(.noRole, "admin.call", identity, request)
    }

    /// Allows an admin call or refuses it with a record. `tenant` is the tenant the call is about, nil for calls that
    /// are about the whole vault.
    package func admit(
        _ caller: Caller, _ right: AdminRight, _ action: String, tenant: Int64? = nil, anyTenant: Bool = false,
        _ request: RequestID
    ) throws(Problem) -> AdminCall {
        let policy = vault.policy
        let held = roles(of: caller.peer, policy)
        let ask = AdminCall.Ask(peer: caller.peer, right: right, tenant: tenant, anyTenant: anyTenant)
        let actor = adminActor(caller.peer, held.first)
        // Status and metrics are asked every few seconds by machines (design, section 8).
        let isQuiet = action == "status" || action == "metrics"
        func looked() throws(Problem) {
            guard right == .look || right == .audit, !isQuiet, looks.admits("uid:\(caller.peer.uid)", action, by: actor)
            else {
                return
            }
            _ = try vault.record(AuditEntry(action, .allowed, by: actor, request: request))
        }
        if let one = fitting(ask, held) {
            try looked()
            return AdminCall(actor: actor, request: request, onlyTenant: one.tenant, epoch: policy.epoch, ask: ask)
        }
        let identity = Caller.Identity(serial: policy.serial, service: nil, grants: [], actor: actor)
        throw refuse(.noRole, action, identity, request)
    }

    /// The role that allows what is asked: one for all tenants before one for the tenant.
    private func fitting(_ ask: AdminCall.Ask, _ held: [HeldRole]) -> HeldRole? {
        let fitting = held.filter { ask.right.isHeld(by: $0.role) }
        if let one = fitting.first(where: { $0.tenant == nil }) { return one }
        guard ask.tenant != nil || ask.anyTenant else { return nil }
        return fitting.first { ask.anyTenant || $0.tenant == ask.tenant }
    }

    /// Decides a call anew where the policy has moved since it was allowed; returns the epoch it is allowed under now, or nil.
    private func stillAllowed(_ call: AdminCall) -> Int64? {
        let policy = vault.policy
        guard policy.epoch != call.epoch else { return policy.epoch }
        let now = fitting(call.ask, roles(of: call.ask.peer, policy))
        guard let now, now.tenant == nil || now.tenant == call.onlyTenant else { return nil }
        return policy.epoch
    }

    private struct HeldRole {
        let role: AdminRole
        let tenant: Int64?
        let name: String
    }

    /// Root is admin; everybody else is what the roles say. The daemon's uid by itself is nothing.
    private func roles(of peer: Peer, _ policy: PolicySnapshot) -> [HeldRole] {
        var held = policy.roles.filter { peer.matches([$0.selector]) }.map {
            HeldRole(role: $0.role, tenant: $0.tenant, name: $0.selector.description)
        }
        if peer.uid == 0, peer.isAlive { held.insert(HeldRole(role: .admin, tenant: nil, name: "uid:0"), at: 0) }
        return held
    }

    private func adminActor(_ peer: Peer, _ role: HeldRole?) -> Actor {
        let facts = peer.facts
        return Actor(
            kind: role == nil ? .unknown : .admin, name: role?.name, uid: peer.uid, gid: peer.gid, pid: peer.pid,
            loginUID: facts.loginUID, exe: facts.executable, unit: facts.unit)
    }

    /// Makes a change together with its record; when it takes something away, returns only once no answer it forbids
    /// can leave.
    func change<Value: Sendable>(
        _ call: AdminCall, _ action: String, isRevoking: Bool = false, tenant: String? = nil, app: AppKey? = nil,
        kind: String? = nil, leaseID: String? = nil, reason: String? = nil,
        _ body: @escaping @Sendable (Transaction, inout AuditEntry) throws(Problem) -> Value
    ) throws(Problem) -> Value {
        let entry = AuditEntry(
            action, .allowed, by: call.actor, request: call.request, tenant: tenant, app: app, kind: kind,
            leaseID: leaseID, reason: reason)
        let before = vault.policy.epoch
        var refused: Problem?
        do throws(Problem) {
            while true {
                guard let epoch = stillAllowed(call) else {
                    let identity = Caller.Identity(
                        serial: vault.policySerial, service: nil, grants: [], actor: call.actor)
                    let problem = refuse(.noRole, action, identity, call.request)
                    refused = problem
                    throw problem
                }
                let outcome = try vault.change(decidedUnder: epoch, isRevoking: isRevoking) {
                    transaction throws(Problem) in
                    var entry = entry
                    let value = try body(transaction, &entry)
                    try transaction.record(entry)
                    return value
                }
                guard case .done(let value) = outcome else { continue }
                if vault.policy.epoch != before { drain() }
                return value
            }
        } catch {
            if let refused { throw refused }
            guard error.code == .auditUnavailable else { throw fail(error, entry) }
            guard isRevoking else { throw error }
            unwritten.add { [vault] () throws(Problem) in
                try vault.change(
                    isRevoking: true,
                    always: { transaction throws(Problem) in
                        var entry = entry
                        _ = try body(transaction, &entry)
                        try transaction.record(entry)
                    })
            }
            // Nothing has moved the epoch: the answers of this one are what must not leave.
            gate.drain(before: vault.policy.epoch + 1)
            throw UnwrittenRevocations.problem
        }
    }

    /// An answer to an admin that a revocation must wait for, until `answered`.
    package func beginAnswer(to caller: Caller) { _ = gate.enter(caller, vault) }

    /// Records that an admin looked at something, before it is shown.
    func note(_ call: AdminCall, _ action: String, tenant: String? = nil, app: AppKey? = nil) throws(Problem) {
        _ = try vault.record(
            AuditEntry(action, .allowed, by: call.actor, request: call.request, tenant: tenant, app: app))
    }
}

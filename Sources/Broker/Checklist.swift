import Platforms
package import Rules
package import Vault

/// One step of a customer's guide, and whether it was done.
package struct ChecklistItem: Sendable {
    /// What is known of it.
    package enum State: String, Sendable, CaseIterable {
        case done
        case missing
        case unknown
    }

    package let step: String
    package let title: String
    package let place: String
    package let state: State
    /// What tells so, or what to do; empty where the title says it all.
    package let detail: String
}

extension Broker {
    /// The steps of the customer's guide with what is known of each: from the credentials, the last verification, the
    /// installations and what has arrived since.
    package func checklist(_ app: App) throws(Problem) -> [ChecklistItem] {
        let profile = try profile(of: app)
        let checks = try vault.checks(of: app.id)
        let kinds = Set(try vault.secrets(of: app.id).map(\.1.secret.kind))
        let installed = try vault.installations(of: app.id).filter { $0.0.state == .active && $0.0.userID.isEmpty }
        return profile.steps.map { step in
            let (state, detail) =
                switch step.evidence {
                case .stored(let keys): Self.stored(keys, profile, app, kinds)
                case .checks(let names): Self.checked(names, checks)
                case .installed: Self.installed(installed)
                case .byEye: (ChecklistItem.State.unknown, "no call shows it: look there")
                }
            return ChecklistItem(
                step: step.name, title: profile.filled(step.title, app.key.appID), place: step.place, state: state,
                detail: detail)
        }
    }

    private static func stored(
        _ keys: [String], _ profile: Profile, _ app: App, _ kinds: Set<SecretKind>
    ) -> (ChecklistItem.State, String) {
        let wanted = profile.fields.filter { keys.isEmpty ? $0.required : keys.contains($0.key) }
        let missing = wanted.filter { field in
            switch field.place {
            case .appID: false
            case .field(let name): (app.fields[name] ?? "").isEmpty
            case .secret(let kind): !kinds.contains(kind)
            }
        }
        guard let first = missing.first else { return (.done, "\(wanted.count) of \(wanted.count) are stored") }
        let how =
            first.isSecret
            ? "postern secret set \(app.key) \(first.key)" : "postern app edit \(app.key) --field \(first.key)=…"
        return (.missing, "missing: \(missing.map(\.key).joined(separator: " ")); \(how)")
    }

    private static func checked(_ names: [String], _ checks: [StoredCheck]) -> (ChecklistItem.State, String) {
        let found = names.compactMap { name in checks.first { $0.check == name } }
        if let failed = found.first(where: { $0.result == Check.Result.failed.rawValue }) {
            return (.missing, [failed.compared, failed.advice].filter { !$0.isEmpty }.joined(separator: "; "))
        }
        let open = found.first { $0.result != Check.Result.passed.rawValue }
        if let open { return (.unknown, [open.compared, open.advice].filter { !$0.isEmpty }.joined(separator: "; ")) }
        guard found.count == names.count, let last = found.last else { return (.unknown, "not seen yet") }
        return (.done, last.compared)
    }

    private static func installed(_ places: [(Installation, [LegRow])]) -> (ChecklistItem.State, String) {
        let live = places.filter { $0.1.contains { $0.state == .active && $0.leg != .config } }
        if let (place, _) = live.first {
            return (.done, place.teamName.isEmpty ? "a token is stored" : "installed at \(place.teamName)")
        }
        return (.missing, places.isEmpty ? "no installation yet" : "the token is dead: install it again")
    }
}

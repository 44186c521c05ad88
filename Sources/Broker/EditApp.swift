import Platforms
package import Rules
package import Vault

/// What an admin changes of an app's public facts.
package struct AppEdit: Sendable {
    /// New values; an empty one takes the field away.
    package let fields: [PublicField: String]
    /// All of them anew; nil leaves them as they are.
    package let redirectURIs: [String]?

    /// Every field as given.
    package init(fields: [PublicField: String], redirectURIs: [String]?) {
        self.fields = fields
        self.redirectURIs = redirectURIs
    }
}

extension Broker {
    /// Changes public fields and redirect URIs. What was verified before is forgotten with a field it was about.
    package func edit(_ app: App, _ edit: AppEdit, _ call: AdminCall) throws(Problem) -> App {
        let profile = try profile(of: app)
        if profile.appID == .clientID, let clientID = edit.fields[.clientID], clientID != app.key.appID.value {
            throw Problem(
                .badRequest, "at Genesys Cloud the Client ID is the app itself",
                advice: "add the other client as an app of its own, and remove this one")
        }
        let set = try checked(edit.fields.filter { !$0.value.isEmpty }, on: app.key.platform)
        for (field, value) in edit.fields
        where value.isEmpty && profile.fields.contains(where: { $0.place == .field(field) && $0.required }) {
            throw Problem(.badRequest, "\(field.rawValue) is needed by the profile \(profile.name)")
        }
        if let uris = edit.redirectURIs {
            try Self.check(redirectURIs: uris)
            guard Set(uris).count == uris.count else { throw Problem(.badRequest, "a redirect URI is there twice") }
        }
        let names = edit.fields.keys.map(\.rawValue).sorted() + (edit.redirectURIs == nil ? [] : ["redirect_uris"])
        guard !names.isEmpty else { throw Problem(.badRequest, "nothing was named to be changed") }
        let edited = try change(
            call, "app.edit", tenant: slug(of: app.tenant)?.value, app: app.key, reason: names.joined(separator: " ")
        ) { transaction, _ throws(Problem) in
            guard var row = try transaction.app(app.key), row.id == app.id else {
                throw Problem(.notFound, "the app is gone")
            }
            var fields = row.fields
            for (field, value) in edit.fields { fields[field] = value.isEmpty ? nil : set[field] }
            row.fields = fields
            if let uris = edit.redirectURIs {
                let removed = Set(row.redirectURIs).subtracting(uris)
                row.redirectURIs = uris
                // Nothing that began with a URI that is gone can be finished with it.
                for uri in removed { try transaction.dropFlows(of: row.id, to: uri) }
                if !removed.isEmpty { transaction.raiseEpoch() }
            }
            try transaction.update(app: row, takesAway: false)
            // Whether it is right now has to be asked again.
            if !edit.fields.isEmpty {
                try transaction.removeChecks(of: row.id)
                // What failed for want of the right region or the like is tried at once.
                try transaction.retryRefreshes(of: row.id)
            }
            return row
        }
        // Only now can whoever asks find what was edited.
        refreshing.release(app.id)
        proven.forget(app: app.id)
        return edited
    }
}

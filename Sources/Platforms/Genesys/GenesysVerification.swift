package import Rules

/// Judges a Genesys Cloud client's submitted credentials by what Genesys Cloud answered (platforms, 4.6 and 5.5). Pure.
package struct GenesysVerification: Sendable {
    /// What a call gave, where it was made.
    package typealias Outcome<Value: Sendable> = Swift.Result<Value, PlatformFailure>

    let profile: Profile
    let clientID: String
    let region: String?
    /// The client credentials' token, or why there is none; nil: no secret is stored.
    let token: Outcome<Void>?
    let info: Outcome<GenesysTokenInfo>?
    /// The ids that were submitted, with commas between them; nil where there are none.
    let integrationIDs: String?
    /// Every integration of every page.
    let integrations: Outcome<[GenesysIntegration]>?
    /// Where Genesys Cloud is to send notifications; nil where nobody said.
    let webhookURL: String?
    /// Characters of the stored webhook secret; nil: none is stored.
    let webhookSecretLength: Int?

    /// Every field as given.
    package init(
        profile: Profile, clientID: String, region: String?, token: Outcome<Void>?, info: Outcome<GenesysTokenInfo>?,
        integrationIDs: String? = nil, integrations: Outcome<[GenesysIntegration]>? = nil, webhookURL: String? = nil,
        webhookSecretLength: Int? = nil
    ) {
        self.profile = profile
        self.clientID = clientID
        self.region = region
        self.token = token
        self.info = info
        self.integrationIDs = integrationIDs
        self.integrations = integrations
        self.webhookURL = webhookURL
        self.webhookSecretLength = webhookSecretLength
    }

    /// The ids in a field: separated by commas or white space.
    package static func ids(in field: String) -> [String] {
        field.split { $0 == "," || $0 == ";" || $0.isWhitespace }.map { $0.lowercased() }
    }

    /// The checks in the order of platforms 4.6.
    package var checks: [Check] {
        var list = [client]
        if case .success = token {
            list += [organisation, identifier]
            if let grant { list.append(grant) }
            if let integrationIDs { list.append(contentsOf: messaging(Self.ids(in: integrationIDs))) }
        }
        if let secret { list.append(secret) }
        return list
    }

    /// The client Genesys Cloud itself says the token is of; nil where it does not say.
    package var owner: AppID? {
        guard case .success(let found) = info else { return nil }
        return found.clientID.flatMap { AppID($0) }
    }

    private var client: Check {
        let place = region ?? "no region"
        switch token {
        case nil:
            return Check("client_credentials", .pending, compared: "no Client Secret is stored", advice: "store it")
        case .success:
            return Check(
                "client_credentials", .passed, compared: "\(place) gives a token for Client ID and Client Secret")
        case .failure(let failure):
            let isTheirs = failure.verdict == .config || failure.verdict == .reauth
            return Check(
                "client_credentials", isTheirs ? .failed : .inconclusive,
                compared: "the token endpoint of \(place) answers \(failure.code)", advice: failure.sentence)
        }
    }

    private var organisation: Check {
        switch info {
        case .success(let found):
            let name = found.organizationName ?? "without a name"
            return Check("organization", .passed, compared: "the client is of “\(name)” (\(found.organizationID))")
        case .failure(let failure):
            return Check(
                "organization", .inconclusive, compared: "tokens/me answers \(failure.code)", advice: failure.sentence)
        case nil: return Check("organization", .inconclusive, compared: "tokens/me was not asked")
        }
    }

    private var identifier: Check {
        guard case .success(let found) = info, let id = found.clientID else {
            return Check("client_id", .inconclusive, compared: "tokens/me names no client")
        }
        let compared = "submitted \(Label.shown(clientID)), the token is of \(Label.shown(id))"
        return id.lowercased() == clientID.lowercased()
            ? Check("client_id", .passed, compared: compared)
            : Check(
                "client_id", .failed, compared: compared,
                advice: "copy Client ID and Client Secret from the same OAuth client")
    }

    /// nil where tokens/me says nothing of the client's settings.
    private var grant: Check? {
        guard case .success(let found) = info, let type = found.grantType else { return nil }
        let state = found.state ?? "active"
        let compared = "grant type \(Label.shown(type)), state \(Label.shown(state))"
        guard state == "active" else {
            return Check("client_settings", .failed, compared: compared, advice: "activate the OAuth client")
        }
        return Check("client_settings", .passed, compared: compared)
    }

    private func messaging(_ ids: [String]) -> [Check] {
        let found: [GenesysIntegration]
        switch integrations {
        case .success(let list): found = list
        case .failure(let failure):
            return [
                Check(
                    "integration_ids", failure.verdict == .config ? .failed : .inconclusive,
                    compared: "the list of open messaging integrations answers \(failure.code)",
                    advice: failure.sentence)
            ]
        case nil: return [Check("integration_ids", .inconclusive, compared: "the integrations were not asked for")]
        }
        let mine = found.filter { ids.contains($0.id.lowercased()) }
        let missing = ids.filter { id in !found.contains { $0.id.lowercased() == id } }
        let names = mine.map { "\($0.name ?? "without a name") (\(Label.shown($0.id)))" }.joined(separator: ", ")
        guard missing.isEmpty else {
            return [
                Check(
                    "integration_ids", .failed,
                    compared: "not there: \(missing.map(Label.shown).joined(separator: " "))"
                        + (names.isEmpty ? "" : "; there: \(names)"),
                    advice: "copy both ids from Admin > Message > Platforms > Open Messaging")
            ]
        }
        let wanted = profile.fields.contains { $0.place == .field(.integrationIDs) && $0.required } ? 2 : 1
        guard mine.count >= wanted else {
            return [
                Check(
                    "integration_ids", .failed, compared: "submitted \(ids.count), the guide has \(wanted): \(names)",
                    advice: "give the ids of Open Messaging Direct Message and of Open Messaging App Mention")
            ]
        }
        return [Check("integration_ids", .passed, compared: names), address(mine)]
    }

    private func address(_ integrations: [GenesysIntegration]) -> Check {
        let found = integrations.map { $0.webhookURL.map(Label.shown) ?? "none" }
        guard let webhookURL else {
            return Check(
                "notification_url", .pending, compared: "they send to \(found.joined(separator: " and "))",
                advice: "this must be the address of the service that takes Genesys Cloud's notifications")
        }
        let wrong = integrations.filter { $0.webhookURL != webhookURL }
        return wrong.isEmpty
            ? Check("notification_url", .passed, compared: "they send to \(webhookURL)")
            : Check(
                "notification_url", .failed,
                compared: "wanted \(webhookURL), they send to \(found.joined(separator: " and "))",
                advice: "set the Outbound Notification Webhook URL of both integrations")
    }

    /// Genesys' own SDK says more than 15 characters, the guide any value (platforms, 6): 16 is safe.
    private var secret: Check? {
        guard let length = webhookSecretLength else {
            guard profile.asks(for: .webhookSecret) else { return nil }
            return Check("webhook_secret", .pending, compared: "no webhook secret is stored", advice: "store it")
        }
        guard length >= 16 else {
            return Check(
                "webhook_secret", .failed, compared: "it has \(length) characters, not 16 or more",
                advice: "choose a longer one (postern secret set … webhook_secret --generate) and enter it in both "
                    + "integrations")
        }
        return Check(
            "webhook_secret", .pending, compared: "no call of Genesys Cloud's surely shows it",
            advice: "it is proven by the first signed notification: send one message through the integration")
    }
}

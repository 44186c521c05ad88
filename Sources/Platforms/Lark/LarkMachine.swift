package import Rules

extension Lark {
    /// The client's own credentials give an organisation's and the app's token (platforms, 2.5).
    package func mintable(_ client: OAuthClient) -> [Leg] { [.tenant, .app] }

    /// Ten minutes, as the vendor's SDKs have it: below thirty the platform gives a new token, and both are good.
    package var mintMargin: Int64 { 600 }

    /// Makes an organisation's or the app's token. Internal apps need only their credentials; a store app's own token
    /// needs the newest ticket, and its tenants' tokens need that token and the tenant's key.
    package func mint(_ leg: Leg, _ material: MintMaterial, _ client: OAuthClient) throws(Problem) -> PlatformRequest {
        guard leg == .tenant || leg == .app else {
            throw Problem(.unsupported, "\(brand.title) makes no \(leg.rawValue) token from an app's credentials")
        }
        let name = "\(leg.rawValue)_access_token"
        if client.isStoreApp, leg == .tenant {
            guard let tenant = material.tenantKey else {
                throw Problem(.notFound, "the installation has no tenant_key", advice: "install the app again")
            }
            guard let appToken = material.appToken else {
                throw Problem(.internal, "a store app's tenant token was asked for without its app token")
            }
            return machine(name, ["app_access_token": .string(appToken), "tenant_key": .string(tenant)])
        }
        guard let secret = client.clientSecret else {
            throw Problem(.notFound, "the app has no App Secret", advice: "store it with postern secret set")
        }
        var fields: [String: JSONValue] = ["app_id": .string(client.appID.value), "app_secret": .string(secret)]
        guard client.isStoreApp else { return machine("\(name)/internal", fields) }
        guard let ticket = material.ticket else {
            throw Problem(
                .needsReauthorization, "\(brand.title) has not sent this store app's ticket yet",
                advice: "the ticket comes by itself every hour, and was asked for again; try again in a minute")
        }
        fields["app_ticket"] = .string(ticket)
        return machine(name, fields)
    }

    /// Asks for a store app's ticket; it arrives as an event. nil for internal apps, which have none.
    package func resendTicket(_ client: OAuthClient) -> PlatformRequest? {
        guard client.isStoreApp, let secret = client.clientSecret else { return nil }
        return call(
            "auth.v3.app_ticket.resend", "POST", "auth/v3/app_ticket/resend",
            ["app_id": .string(client.appID.value), "app_secret": .string(secret)])
    }

    private func machine(_ path: String, _ fields: [String: JSONValue]) -> PlatformRequest {
        call("auth.v3.\(path.replacing("/", with: "."))", "POST", "auth/v3/\(path)", fields)
    }
}

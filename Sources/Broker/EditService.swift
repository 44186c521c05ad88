package import Rules
package import Vault

/// What a service may make of the daemon; nil is left as it is, or as is usual.
package struct ServiceCaps: Sendable {
    /// Calls a second; 0 is as many as it likes.
    package var rate: Int64?
    /// Live leases.
    package var mostLeases: Int64?

    /// Both as given.
    package init(rate: Int64? = nil, mostLeases: Int64? = nil) {
        self.rate = rate
        self.mostLeases = mostLeases
    }

    /// Throws `bad_request` for what cannot be a cap.
    func check() throws(Problem) {
        guard (0...1_000_000).contains(rate ?? 0) else {
            throw Problem(.badRequest, "a service's rate is 1 to 1000000 calls a second, or 0 for no cap")
        }
        guard (1...1_000_000).contains(mostLeases ?? 1) else {
            throw Problem(.badRequest, "a service may have 1 to 1000000 live leases")
        }
    }
}

extension Broker {
    /// Changes a service's caps. Nothing that it has ends: they hold for what it asks from now on.
    package func editService(_ name: Slug, _ caps: ServiceCaps, _ call: AdminCall) throws(Problem) -> ServiceRow {
        try caps.check()
        guard caps.rate != nil || caps.mostLeases != nil else {
            throw Problem(.badRequest, "nothing was named to be changed", advice: "give rate or max_leases")
        }
        return try change(call, "service.edit", reason: name.value) { transaction, _ throws(Problem) in
            guard var row = try transaction.service(name) else {
                throw Problem(.notFound, "there is no service \(name)", advice: "list them: postern service list")
            }
            row.rate = caps.rate ?? row.rate
            row.mostLeases = caps.mostLeases ?? row.mostLeases
            try transaction.update(service: row)
            return row
        }
    }

    /// How many live leases a service has.
    package func liveLeases(of service: ServiceRow) throws(Problem) -> Int64 {
        var filter = LeaseFilter()
        filter.service = service.id
        return try vault.liveLeases(filter, at: leaseMoment)
    }
}

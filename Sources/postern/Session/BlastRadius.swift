import Rules

/// What else a change touches, asked from the daemon before anything is taken away.
extension Session {
    /// Whether the daemon has it.
    func exists(_ path: String) throws(Failure) -> Bool {
        do {
            _ = try admin.get(path)
            return true
        } catch {
            if error.code == "not_found" { return false }
            throw error
        }
    }

    /// The live leases of a service, app, tenant, grant or installation, one sentence each, the first ten of them.
    func leases(
        service: String? = nil, app: String? = nil, tenant: String? = nil, grant: String? = nil,
        installation: String? = nil
    ) throws(Failure) -> [String] {
        let answer = try admin.get(
            "leases",
            [
                ("service", service), ("app", app), ("tenant", tenant), ("grant", grant),
                ("installation", installation), ("state", "live"), ("limit", "10"),
            ])
        let shown = (answer["leases"]?.items ?? []).map { lease in
            "lease \(Show.cell(lease["lease_id"])) of \(Show.cell(lease["service"])) for \(Show.app(lease)) ends"
        }
        let more = Int(answer["live"]?.int ?? 0) - shown.count
        return shown + (more > 0 ? ["and \(Show.count(more, "more lease ends", "more leases end"))"] : [])
    }

    /// The services whose grants allow `action` on `app`, which belongs to `tenant`.
    func servicesThatMay(_ action: Action, on app: AppKey, of tenant: String) throws(Failure) -> [String] {
        guard let owner = Slug(tenant) else { return [] }
        let grants = try admin.get("grants")["grants"]?.items ?? []
        let names = grants.filter { grant in
            guard let pattern = GrantPattern(grant["pattern"]?.text ?? "") else { return false }
            return pattern.covers(app, of: owner) && (grant["actions"]?.texts ?? []).contains("\(action)")
        }
        return Set(names.compactMap { $0["service"]?.text }).sorted()
    }

    /// One entry of a list by its id; grants and roles have no call of their own.
    func entry(_ id: String, in list: String, named what: String) throws(Failure) -> JSON {
        let items = try admin.get(list)[list]?.items ?? []
        guard let found = items.first(where: { $0["id"]?.cell == id }) else {
            throw Failure(
                exit: Exit(5), code: "not_found", what: "there is no \(what) \(id.shown)",
                next: "see postern \(what) list")
        }
        return found
    }
}
